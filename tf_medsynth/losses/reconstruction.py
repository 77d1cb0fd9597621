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
    return _cross_entropy(target, probability, line_weight, weight, 1e-4)


def intensity_cross_entropy(target: Tensor, prediction: Tensor, weight: Tensor | None = None) -> Tensor:
    """Cross-entropy of intensities in [0, 1], ``(B,)``, least where `prediction` is `target`.

    For an image drawn by a sigmoid: squared error has no gradient where the drawing is black, and an
    image that was darkened too far stays black; this one pulls as hard as the image is wrong.
    """
    return _cross_entropy(target, prediction, 1.0, weight, 1e-6)


def suppression(image: Tensor, background_mask: Tensor) -> Tensor:
    """MSE(0, m x), ``(B,)``: what stands outside the organ. Source: thesis, eq. 7, 11."""
    return per_sample(ops.square(ops.cast(image, "float32") * ops.cast(background_mask, "float32")))


def _cross_entropy(
    target: Tensor, probability: Tensor, one_weight: float, weight: Tensor | None, least: float
) -> Tensor:
    target = ops.cast(target, "float32")
    probability = ops.clip(ops.cast(probability, "float32"), least, 1.0 - least)
    one, zero = ops.log(probability), ops.log(1.0 - probability)
    return _weighted(-target * one * one_weight - (1.0 - target) * zero, weight)


def _difference(target: Tensor, prediction: Tensor) -> Tensor:
    return ops.cast(target, "float32") - ops.cast(prediction, "float32")


def _weighted(values: Tensor, weight: Tensor | None) -> Tensor:
    return per_sample(values if weight is None else values * ops.cast(weight, "float32"))
