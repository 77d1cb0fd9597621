"""How sharp images are: the mean absolute Laplacian inside the organ, and its ratio to real ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from tf_medsynth.config.base import check
from tf_medsynth.metrics.arrays import as_images, as_mask, known_mean

Scores = NDArray[np.float64]

_NEIGHBOURS = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32)[None, :, :, None]


def mean_absolute_laplacian(images: ArrayLike, organ: ArrayLike, rim: int = 0) -> Scores:
    """Mean over the organ of |sum of the 4 neighbours - 4 x pixel|, `(B, C)`; NaN without an organ.

    Noise raises it as detail does: read it beside SSIM and the pictures.

    Args:
        images: `(B, H, W, C)` in [0, 1].
        organ: `(B, H, W)`, True inside.
        rim: px taken off the organ all around. The step from brain to background is the steepest
            edge of a skull-stripped image and the easiest to draw; 1 or 2 leaves the interior.
    """
    images = as_images(images)
    inside = as_mask(organ, images.shape)
    check("rim must be at least 0", rim >= 0, rim=rim)
    if rim:
        cross = ndimage.generate_binary_structure(2, 1)[None]
        inside = ndimage.binary_erosion(inside, cross, iterations=rim)
    curvature = np.abs(ndimage.convolve(images, _NEIGHBOURS, mode="nearest"))
    count = inside.sum(axis=(1, 2))[:, None]
    total = (curvature * inside[..., None]).sum(axis=(1, 2), dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def sharpness_ratio(
    images: ArrayLike, organ: ArrayLike, real_images: ArrayLike, real_organ: ArrayLike, rim: int = 0
) -> Scores:
    """Sharpness of `images` over that of `real_images`, `(C,)`: 1 is as sharp as real, NaN unknown.

    The two sets need not be paired, nor equal in number. Args: as `mean_absolute_laplacian`.
    """
    drawn = known_mean(mean_absolute_laplacian(images, organ, rim), axis=0)
    real = known_mean(mean_absolute_laplacian(real_images, real_organ, rim), axis=0)
    return np.where(real > 0, drawn / np.where(real > 0, real, 1.0), np.nan)
