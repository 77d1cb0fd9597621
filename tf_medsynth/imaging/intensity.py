"""Images on a common scale: [0, 1] from given bounds or their own, or zero mean and unit spread."""

from __future__ import annotations

from keras import ops

from tf_medsynth.types import Tensor


def scale_to_unit(images: Tensor, low: Tensor, high: Tensor, clip: bool = True) -> Tensor:
    """Images with `low` mapped to 0 and `high` to 1, float32; a channel with ``high == low`` becomes 0.

    Args:
        images: `(B, H, W, C)` or `(H, W, C)`, any real dtype.
        low: (), `(C,)` or `(B, C)`, e.g. the whole volume's minimum.
        high: as `low`, e.g. the whole volume's maximum or 99.5th percentile.
        clip: limit to [0, 1]; without it values beyond the bounds stay beyond.
    """
    images = ops.cast(images, "float32")
    low, high = (_over_pixels(bound, images) for bound in (low, high))
    width = high - low
    flat = width <= 0
    scaled = ops.where(flat, 0.0, (images - low) / ops.where(flat, 1.0, width))
    return ops.clip(scaled, 0.0, 1.0) if clip else scaled


def min_max(images: Tensor) -> Tensor:
    """Images scaled to exactly [0, 1], each image and channel by its own extremes, float32.

    A constant channel becomes 0.

    Args:
        images: `(B, H, W, C)`, any real dtype.
    """
    images = ops.cast(images, "float32")
    low = ops.min(images, axis=(1, 2), keepdims=True)
    width = ops.max(images, axis=(1, 2), keepdims=True) - low
    return (images - low) / ops.where(width > 0, width, 1.0)


def z_score(images: Tensor, mean: Tensor, standard_deviation: Tensor) -> Tensor:
    """Images in standard deviations from `mean` inside the organ, 0 in the background, float32.

    Args:
        images: `(B, H, W, C)` or `(H, W, C)`, 0 in the background.
        mean: (), `(C,)` or `(B, C)`, over voxels above 0.
        standard_deviation: as `mean`; where it is 0 the channel becomes 0.
    """
    images = ops.cast(images, "float32")
    mean, spread = (_over_pixels(value, images) for value in (mean, standard_deviation))
    scores = (images - mean) / ops.where(spread > 0, spread, 1.0)
    return ops.where((images > 0) & (spread > 0), scores, 0.0)


def _over_pixels(value: Tensor, images: Tensor) -> Tensor:
    """`value` with axes for H and W put before its channel axis."""
    value = ops.cast(value, "float32")
    if len(value.shape) == 2 and len(images.shape) == 4:
        return value[:, None, None, :]
    return value
