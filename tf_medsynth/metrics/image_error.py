"""Difference of images from a reference: MAE, PSNR, SSIM; whole image or inside the organ only.

Every modality is an image of its own: results are `(B, C)`. A background that is 0 in both images
flatters all three, which is why each also takes a mask.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.metrics import structural_similarity as _ssim

from tf_medsynth.config.base import check
from tf_medsynth.metrics.arrays import as_images, as_mask

Scores = NDArray[np.float64]

SSIM_WINDOW = 11
"""Pixels across the Gaussian window of SSIM (sigma 1.5, cut at 3.5 sigma)."""


def mean_absolute_error(images: ArrayLike, reference: ArrayLike, organ: ArrayLike | None = None) -> Scores:
    """Mean absolute difference, `(B, C)` in [0, 1].

    Args:
        images: `(B, H, W, C)` in [0, 1].
        reference: same shape and range.
        organ: `(B, H, W)`, True inside: only these pixels count; NaN where there are none.
    """
    images, reference = _pair(images, reference)
    return _mean_over(np.abs(images.astype(np.float64) - reference), organ)


def peak_signal_to_noise(images: ArrayLike, reference: ArrayLike, organ: ArrayLike | None = None) -> Scores:
    """Peak signal to noise ratio in dB for a peak of 1, `(B, C)`; infinite where images are equal.

    Args: as `mean_absolute_error`.
    """
    images, reference = _pair(images, reference)
    squared = _mean_over((images.astype(np.float64) - reference) ** 2, organ)
    with np.errstate(divide="ignore"):
        return np.asarray(-10.0 * np.log10(squared))


def structural_similarity(images: ArrayLike, reference: ArrayLike, organ: ArrayLike | None = None) -> Scores:
    """SSIM with Gaussian weights (sigma 1.5) and a data range of 1, `(B, C)` in [-1, 1].

    Inside the organ it is the mean of the local map over the organ's pixels; their windows still
    see the background around the rim.

    Args: as `mean_absolute_error`; H and W at least 11.

    Source: Wang et al., IEEE TIP 13(4), 2004, as built in scikit-image.
    """
    images, reference = _pair(images, reference)
    check(
        f"SSIM needs at least {SSIM_WINDOW} x {SSIM_WINDOW} pixels",
        min(images.shape[1:3]) >= SSIM_WINDOW,
        shape=images.shape,
    )
    inside = None if organ is None else as_mask(organ, images.shape)
    scores = np.empty((images.shape[0], images.shape[3]))
    for row, column in np.ndindex(scores.shape):
        mean, local = _ssim(
            images[row, ..., column],
            reference[row, ..., column],
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        chosen = np.array([mean]) if inside is None else local[inside[row]]
        scores[row, column] = chosen.mean() if chosen.size else np.nan
    return scores


def _pair(images: ArrayLike, reference: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    pair = as_images(images), as_images(reference, "reference")
    check(
        "images must have the shape of their reference",
        pair[0].shape == pair[1].shape,
        images=pair[0].shape,
        reference=pair[1].shape,
    )
    return pair


def _mean_over(error: NDArray[np.float64], organ: ArrayLike | None) -> Scores:
    if organ is None:
        return np.asarray(error.mean(axis=(1, 2)))
    inside = as_mask(organ, error.shape)[..., None]
    count = inside.sum(axis=(1, 2))
    return np.where(count > 0, (error * inside).sum(axis=(1, 2)) / np.maximum(count, 1), np.nan)
