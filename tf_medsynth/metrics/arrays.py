"""Checked views of what every measure takes: images, organ masks, label maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check

_ROUNDING = 1e-6


def as_images(images: ArrayLike, name: str = "images") -> NDArray[np.float32]:
    """`(B, H, W, C)` float32 images, checked to be finite and in [0, 1].

    Raises:
        MedSynthError: another number of axes, or values that are not finite or outside [0, 1].
    """
    array = np.asarray(images)
    check(
        f"{name} must have shape (B, H, W, C), none of it 0",
        array.ndim == 4 and array.size > 0,
        shape=array.shape,
    )
    array = array.astype(np.float32, copy=False)
    low, high = float(array.min()), float(array.max())
    check(
        f"{name} must be finite and lie in [0, 1]",
        low >= -_ROUNDING and high <= 1 + _ROUNDING,
        "Normalise first: imaging.intensity.",
        minimum=low,
        maximum=high,
    )
    return array


def as_grey(images: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """`(..., M)`: each modality of `(..., M * channels)` images as the mean of its channels.

    Args:
        images: modality after modality.
        channels: of one modality; 1 gives the images as they are.
    """
    if channels == 1:
        return images
    return images.reshape(*images.shape[:-1], -1, channels).mean(axis=-1)


def as_mask(mask: ArrayLike, shape: tuple[int, ...], name: str = "organ") -> NDArray[np.bool_]:
    """`(B, H, W)` boolean mask from `(B, H, W)` or `(B, H, W, 1)` of booleans, 0 or 1.

    Args:
        mask: booleans or numbers.
        shape: the `(B, H, W)`, or `(B, H, W, C)`, it has to fit.
        name: for the message.

    Raises:
        MedSynthError: another shape, or values other than 0 and 1.
    """
    array = np.asarray(mask)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    check(f"{name} must fit the images", array.shape == shape[:3], shape=array.shape, wanted=shape[:3])
    inside = array.astype(bool)
    check(f"{name} must hold only 0 and 1", bool((array == inside).all()))
    return inside


def as_label_pair(
    predicted: ArrayLike, label: ArrayLike, num_classes: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two integer label arrays of one shape, each flattened to `(B, N)`.

    Args:
        predicted: `(B, ...)` integer class codes: slices, volumes, with or without a last axis of 1.
        label: same shape.
        num_classes: codes are 0 to ``num_classes - 1``.

    Raises:
        MedSynthError: shapes that differ, no batch, other dtypes than integers, unknown codes.
    """
    pair = np.asarray(predicted), np.asarray(label)
    check(
        "a prediction and its label must have one shape (B, ...)",
        pair[0].shape == pair[1].shape and pair[0].ndim >= 2 and pair[0].size > 0,
        predicted=pair[0].shape,
        label=pair[1].shape,
    )
    for name, array in zip(("predicted", "label"), pair, strict=True):
        check(f"{name} must hold integer class codes", array.dtype.kind in "iub", dtype=str(array.dtype))
        low, high = int(array.min()), int(array.max())
        check(
            f"{name} must hold codes 0 to {num_classes - 1}",
            low >= 0 and high < num_classes,
            minimum=low,
            maximum=high,
        )
    return pair[0].reshape(len(pair[0]), -1), pair[1].reshape(len(pair[1]), -1)


def known_mean(values: ArrayLike, axis: int | None = None) -> Any:
    """Mean of the values that are not NaN, NaN where there are none (and no warning then).

    Args:
        values: numbers, any shape.
        axis: to average over; None for all.

    Returns:
        A float for `axis` None, else a float64 array.
    """
    array = np.asarray(values, np.float64)
    known = ~np.isnan(array)
    total, count = np.where(known, array, 0.0).sum(axis), known.sum(axis)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return float(mean) if axis is None else mean
