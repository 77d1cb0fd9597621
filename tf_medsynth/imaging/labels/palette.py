"""Colours of labelled classes, and labels laid over grey images."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check

Colour = tuple[int, int, int]
Picture = NDArray[np.uint8]

PALETTE: tuple[Colour, ...] = (
    (213, 94, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (204, 121, 167),
    (0, 114, 178),
    (230, 159, 0),
)
"""The palette of Okabe and Ito, told apart by the colour-blind too; codes from 1 on take it in turn."""

OPACITY = 0.7
_DARKENED = 0.8


def grey(under: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """What labels are laid over, `(n, H, W)`: the images, or black.

    Args:
        under: `(n, H, W)` in [0, 1], or None.
        shape: of the labels.
    """
    ground = np.zeros(shape) if under is None else np.asarray(under)
    check("labels must fit their images", ground.shape == shape, labels=shape, under=ground.shape)
    return ground


def over(codes: NDArray[np.integer], ground: NDArray[np.floating], opaque: bool) -> list[Picture]:
    """Pixels of code k > 0 in the k-th colour over a darkened grey image, `(H, W, 3)` each.

    Args:
        codes: `(n, H, W)`, 0 or more.
        ground: same shape, in [0, 1].
        opaque: whether colours hide what lies below.
    """
    turns = -(-int(codes.max(initial=1)) // len(PALETTE))
    palette = np.array([(0, 0, 0), *(PALETTE * turns)], np.float64)
    opacity = np.where(codes > 0, 1.0 if opaque else OPACITY, 0.0)[..., None]
    mixed = opacity * palette[codes.astype(int)] + (1 - opacity) * 255 * _DARKENED * ground[..., None]
    return list(np.round(mixed).astype(np.uint8))
