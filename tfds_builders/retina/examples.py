"""From one photograph to an example: the field of view in its bounding square, resized by area averages."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tfds_builders.retina.photograph import Photograph
from tfds_builders.retina.settings import RetinaSettings

Square = tuple[int, int, int]


def square_around(field_of_view: NDArray[np.bool_], margin: float) -> Square:
    """First row, first column and length in px of the square about the field of view.

    It may exceed the image.

    Args:
        field_of_view: `(H, W)`, not empty.
        margin: on each side, as a share of the larger of the field's height and width.
    """
    rows, columns = np.flatnonzero(field_of_view.any(axis=1)), np.flatnonzero(field_of_view.any(axis=0))
    height, width = (int(places[-1] - places[0]) + 1 for places in (rows, columns))
    length = round(max(height, width) * (1 + 2 * margin))
    return int(rows[0]) - (length - height) // 2, int(columns[0]) - (length - width) // 2, length


def example_of(name: str, photograph: Photograph, settings: RetinaSettings) -> dict[str, Any]:
    """``images``, ``lesion_label``, ``field_of_view``, ``patient`` and ``slice_index`` of one photograph.

    An image's pixel is the average of what it covers of the eye, and black outside of the field of view.
    Label and field of view are 1 where they cover more than half of a pixel. Without a label it is 0.
    """
    box = square_around(photograph.field_of_view, settings.margin)
    inside = _square(photograph.field_of_view.astype(np.float32), box)
    colours = _square(photograph.image.astype(np.float32), box)
    share = _resized(inside, settings.side)
    field = share > 0.5
    average = _resized(colours * inside[..., np.newaxis], settings.side) / np.maximum(share, 0.5)[..., None]
    label = photograph.label if photograph.label is not None else np.zeros_like(photograph.field_of_view)
    vessels = (_resized(_square(label.astype(np.float32), box), settings.side) > 0.5) & field
    return {
        "images": (np.rint(np.clip(average, 0, 255)) * field[..., np.newaxis]).astype(np.uint8),
        "lesion_label": vessels[..., np.newaxis].astype(np.uint8),
        "field_of_view": field[..., np.newaxis].astype(np.uint8),
        "patient": name,
        "slice_index": 0,
    }


def _square(array: NDArray[Any], box: Square) -> NDArray[Any]:
    """What of `array` lies in the square; 0 where that exceeds the image."""
    row, column, length = box
    height, width = array.shape[:2]
    inside = array[max(row, 0) : min(row + length, height), max(column, 0) : min(column + length, width)]
    before = max(-row, 0), max(-column, 0)
    after = length - before[0] - inside.shape[0], length - before[1] - inside.shape[1]
    spare = [(before[0], after[0]), (before[1], after[1]), *[(0, 0)] * (array.ndim - 2)]
    return np.pad(inside, spare)


def _resized(array: NDArray[Any], side: int) -> NDArray[Any]:
    return np.asarray(cv2.resize(array, (side, side), interpolation=cv2.INTER_AREA))
