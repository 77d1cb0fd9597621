"""Losses of one class an image: they train classifiers, and through frozen ones the generator."""

from __future__ import annotations

from collections.abc import Sequence

from keras import ops

from tf_medsynth.types import Tensor


def class_scores(logits: Tensor) -> Tensor:
    """Mean logits of an image, ``(B, K)`` float32.

    Args:
        logits: ``(B, K)``, or ``(B, h, w, K)`` of patches.

    Source: the thesis' released code, whose classifier is the patch discriminator with K scores.
    """
    logits = ops.cast(logits, "float32")
    return ops.mean(logits, axis=(1, 2)) if len(logits.shape) == 4 else logits


def class_cross_entropy(label: Tensor, logits: Tensor, class_weights: Sequence[float]) -> Tensor:
    """Cross-entropy with a weight a class, ``(B,)``.

    Args:
        label: ``(B,)`` class codes.
        logits: as `class_scores` takes them.
        class_weights: K weights.
    """
    scores = ops.log_softmax(class_scores(logits), axis=-1)
    return -ops.sum(_weighted(label, class_weights) * scores, axis=-1)


def class_error(label: Tensor, logits: Tensor) -> Tensor:
    """Mean squared distance of the classes' sigmoids to the label, ``(B,)``.

    Source: the thesis' released code, the label term of chest X-rays.
    """
    scores = ops.sigmoid(class_scores(logits))
    target = ops.one_hot(ops.cast(label, "int32"), scores.shape[-1], dtype="float32")
    return ops.mean(ops.square(target - scores), axis=-1)


def class_probability(label: Tensor, logits: Tensor) -> Tensor:
    """Probability of the labelled class, ``(B,)``."""
    scores = class_scores(logits)
    target = ops.one_hot(ops.cast(label, "int32"), scores.shape[-1], dtype="float32")
    return ops.sum(target * ops.softmax(scores, axis=-1), axis=-1)


def _weighted(label: Tensor, class_weights: Sequence[float]) -> Tensor:
    weights = ops.convert_to_tensor(list(class_weights), dtype="float32")
    return weights * ops.one_hot(ops.cast(label, "int32"), len(class_weights), dtype="float32")
