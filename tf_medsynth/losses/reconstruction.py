"""Pixel losses between a target and its reconstruction."""

from __future__ import annotations

from keras import ops

from tf_medsynth.losses.adversarial import per_sample
from tf_medsynth.types import Tensor


def squared_error(target: Tensor, prediction: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean squared difference over all elements, ``(B,)``, optionally weighted by pixel."""
    return _weighted(ops.square(_difference(target, prediction)), weight)


def absolute_error(target: Tensor, prediction: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference over all elements, ``(B,)``, optionally weighted by pixel."""
    return _weighted(ops.abs(_difference(target, prediction)), weight)


def line_cross_entropy(
    target: Tensor, probability: Tensor, line_weight: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Binary cross-entropy of line probabilities, ``(B,)``; a line weighs `line_weight`.

    Deviates: the papers have MSE (thesis eq. 7); lines cover a tenth to a quarter of the organ,
    and with MSE and no output normalisation the map stays empty.
    """
    target = ops.cast(target, "float32")
    probability = ops.clip(ops.cast(probability, "float32"), 1e-4, 1.0 - 1e-4)
    line, rest = ops.log(probability), ops.log(1.0 - probability)
    return _weighted(-target * line * line_weight - (1.0 - target) * rest, weight)


def suppression(image: Tensor, background_mask: Tensor) -> Tensor:
    """MSE(0, m x), ``(B,)``: what stands outside the organ. Source: thesis, eq. 7, 11."""
    return per_sample(ops.square(ops.cast(image, "float32") * ops.cast(background_mask, "float32")))


def _difference(target: Tensor, prediction: Tensor) -> Tensor:
    return ops.cast(target, "float32") - ops.cast(prediction, "float32")


def _weighted(values: Tensor, weight: Tensor | None) -> Tensor:
    return per_sample(values if weight is None else values * ops.cast(weight, "float32"))
