"""Images after a small neighbourhood filter: Gaussian blur, median, majority, Sobel.

All take and return `(B, H, W, C)` and treat channels apart. Written as sums of shifted arrays: for
windows this small that is as fast as a convolution, and the same on every Keras backend.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from keras import ops
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.types import Tensor

Padding = Literal["reflect", "constant"]
Compare = Callable[[Tensor, Tensor], Tensor]

NETWORK_LIMIT = 5
"""Largest window whose median is found by pairwise comparisons; larger ones are sorted."""


def gaussian_sigma(size: int) -> float:
    """OpenCV's width in px of a Gaussian with `size` taps."""
    return 0.3 * ((size - 1) * 0.5 - 1) + 0.8


def gaussian_kernel(size: int, sigma: float | None = None) -> NDArray[np.float64]:
    """1-D Gaussian weights, `(size,)` float64 that sum to 1.

    Args:
        size: odd number of taps.
        sigma: px; none takes OpenCV's width for this size (0.8 for 3 taps).
    """
    _check_size(size)
    sigma = gaussian_sigma(size) if sigma is None else sigma
    check("sigma must be positive", sigma > 0, sigma=sigma)
    offsets = np.arange(size) - size // 2
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    return weights / weights.sum()


def comb_kernel(sigma: float) -> NDArray[np.float64]:
    """The 9 taps that the papers' release blurs with: a 3 x 3 Gaussian read row by row, `(9,)`.

    Deviates: from a Gaussian. It is kept for comparison with published pictures only.
    """
    kernel = gaussian_kernel(3, sigma)
    return np.outer(kernel, kernel).ravel()


