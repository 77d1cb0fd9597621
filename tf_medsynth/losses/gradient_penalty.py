"""Penalties on a critic's gradient by its input; the gradient itself comes from the stage, in float32.

Source: Gulrajani et al., Improved training of Wasserstein GANs, NeurIPS 2017, eq. 3; Mescheder et al.,
Which training methods for GANs do actually converge?, ICML 2018, eq. 9 and 10.
"""

from __future__ import annotations

from keras import ops

from tf_medsynth.types import Tensor

_SMALLEST = 1e-24
"""Of a squared norm: the root has no slope at 0."""


def mix(real: Tensor, drawn: Tensor, share: Tensor) -> Tensor:
    """Samples on the lines between real and drawn ones, float32 of their shape.

    Args:
        real: ``(B, ...)``.
        drawn: of the same shape.
        share: ``(B,)`` in [0, 1], how much of `real` a sample has: uniform for WGAN-GP.
    """
    real, drawn = ops.cast(real, "float32"), ops.cast(drawn, "float32")
    share = ops.reshape(ops.cast(share, "float32"), (-1, *[1] * (len(real.shape) - 1)))
    return share * real + (1.0 - share) * drawn


def slope_penalty(gradient: Tensor, slope: float = 1.0) -> Tensor:
    """``(||g|| - slope)^2``, ``(B,)`` float32: WGAN-GP, of a gradient ``(B, ...)`` at mixed samples."""
    length = ops.sqrt(ops.maximum(_squared_norm(gradient), _SMALLEST))
    return ops.square(length - slope)


def zero_slope_penalty(gradient: Tensor) -> Tensor:
    """``||g||^2 / 2``, ``(B,)`` float32: R1 of a gradient at real samples, R2 at drawn ones."""
    return 0.5 * _squared_norm(gradient)


def _squared_norm(gradient: Tensor) -> Tensor:
    gradient = ops.cast(gradient, "float32")
    return ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))
