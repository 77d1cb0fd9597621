"""The vocabulary every room shares: tensors, errors, shapes of a batch.

Shapes are written ``(B, H, W, C)``; volumes are ``(z, y, x)``; spacing is in mm, in the order of
the array's axes. Symbols: B batch, H rows, W columns, M modalities, K lesion classes.
"""

from __future__ import annotations

from typing import Any, TypedDict

Tensor = Any
"""A backend tensor or an array: whatever ``keras.ops`` accepts."""


class MedSynthError(ValueError):
    """A user's mistake: the message states the rule, what was received, and the remedy."""


class Slice(TypedDict):
    """One normalised image slice, before batching (add a leading B for a batch)."""

    index: Tensor  # () int64, position in the stream: names every random draw
    images: Tensor  # (H, W, M * C) float32 in [0, 1]
    lesion_label: Tensor  # (H, W, 1) int32, index into the classes of the domain


class MapDraw(TypedDict):
    """A structure map with its mask, real or drawn (add a leading B for a batch)."""

    structure_map: Tensor  # (H, W, 1) float32, 1 on a line
    background_mask: Tensor  # (H, W, 1) float32, 1 outside the organ