def gaussian_blur(
    images: Tensor,
    sigma: float | None = None,
    size: int = 3,
    padding: Padding = "reflect",
    legacy: bool = False,
) -> Tensor:
    """Images blurred by a `size` x `size` Gaussian, same shape and range, float32.

    Args:
        images: `(B, H, W, C)`, H and W larger than half of `size` (of 9 if `legacy`).
        sigma: px; none takes OpenCV's width for this size (0.8 for 3 taps).
        size: odd number of taps along each axis.
        padding: "reflect" (mirror without repeating the edge) or "constant" (zeros).
        legacy: blur with `comb_kernel` along each axis; `size` must be 3.

    Source: Qu et al. (thesis), algorithm 1.
    Deviates: the release's blur is not a 3 x 3 Gaussian, see `comb_kernel`; here it is.
    """
    if legacy:
        check("the legacy blur is made of 3 x 3 weights", size == 3, size=size)
        kernel = comb_kernel(gaussian_sigma(size) if sigma is None else sigma)
    else:
        kernel = gaussian_kernel(size, sigma)
    padded = pad(ops.cast(images, "float32"), len(kernel) // 2, padding)
    return _weigh(_weigh(padded, kernel, axis=1), kernel, axis=2)


def sobel(images: Tensor) -> tuple[Tensor, Tensor]:
    """Vertical and horizontal gradients ``(dy, dx)``, each `(B, H, W, C)` float32.

    TensorFlow's convention: weights 1, 2, 1 and -1, 0, 1, not normalised, mirrored edges; dy is
    positive where images get brighter downwards. Constant images give exactly 0.

    Args:
        images: `(B, H, W, C)`, H and W at least 2.
    """
    padded = pad(ops.cast(images, "float32"), 1, "reflect")
    smooth_x = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    smooth_y = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return smooth_x[:, 2:] - smooth_x[:, :-2], smooth_y[:, :, 2:] - smooth_y[:, :, :-2]


def median_filter(images: Tensor, size: int, padding: Padding = "reflect") -> Tensor:
    """Images in which every pixel is the median of its `size` x `size` window, same shape and dtype.

    Args:
        images: `(B, H, W, C)`, H and W larger than half of `size`.
        size: odd window, px. Memory grows with its square above 5; for masks use `majority_filter`.
        padding: "reflect" (as tensorflow-addons) or "constant" (zeros, as `scipy.signal.medfilt`).
    """
    _check_size(size)
    padded = pad(images, size // 2, padding)
    window = [
        _shifted(_shifted(padded, row, size, axis=1), column, size, axis=2)
        for row in range(size)
        for column in range(size)
    ]
    if size <= NETWORK_LIMIT:
        return _median_by_forgetting(window)
    return ops.sort(ops.stack(window, axis=-1), axis=-1)[..., len(window) // 2]


def majority_share(masks: Tensor, size: int, padding: Padding = "reflect") -> Tensor:
    """Mean over each pixel's `size` x `size` window, same shape, float32.

    Args:
        masks: `(B, H, W, C)`, H and W larger than half of `size`.
        size: odd window, px.
        padding: see `median_filter`.
    """
    _check_size(size)
    padded = pad(ops.cast(masks, "float32"), size // 2, padding)
    return _window_sum(_window_sum(padded, size, axis=1), size, axis=2) * (1 / size**2)


def majority_filter(masks: Tensor, size: int, padding: Padding = "reflect") -> Tensor:
    """The median of masks of 0 and 1, `(B, H, W, C)` float32: what most of the window says.

    Equal to `median_filter` on such masks, at a cost that hardly grows with `size`.
    """
    return ops.cast(majority_share(masks, size, padding) > 0.5, "float32")


def pad(images: Tensor, width: int, padding: Padding) -> Tensor:
    """Images with `width` more px on all four sides, `(B, H + 2 width, W + 2 width, C)`."""
    check("padding is 'reflect' or 'constant'", padding in ("reflect", "constant"), padding=padding)
    for size in images.shape[1:3]:
        check(
            "an image must be larger than half of the filter's window",
            size is None or padding == "constant" or size > width,
            shape=tuple(images.shape),
            half_window=width,
        )
    return ops.pad(images, [[0, 0], [width, width], [width, width], [0, 0]], mode=padding)


def _check_size(size: int) -> None:
    check("a filter's window is odd and positive", size >= 1 and size % 2 == 1, size=size)


def _shifted(padded: Tensor, start: int, size: int, axis: int) -> Tensor:
    """`padded` from `start` on, shorter by ``size - 1`` along `axis`, whatever its length."""
    stop = start - size + 1
    return padded[(slice(None),) * axis + (slice(start, stop if stop else None),)]


def _weigh(padded: Tensor, kernel: NDArray[np.float64], axis: int) -> Tensor:
    size = len(kernel)
    terms = [float(w) * _shifted(padded, k, size, axis) for k, w in enumerate(kernel) if w]
    return sum(terms[1:], start=terms[0])


def _window_sum(padded: Tensor, size: int, axis: int) -> Tensor:
    """Sums over every window of `size`, by doubling: about 2 log2(size) additions."""
    total, covered = None, 0
    power, length = padded, 1
    while True:
        if size & length:
            tail = _shifted(power, covered, size - length + 1, axis)
            total = tail if total is None else total + tail
            covered += length
        if covered == size:
            return total
        power = _shifted(power, 0, length + 1, axis) + _shifted(power, length, length + 1, axis)
        length *= 2


def _median_by_forgetting(values: list[Tensor]) -> Tensor:
    """The median of an odd number of arrays: drop the least and largest of as few as can be."""
    kept = math.ceil(len(values) / 2) + 1
    buffer, waiting = values[:kept], values[kept:]
    while len(buffer) > 1:
        buffer = _without_extremes(buffer)
        if waiting:
            buffer.append(waiting.pop())
    return buffer[0]


def _without_extremes(values: list[Tensor]) -> list[Tensor]:
    """All values but the smallest and the largest, element by element, in no order."""
    lows, highs = [], []
    for first, second in zip(values[::2], values[1::2], strict=False):
        lows.append(ops.minimum(first, second))
        highs.append(ops.maximum(first, second))
    if len(values) % 2:
        odd = values[-1]
        lows[0], odd = ops.minimum(lows[0], odd), ops.maximum(lows[0], odd)
        highs[0], odd = ops.maximum(highs[0], odd), ops.minimum(highs[0], odd)
        middle = [odd]
    else:
        middle = []
    return _drop(lows, ops.minimum, ops.maximum) + middle + _drop(highs, ops.maximum, ops.minimum)


def _drop(values: list[Tensor], worse: Compare, better: Compare) -> list[Tensor]:
    """All values but the one that `worse` picks."""
    extreme, rest = values[0], []
    for value in values[1:]:
        extreme, kept = worse(extreme, value), better(extreme, value)
        rest.append(kept)
    return rest
