"""All modalities of a sample from one encoder pass."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.types import Tensor


def decode_each(
    encoder_outputs: list[Tensor], decoder: keras.Model, conditions: Tensor | None, training: bool = False
) -> Tensor:
    """Images of every sample under every condition, `(B, H, W, N C)` float32, the C channels of one together.

    The decoder runs once, on N copies of the batch; what the encoder found is shared by the copies.

    Args:
        encoder_outputs: Features of B samples, from `build_unet_encoder`.
        decoder: From `build_unet_decoder` of the same spec, with C output channels.
        conditions: `(N, K)`, e.g. the one-hot rows ``ops.eye(4)``; the same for every sample. None for a
            decoder without conditions, which draws one image.
        training: Passed to the decoder.

    Raises:
        MedSynthError: `conditions` is not a matrix.
    """
    if conditions is None:
        return decoder(encoder_outputs, training=training)
    check("conditions is an (N, K) matrix", len(conditions.shape) == 2, shape=tuple(conditions.shape))
    batch, number = ops.shape(encoder_outputs[0])[0], conditions.shape[0]
    rows = ops.repeat(conditions, batch, axis=0)
    images = decoder([*encoder_outputs, rows], training=training)
    height, width, channels = images.shape[1:]
    if channels == 1:  # four axes, as TensorFlow transposes fastest
        return ops.transpose(ops.reshape(images, (number, -1, height, width)), (1, 2, 3, 0))
    copies = ops.reshape(images, (number, -1, height, width, channels))
    return ops.reshape(ops.transpose(copies, (1, 2, 3, 0, 4)), (-1, height, width, number * channels))


def decode_each_unrolled(
    inputs: Any, encoder: keras.Model, decoder: keras.Model, conditions: Tensor, training: bool = False
) -> Tensor:
    """The same images as `decode_each`, one whole network pass a condition: the papers' formulation.

    For tests and benchmarks.

    Args:
        inputs: What `encoder` takes.
        encoder: From `build_unet_encoder`.
        decoder: From `build_unet_decoder` of the same spec.
        conditions: `(N, K)`.
        training: Passed to both.
    """
    images = []
    for index in range(conditions.shape[0]):
        features = encoder(inputs, training=training)
        rows = ops.repeat(conditions[index : index + 1], ops.shape(features[0])[0], axis=0)
        images.append(decoder([*features, rows], training=training))
    return ops.concatenate(images, axis=-1)
