"""A lesion label from a few numbers, and whether it lies inside the organ."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt

from tf_medsynth.config.base import check
from tf_medsynth.config.lesion_shapes import LesionShape
from tf_medsynth.types import MedSynthError

NESTED = "nested"
RINGS = ("oedema", "enhancing", "necrosis")
"""Classes of a nested lesion, from outside to inside."""


class Room(NamedTuple):
    """The largest circle in an organ, in the units of `LesionShape`."""

    row: float
    column: float
    radius: float


def kinds_of(classes: Sequence[str]) -> tuple[str, ...]:
    """Kinds of lesions that can be drawn where labels have `classes`, background first."""
    nested = (NESTED,) if set(RINGS) <= set(classes[1:]) else ()
    return (*nested, *classes[1:])


def lesion_label(
    shape: LesionShape, image_size: tuple[int, int], classes: Sequence[str]
) -> NDArray[np.int32]:
    """Class codes `(H, W, 1)` int32 of a drawn lesion; a pixel belongs to it when its centre does.

    Args:
        shape: what to draw.
        image_size: (H, W) in px.
        classes: of the label, background first; the index is the code.

    Raises:
        MedSynthError: no pixel is hit, the ellipse leaves the image, or the label has no such class.
    """
    kinds = kinds_of(classes)
    check(
        "labels have no such lesion",
        shape.kind in kinds,
        f"Kinds: {', '.join(kinds)}.",
        kind=shape.kind,
    )
    rows, columns = image_size
    remedy = "Move it, or make it smaller."
    check("a lesion must lie inside the image", _in_image(shape, image_size), remedy, **_place(shape))
    distance = _distance(shape, image_size)
    label = np.zeros((rows, columns, 1), np.int32)
    if shape.kind == NESTED:
        bounds = (1.0, shape.core, shape.core * shape.necrosis)
        for name, bound in zip(RINGS, bounds, strict=True):
            label[distance < bound] = classes.index(name)
    else:
        label[distance < 1.0] = classes.index(shape.kind)
    check("a lesion must have a pixel", bool(label.any()), "Make it larger.", radius=shape.radius)
    return label


def pixels_outside(label: ArrayLike, background_mask: ArrayLike) -> int:
    """Lesion pixels outside the organ.

    Args:
        label: `(H, W, 1)` class codes.
        background_mask: `(H, W, 1)`, 1 outside the organ.
    """
    label, mask = np.asarray(label), np.asarray(background_mask)
    check("label and mask have one shape", label.shape == mask.shape, label=label.shape, mask=mask.shape)
    return int(((label > 0) & (mask > 0.5)).sum())


def check_inside(label: ArrayLike, background_mask: ArrayLike) -> None:
    """Raises unless every lesion pixel lies inside the organ; arguments as of `pixels_outside`.

    Raises:
        MedSynthError: says how many do not.
    """
    outside, whole = pixels_outside(label, background_mask), int((np.asarray(label) > 0).sum())
    remedy = "Move the lesion, or make it smaller."
    check("the lesion must lie inside the organ", not outside, remedy, pixels_outside=outside, of=whole)


def roomiest_place(background_mask: ArrayLike) -> Room:
    """Centre and radius of the largest circle inside the organ, without the pixels on its rim.

    Args:
        background_mask: `(H, W, 1)`, 1 outside the organ.

    Raises:
        MedSynthError: there is no organ.
    """
    organ = np.asarray(background_mask)[..., 0] < 0.5
    check("a place for a lesion needs an organ", bool(organ.any()), "Take another sample.", pixels=0)
    room = distance_transform_edt(np.pad(organ, 1))[1:-1, 1:-1]  # what is beyond the image is outside
    row, column = np.unravel_index(int(room.argmax()), room.shape)
    height, width = organ.shape
    # Half a pixel less: distances are between centres, and a pixel's corner may not reach out.
    radius = max(float(room.max()) - 0.5, 0.5) / min(height, width)
    return Room((float(row) + 0.5) / height, (float(column) + 0.5) / width, radius)


def moved_inside(shape: LesionShape, background_mask: ArrayLike, step: float = 0.005) -> LesionShape:
    """The lesion where there is most room, smaller where it must be.

    Args:
        shape: what to move.
        background_mask: `(H, W, 1)`, 1 outside the organ.
        step: place and radius come out as multiples of it, as a slider shows them.

    Raises:
        MedSynthError: there is no organ, or none with room for a lesion of a pixel all around.
    """
    room, size = roomiest_place(background_mask), np.shape(background_mask)[:2]
    wide_enough = room.radius * min(size) >= 1.0
    check("a lesion needs a larger organ", wide_enough, "Take another sample.", room=room.radius)
    row, column = _rounded(room.row, step), _rounded(room.column, step)
    largest = min(shape.radius, room.radius / math.sqrt(shape.elongation))
    for steps in range(int(largest / step), 0, -1):
        radius = _rounded(steps * step, step)
        moved = dataclasses.replace(shape, row=row, column=column, radius=radius)
        if _fits(moved, background_mask, (int(size[0]), int(size[1]))):
            return moved
    check("a lesion needs a larger organ", False, "Take another sample.", room=room.radius)
    return shape


def _fits(shape: LesionShape, background_mask: ArrayLike, image_size: tuple[int, int]) -> bool:
    try:
        plain = dataclasses.replace(shape, kind="any")
        return not pixels_outside(lesion_label(plain, image_size, ("none", "any")), background_mask)
    except MedSynthError:
        return False


def _rounded(value: float, step: float) -> float:
    return round(round(value / step) * step, 9)


def _distance(shape: LesionShape, image_size: tuple[int, int]) -> NDArray[np.float64]:
    """Of each pixel's centre from the lesion's, 1 on the ellipse, `(H, W)`."""
    rows, columns = image_size
    side = min(image_size)
    up = shape.row * rows - (np.arange(rows)[:, None] + 0.5)
    right = np.arange(columns)[None] + 0.5 - shape.column * columns
    cosine, sine = np.cos(np.deg2rad(shape.angle)), np.sin(np.deg2rad(shape.angle))
    long, short = (side * axis for axis in shape.half_axes)
    return np.hypot((right * cosine + up * sine) / long, (up * cosine - right * sine) / short)


def _in_image(shape: LesionShape, image_size: tuple[int, int]) -> bool:
    rows, columns = image_size
    long, short = (min(image_size) * axis for axis in shape.half_axes)
    cosine, sine = np.cos(np.deg2rad(shape.angle)), np.sin(np.deg2rad(shape.angle))
    high, wide = np.hypot(long * sine, short * cosine), np.hypot(long * cosine, short * sine)
    row, column = shape.row * rows, shape.column * columns
    slack = 1e-9
    vertical = high <= min(row, rows - row) + slack
    return bool(vertical and wide <= min(column, columns - column) + slack)


def _place(shape: LesionShape) -> dict[str, float]:
    return {"row": shape.row, "column": shape.column, "radius": shape.radius}
