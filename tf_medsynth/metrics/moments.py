"""Mean and spread of each modality inside the organ, image by image or over all pixels together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.metrics.arrays import as_images, as_mask


class Moments(NamedTuple):
    """Mean and (population) standard deviation, in the images' units."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]


def organ_moments(images: ArrayLike, organ: ArrayLike) -> Moments:
    """Mean and spread inside the organ of each image and modality, `(B, C)`; NaN without an organ.

    Args:
        images: `(B, H, W, C)` in [0, 1].
        organ: `(B, H, W)`, True inside.
    """
    images = as_images(images)
    inside = as_mask(organ, images.shape)
    moments = [_of_pixels(image[mask]) for image, mask in zip(images, inside, strict=True)]
    return Moments(np.stack([m.mean for m in moments]), np.stack([m.std for m in moments]))


def pooled_moments(images: ArrayLike, organ: ArrayLike) -> Moments:
    """Mean and spread over the organ pixels of all images together, `(C,)`; NaN without any.

    Unlike the mean of `organ_moments` the spread holds the differences between images too.
    """
    images = as_images(images)
    return _of_pixels(images[as_mask(organ, images.shape)])


def _of_pixels(pixels: NDArray[np.float32]) -> Moments:
    if not len(pixels):
        unknown = np.full(pixels.shape[-1], np.nan)
        return Moments(unknown, unknown.copy())
    return Moments(pixels.mean(axis=0, dtype=np.float64), pixels.std(axis=0, dtype=np.float64))
