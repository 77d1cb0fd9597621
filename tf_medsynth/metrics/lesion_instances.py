"""Lesion by lesion: connected components of a label that were missed, and of an answer that were invented."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from tf_medsynth.config.base import check
from tf_medsynth.metrics.boxes import Detections

_TOUCHING = np.zeros((3, 3, 3), bool)
_TOUCHING[1] = True
"""Pixels of one slice touch by edge or corner; slices do not touch each other."""

LEAST_PIXELS = 5
"""Smaller components are specks, not lesions."""

Counts = NDArray[np.int64]


def lesion_instances(
    found: ArrayLike, wanted: ArrayLike, least_pixels: int = LEAST_PIXELS, reach: int = 2
) -> dict[str, Counts]:
    """Lesions of each slice, `(n,)` each: ``lesions`` in the label, ``missed``, ``hallucinated``.

    A lesion is a component of touching pixels, corners included, of at least `least_pixels`. It is
    missed when none of its pixels was found. A found component is hallucinated when no pixel of it
    lies within `reach` rows and columns of the label.

    Args:
        found: `(n, H, W)` boolean, where a segmentor sees the lesion.
        wanted: same shape, the label.
        least_pixels: smaller components are counted neither as lesions nor as inventions.
        reach: pixels around the label that still count as its surroundings.

    Raises:
        MedSynthError: shapes that differ, or bounds out of range.
    """
    seen, label = np.asarray(found, bool), np.asarray(wanted, bool)
    check(
        "answer and label are boolean (n, H, W) of one shape",
        seen.shape == label.shape and seen.ndim == 3,
        found=seen.shape,
        wanted=label.shape,
    )
    check("least_pixels must be at least 1", least_pixels >= 1, least_pixels=least_pixels)
    check("reach must not be negative", reach >= 0, reach=reach)
    near = ndimage.binary_dilation(label, _TOUCHING, iterations=reach) if reach else label
    lesions, missed = _components(label, seen, least_pixels)
    _, hallucinated = _components(seen, near, least_pixels)
    return {"lesions": lesions, "missed": missed, "hallucinated": hallucinated}


def lesion_boxes(
    mask: ArrayLike, probability: ArrayLike, least_pixels: int = LEAST_PIXELS
) -> list[Detections]:
    """Bounding box of every lesion of each slice, all of class 1, with its mean probability as score.

    Args:
        mask: `(n, H, W)` boolean, where the lesion is.
        probability: same shape, of a lesion; all 1 for a label.
        least_pixels: smaller components have no box.

    Raises:
        MedSynthError: shapes that differ.
    """
    inside, sure = np.asarray(mask, bool), np.asarray(probability, np.float64)
    check(
        "mask and probability are (n, H, W) of one shape",
        inside.shape == sure.shape and inside.ndim == 3,
        mask=inside.shape,
        probability=sure.shape,
    )
    numbers, count = ndimage.label(inside, _TOUCHING)
    size = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    total = np.bincount(numbers.ravel(), sure.ravel(), minlength=count + 1)[1:]
    held: list[list[tuple[tuple[int, ...], float]]] = [[] for _ in inside]
    for box, pixels, score in zip(ndimage.find_objects(numbers), size, total, strict=True):
        plane, rows, columns = box
        if pixels >= least_pixels:
            corners = (rows.start, columns.start, rows.stop, columns.stop)
            held[plane.start].append((corners, float(score / pixels)))
    return [
        Detections([corners for corners, _ in own], [score for _, score in own], [1] * len(own))
        for own in held
    ]


def centroid_distance(found: ArrayLike, wanted: ArrayLike) -> NDArray[np.float64]:
    """Pixels between the centres of mass of answer and label, `(n,)`; NaN where either is empty.

    Args:
        found: `(n, H, W)` boolean.
        wanted: same shape.
    """
    (a, b), (c, d) = _centre(np.asarray(found, bool)), _centre(np.asarray(wanted, bool))
    return np.hypot(a - c, b - d)


def _components(mask: NDArray[np.bool_], other: NDArray[np.bool_], least: int) -> tuple[Counts, Counts]:
    """Components of `mask` in each slice, and those of them that `other` does not meet."""
    numbers, count = ndimage.label(mask, _TOUCHING)
    size = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    met = np.bincount(numbers[other], minlength=count + 1)[1:] > 0
    where = np.zeros(count + 1, np.int64)
    planes = np.nonzero(mask)[0]
    where[numbers[mask]] = planes  # every pixel of a component says the same
    large, slices = size >= least, len(mask)
    return (
        np.bincount(where[1:][large], minlength=slices),
        np.bincount(where[1:][large & ~met], minlength=slices),
    )


def _centre(mask: NDArray[np.bool_]) -> tuple[Any, Any]:
    """Row and column of the centre of mass of each slice, NaN where it is empty."""
    size = mask.sum(axis=(1, 2))
    rows = (mask.sum(axis=2) * np.arange(mask.shape[1])).sum(axis=1)
    columns = (mask.sum(axis=1) * np.arange(mask.shape[2])).sum(axis=1)
    area = np.where(size > 0, size, np.nan)
    return rows / area, columns / area
