"""Structural similarity as a loss."""

from __future__ import annotations

import numpy as np
from keras import ops

from tf_medsynth.losses.adversarial import per_sample
from tf_medsynth.types import Tensor

_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def dissimilarity(target: Tensor, prediction: Tensor, weight: Tensor | None = None) -> Tensor:
    """1 - SSIM, ``(B,)``, averaged over channels, for images ``(B, H, W, M)`` in [0, 1].

    The usual 11-pixel Gaussian window of sigma 1.5 and constants for a data range of one; the rim
    of five pixels is left out, as no whole window fits there.

    Args:
        weight: optional ``(B, H, W, 1)``, e.g. the organ; weighs windows by their centre.
    """
    x, y = ops.cast(target, "float32"), ops.cast(prediction, "float32")
    mean_x, mean_y = _blur(x), _blur(y)
    variance_x = _blur(x * x) - mean_x * mean_x
    variance_y = _blur(y * y) - mean_y * mean_y
    covariance = _blur(x * y) - mean_x * mean_y
    similarity = (2.0 * mean_x * mean_y + _C1) * (2.0 * covariance + _C2)
    similarity /= (mean_x * mean_x + mean_y * mean_y + _C1) * (variance_x + variance_y + _C2)
    loss = 1.0 - similarity
    if weight is None:
        return per_sample(loss)
    rim = _WINDOW // 2
    inner = ops.cast(weight, "float32")[:, rim:-rim, rim:-rim, :]
    total = ops.sum(loss * inner, axis=(1, 2, 3))
    return total / (ops.sum(inner, axis=(1, 2, 3)) * loss.shape[-1] + 1e-6)


def _blur(x: Tensor) -> Tensor:
    """Windowed mean where the window fits, by two one-dimensional passes."""
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    kernel = np.exp(-0.5 * (offsets / _SIGMA) ** 2)
    kernel = (kernel / kernel.sum()).astype("float32")
    channels = x.shape[-1]
    rows = np.tile(kernel[:, None, None, None], (1, 1, channels, 1))
    x = ops.depthwise_conv(x, rows, padding="valid")
    return ops.depthwise_conv(x, rows.transpose(1, 0, 2, 3), padding="valid")
