"""Losses that bring the encoder's code to a standard normal distribution."""

from __future__ import annotations

from keras import ops

from tf_medsynth.losses.adversarial import per_sample
from tf_medsynth.types import Tensor


def code_mean_loss(z_mean: Tensor) -> Tensor:
    """Squared mean of a sample's code over its dimensions, ``(B,)``. Source: Qu et al., eq. 4.

    With the papers' one sample a device this is their formula; a batch adds nothing to it.
    """
    return ops.square(ops.mean(ops.cast(z_mean, "float32"), axis=-1))


def code_deviation_loss(z_logvar: Tensor) -> Tensor:
    """Squared distance of the mean standard deviation to one, ``(B,)``. Source: eq. 4."""
    deviation = ops.exp(0.5 * ops.cast(z_logvar, "float32"))
    return ops.square(ops.mean(deviation, axis=-1) - 1.0)


def code_divergence(z_mean: Tensor, z_logvar: Tensor) -> Tensor:
    """Kullback-Leibler divergence to N(0, 1) in nats a dimension, ``(B,)``.

    Deviates: the papers have no such term; without it, or with their moments alone, z ~ N(0, 1)
    decodes to maps that the encoder never saw.
    """
    z_mean, z_logvar = ops.cast(z_mean, "float32"), ops.cast(z_logvar, "float32")
    return per_sample(0.5 * (ops.square(z_mean) + ops.exp(z_logvar) - z_logvar - 1.0))
