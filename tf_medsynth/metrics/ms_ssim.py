"""Multi-scale SSIM with as many scales as the images hold, and the name that says how many."""

from __future__ import annotations

import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.metrics.arrays import as_images
from tf_medsynth.types import Tensor

Scores = NDArray[np.float64]

WINDOW, SIGMA = 11, 1.5
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales, finest first. Source: Wang et al., Asilomar 2003, section 3.2."""

_LUMINANCE, _CONTRAST = 0.01**2, 0.03**2
_AT_ONCE = 64


def scales_that_fit(height: int, width: int) -> int:
    """Scales, at most 5, at which the 11 x 11 window still fits an image halved from one to the next.

    Raises:
        MedSynthError: not even one.
    """
    scales, side = 0, min(height, width)
    while side >= WINDOW and scales < len(WEIGHTS):
        scales, side = scales + 1, -(-side // 2)
    check(f"MS-SSIM needs at least {WINDOW} x {WINDOW} pixels", scales > 0, height=height, width=width)
    return scales


def measure_name(scales: int) -> str:
    """What such a value has to be called: values of other scales cannot be compared with it."""
    return f"MS-SSIM, {scales} of 5 scales, {WINDOW}x{WINDOW} window"


def multiscale_similarity(images: ArrayLike, reference: ArrayLike, scales: int | None = None) -> Scores:
    """MS-SSIM of each image and modality with its reference, `(B, C)` in [0, 1].

    Args:
        images: `(B, H, W, C)` in [0, 1]; every modality is an image of its own.
        reference: same shape and range.
        scales: how many; None for `scales_that_fit`. Below 5 the weights of the finest are kept and
            made to sum to 1.

    Source: Wang et al., Asilomar 2003. Negative contrast terms count 0, as is usual.
    """
    one, two = as_images(images), as_images(reference, "reference")
    check(
        "images must have the shape of their reference",
        one.shape == two.shape,
        images=one.shape,
        reference=two.shape,
    )
    fitting = scales_that_fit(*one.shape[1:3])
    count = fitting if scales is None else scales
    check(f"these images hold 1 to {fitting} scales", 1 <= count <= fitting, scales=count, shape=one.shape)
    parts = [
        _similarity(one[start : start + _AT_ONCE], two[start : start + _AT_ONCE], count)
        for start in range(0, len(one), _AT_ONCE)
    ]
    return np.concatenate(parts).astype(np.float64)


def _similarity(one: NDArray[np.float32], two: NDArray[np.float32], scales: int) -> NDArray[np.float32]:
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    # Modalities as rows: one kernel serves them all.
    left, right = (np.moveaxis(a, -1, 1).reshape(-1, *a.shape[1:3], 1) for a in (one, two))
    a, b = ops.convert_to_tensor(left), ops.convert_to_tensor(right)
    product = 1.0
    for scale in range(scales):
        if scale:
            a, b = _halved(a), _halved(b)
        whole, contrast = _terms(a, b)
        term = whole if scale == scales - 1 else contrast
        product = product * ops.power(ops.maximum(term, 0.0), float(weights[scale]))
    return np.asarray(ops.convert_to_numpy(product)).reshape(one.shape[0], one.shape[3])


def _terms(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Mean SSIM and mean contrast-structure term of each row, over the windows wholly inside."""
    mean_a, mean_b = _blurred(a), _blurred(b)
    shared = _blurred(a * b) - mean_a * mean_b
    spread = _blurred(a * a + b * b) - mean_a**2 - mean_b**2
    contrast = (2.0 * shared + _CONTRAST) / (spread + _CONTRAST)
    light = (2.0 * mean_a * mean_b + _LUMINANCE) / (mean_a**2 + mean_b**2 + _LUMINANCE)
    return ops.mean(light * contrast, axis=(1, 2, 3)), ops.mean(contrast, axis=(1, 2, 3))


def _blurred(images: Tensor) -> Tensor:
    distance = np.arange(WINDOW) - WINDOW // 2
    bell = np.exp(-0.5 * (distance / SIGMA) ** 2)
    kernel = (bell / bell.sum()).astype(np.float32)
    down = ops.conv(images, kernel.reshape(-1, 1, 1, 1), padding="valid")
    return ops.conv(down, kernel.reshape(1, -1, 1, 1), padding="valid")


def _halved(images: Tensor) -> Tensor:
    """2 x 2 means; an odd side is first completed by its last row or column."""
    odd = [(0, side % 2) for side in images.shape[1:3]]
    if any(after for _, after in odd):
        images = ops.pad(images, [(0, 0), *odd, (0, 0)], mode="symmetric")
    return ops.average_pool(images, 2, 2, padding="valid")
