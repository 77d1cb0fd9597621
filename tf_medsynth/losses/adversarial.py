"""Least-squares adversarial losses and the modality head of the image discriminator."""

from __future__ import annotations

from keras import ops

from tf_medsynth.types import Tensor


def per_sample(values: Tensor) -> Tensor:
    """Mean over every axis but the first, ``(B,)`` float32."""
    values = ops.cast(values, "float32")
    return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def least_squares_real_loss(validity: Tensor) -> Tensor:
    """MSE(d, 1), ``(B,)``: pull a validity map ``(B, h, w, 1)`` to "real".

    Also the generator's loss on its own fakes. Source: Qu et al. (thesis), eq. 13, 14.
    """
    return per_sample(ops.square(ops.cast(validity, "float32") - 1.0))


def least_squares_fake_loss(validity: Tensor) -> Tensor:
    """MSE(d, 0), ``(B,)``: pull a validity map to "fake". Source: Qu et al. (thesis), eq. 13."""
    return per_sample(ops.square(ops.cast(validity, "float32")))


def modality_loss(prediction: Tensor, modality: Tensor) -> Tensor:
    """Modality loss of a patch map, ``(B,)``.

    Args:
        prediction: ``(B, h, w, M)`` logits (cross-entropy a patch), or ``(B, h, w, 1)``, whose
            squared distance to the modality's index is taken.
        modality: ``(B, M)`` one-hot.

    Source: Qu et al. (thesis), eq. 13, 14, terms of c.
    Deviates: the papers have the one-channel index form, which orders the modalities; the logits
    form is the default.
    """
    prediction = ops.cast(prediction, "float32")
    modality = ops.cast(modality, "float32")[:, None, None, :]
    if prediction.shape[-1] == 1:
        index = ops.cast(ops.argmax(modality, axis=-1), "float32")[..., None]
        return per_sample(ops.square(prediction - index))
    return per_sample(-ops.sum(modality * ops.log_softmax(prediction, axis=-1), axis=-1))
