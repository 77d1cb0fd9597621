"""What of an image is compared when copies are looked for: its structure, at two resolutions.

A descriptor holds small whole numbers. Sums of their products stay below 2^24 and are therefore
exact in float32, whatever the order of summation: distances are the same to the bit on any number
of threads, in any block, with any linear algebra library.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.metrics.arrays import as_images

FINE = 1 / 96
"""Width of the Gaussian that removes noise, as a share of the longer side ..."""

LEAST_WIDTH = 0.8
"""... but never below this many px."""

BAND = 6.0
"""The Gaussian that removes shading and the mere place of the organ is this much wider."""

CELLS = 24
"""Cells of a coarse descriptor along the longer side, about."""

MINIMUM_SIZE = 8

_TYPICAL = 12.0
_LARGEST = 127
_MOST = 4095.0
"""Largest length of a descriptor: a product of two is below 2^24."""


class Descriptors(NamedTuple):
    """Images as directions; all 0 where an image is constant."""

    fine: NDArray[np.int8]  # (n, H, W, M)
    length: NDArray[np.float64]  # (n,) of `fine`


def describe(images: ArrayLike, sigma: float | None = None) -> Descriptors:
    """Descriptors of `(n, H, W, M)` images in [0, 1].

    Each modality is band-passed and brought to the same energy, so that neither its brightness nor
    its contrast counts; a constant modality is 0 and counts for nothing.

    Args:
        images: of one size.
        sigma: px, of the Gaussian that removes noise; `noise_width` of their size without it.

    Raises:
        MedSynthError: not such images, or shorter than `MINIMUM_SIZE` px.
    """
    array = as_images(images)
    check(
        f"images that are compared have {MINIMUM_SIZE} px a side or more",
        min(array.shape[1:3]) >= MINIMUM_SIZE,
        shape=array.shape,
    )
    width = noise_width(array.shape[1:3]) if sigma is None else sigma
    fine = np.stack([_quantised(_band(image, width)) for image in array])
    return Descriptors(fine, lengths(fine))


def noise_width(size: tuple[int, ...]) -> float:
    """Standard deviation in px of the Gaussian that removes noise from images of this (H, W)."""
    return max(LEAST_WIDTH, FINE * max(size))


def coarse_factor(size: tuple[int, int]) -> int:
    """Distance in px between the cells of the coarse descriptors of images of this (H, W)."""
    return max(1, round(max(size) / CELLS))


def coarse(fine: NDArray[np.int8], shifts: tuple[int, ...] = (0,)) -> NDArray[np.float32]:
    """Coarse descriptors of one fine one `(H, W, M)`, shifted by every (dy, dx) of `shifts`: `(s * s, d)`.

    Whole numbers, as float32. Row ``i * s + j`` shows the image moved by ``(shifts[i], shifts[j])`` px.
    """
    factor, (rows, columns, _) = coarse_factor(fine.shape[:2]), fine.shape
    reach = max(map(abs, shifts))
    padded = np.pad(fine.astype(np.float32), ((reach, reach), (reach, reach), (0, 0)))
    smooth = _blur(padded, factor / 2) if factor > 1 else padded
    start = factor // 2 + reach
    cells = [
        smooth[start - dy : reach + rows - dy : factor, start - dx : reach + columns - dx : factor].ravel()
        for dy in shifts
        for dx in shifts
    ]
    return np.stack([_quantised(cell).astype(np.float32) for cell in cells])


def lengths(descriptors: NDArray[np.int8] | NDArray[np.float32]) -> NDArray[np.float64]:
    """Euclidean length of each, `(n,)`; 1 where a descriptor is all 0, so that it may be divided by."""
    flat = descriptors.reshape(len(descriptors), -1)
    squares = np.array([np.dot(row, row) for row in map(np.float32, flat)], np.float64)
    return np.sqrt(np.maximum(squares, 1.0))


def _band(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """`(H, W, M)` band-passed, every modality of length 1, or 0 where it shows nothing."""
    band = _blur(image, sigma) - _blur(image, BAND * sigma)
    energy = np.sqrt(np.square(band, dtype=np.float64).sum((0, 1)))
    # Smoothing a constant leaves rounding noise.
    shown = energy > 1e-5 * np.sqrt(image.shape[0] * image.shape[1])
    return np.where(shown, band / np.where(shown, energy, 1.0), 0.0).astype(np.float32)


def _quantised(values: NDArray[np.float32]) -> NDArray[np.int8]:
    length = float(np.sqrt(np.square(values, dtype=np.float64).sum()))
    wanted = min(_TYPICAL * np.sqrt(values.size), 0.98 * _MOST)
    scaled = values * (wanted / length) if length else values
    return np.clip(np.rint(scaled), -_LARGEST, _LARGEST).astype(np.int8)


def _blur(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    blurred = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32).reshape(image.shape)  # OpenCV drops a last axis of 1
