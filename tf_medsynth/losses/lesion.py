"""Lesion segmentation losses: they train the guides, and through frozen guides the generator.

K is the number of classes of the domain's label, what is not labelled included.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.losses.adversarial import per_sample
from tf_medsynth.types import Tensor


def class_weights(weights: Sequence[float], num_classes: int, setting: str) -> tuple[float, ...]:
    """K weights, one a class: those given, or of two the second for every class from code 1 on.

    Args:
        weights: of each class, or of what is not labelled and of all that is.
        num_classes: K.
        setting: where they come from, for the error.

    Raises:
        MedSynthError: another number of weights.
    """
    check(
        f"{setting} has a weight for each of {num_classes} classes, or one for what is not labelled and "
        "one for all that is",
        len(weights) in (2, num_classes),
        f"Set {setting} to two values, e.g. 0.5,2, or to {num_classes}.",
        weights=tuple(weights),
    )
    one_each = weights if len(weights) == num_classes else (weights[0], *[weights[1]] * (num_classes - 1))
    return tuple(one_each)


def one_hot_label(lesion_label: Tensor, num_classes: int) -> Tensor:
    """``(B, H, W, K)`` float32 one-hot of a label ``(B, H, W, 1)`` of class indices."""
    return ops.one_hot(ops.cast(lesion_label[..., 0], "int32"), num_classes, dtype="float32")


def weighted_cross_entropy(lesion_label: Tensor, logits: Tensor, class_weights: Sequence[float]) -> Tensor:
    """Cross-entropy with a weight a class, ``(B,)``.

    Args:
        lesion_label: ``(B, H, W, 1)`` class indices.
        logits: ``(B, H, W, K)``.
        class_weights: K weights, background first.
    """
    target = one_hot_label(lesion_label, logits.shape[-1])
    scores = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    weights = ops.convert_to_tensor(list(class_weights), dtype="float32")
    return per_sample(-ops.sum(weights * target * scores, axis=-1))


def weighted_label_error(lesion_label: Tensor, logits: Tensor, class_weights: Sequence[float]) -> Tensor:
    """Class-weighted MSE of sigmoid channels, ``(B,)``. Source: Qu et al. (thesis), eq. 15, 22."""
    error = ops.square(
        one_hot_label(lesion_label, logits.shape[-1]) - ops.sigmoid(ops.cast(logits, "float32"))
    )
    weights = ops.convert_to_tensor(list(class_weights), dtype="float32")
    return ops.sum(weights * ops.mean(error, axis=(1, 2)), axis=-1)


def overlap_loss(lesion_label: Tensor, logits: Tensor) -> Tensor:
    """1 - soft Dice, averaged over the whole lesion and each class present, ``(B,)``.

    A class that is neither labelled nor predicted costs nothing: the ratio is smoothed by one
    pixel, so an empty label does not ask for an impossible overlap.
    """
    target = one_hot_label(lesion_label, logits.shape[-1])
    probability = ops.softmax(ops.cast(logits, "float32"), axis=-1)
    classes = _soft_dice(target[..., 1:], probability[..., 1:])
    whole = _soft_dice(1.0 - target[..., :1], 1.0 - probability[..., :1])[:, 0]
    present = ops.cast(ops.max(target[..., 1:], axis=(1, 2)), "float32")
    mean_class = ops.sum(present * classes, axis=-1) / ops.maximum(ops.sum(present, axis=-1), 1.0)
    absent = ops.cast(ops.sum(present, axis=-1) == 0, "float32")
    return 1.0 - 0.5 * (whole + mean_class * (1.0 - absent) + whole * absent)


def _soft_dice(target: Tensor, probability: Tensor) -> Tensor:
    shared = ops.sum(target * probability, axis=(1, 2))
    total = ops.sum(target, axis=(1, 2)) + ops.sum(probability, axis=(1, 2))
    return (2.0 * shared + 1.0) / (total + 1.0)
