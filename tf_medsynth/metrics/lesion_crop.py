"""The square around a lesion, of one size for all images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import check

LEAST_PIXELS = 10
SHARE = 1 / 3
_LEAST_SIDE = 16


class LesionCrops(NamedTuple):
    """Crops of the images that show a lesion."""

    images: NDArray[np.float32]  # (k, S, S, M)
    rows: NDArray[np.int64]  # (k,), of the image each was cut from


def lesion_crops(images: NDArray[np.float32], lesion_label: NDArray[np.integer]) -> LesionCrops:
    """The square around each lesion's centroid, zeros where it leaves the image.

    Args:
        images: `(n, H, W, M)` in [0, 1].
        lesion_label: `(n, H, W)` or `(n, H, W, 1)` class codes, 0 outside the lesion.

    Returns:
        Squares of `SHARE` of the longer side, one for each image of `LEAST_PIXELS` lesion pixels or
        more; a larger lesion is cut to its middle.

    Raises:
        MedSynthError: a label that does not fit its image.
    """
    lesion = np.asarray(lesion_label).reshape(len(lesion_label), *np.shape(lesion_label)[1:3]) > 0
    check(
        "each image needs its lesion label",
        lesion.shape == tuple(images.shape[:3]),
        images=tuple(images.shape),
        lesion_label=lesion.shape,
    )
    side = max(_LEAST_SIDE, round(SHARE * max(lesion.shape[1:])))
    rows = np.flatnonzero(lesion.sum((1, 2)) >= LEAST_PIXELS)
    crops = np.zeros((len(rows), side, side, images.shape[3]), np.float32)
    for crop, row in zip(crops, rows, strict=True):
        middle = np.argwhere(lesion[row]).mean(0)
        padded = np.pad(np.asarray(images[row]), ((side, side), (side, side), (0, 0)))
        top, left = (round(float(m) - (side - 1) / 2) + side for m in middle)
        crop[:] = padded[top : top + side, left : left + side]
    return LesionCrops(crops, rows)
