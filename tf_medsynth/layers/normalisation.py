"""Instance norms: each sample and channel brought to mean 0 and deviation 1 over its pixels."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tf_medsynth.types import Tensor

EPSILON = 1e-5
GAIN_SPREAD = 0.02


def _modulate(images: Tensor, gain: Tensor, offset: Tensor, epsilon: float) -> Tensor:
    """`images` with mean `offset` and deviation `gain` over their pixels, in the dtype of the images.

    All is done in float32, since a half-precision product of a mean far from 0 rounds the spread away.
    Statistics are folded with gain and offset into one multiplication and one addition, so the image
    itself is passed over only twice.
    """
    wide = ops.cast(images, "float32")
    mean, variance = ops.moments(wide, axes=(1, 2), keepdims=True)
    scale = gain * ops.rsqrt(variance + epsilon)
    return ops.cast(wide * scale + (offset - mean * scale), images.dtype)


@keras.saving.register_keras_serializable(package="tf_medsynth")
class InstanceNormalization(keras.layers.Layer):
    """Instance norm with a learned gain and offset per channel.

    Call: ``(B, H, W, C)`` to the same shape and dtype.

    Args:
        epsilon: Added to the variance.
        gain_spread: Deviation of the initial gains around 1; the published nets use 0.02, which also
            tells apart channels that start with equal kernels.

    Source: Qu et al. (thesis)
    """

    def __init__(self, epsilon: float = EPSILON, gain_spread: float = GAIN_SPREAD, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.gain_spread = gain_spread

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the `(C,)` gain and offset, kept in float32."""
        channels = (input_shape[-1],)
        self.gain = self.add_weight(
            name="gain",
            shape=channels,
            initializer=keras.initializers.RandomNormal(1.0, self.gain_spread),
            autocast=False,
        )
        self.offset = self.add_weight(name="offset", shape=channels, initializer="zeros", autocast=False)

    def call(self, images: Tensor) -> Tensor:
        """The normalised images, `(B, H, W, C)`."""
        return _modulate(images, self.gain, self.offset, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon, "gain_spread": self.gain_spread}


@keras.saving.register_keras_serializable(package="tf_medsynth")
class ConditionalInstanceNormalization(keras.layers.Layer):
    """Instance norm whose gain and offset are affine functions of the condition.

    An instance norm removes whatever a constant condition plane added before it, so a network with
    instance norms cannot be told the modality by planes: here the condition sets what the norm puts
    back.

    Call: ``[images (B, H, W, C), condition (B, K)]`` to the shape and dtype of the images.

    Args:
        epsilon: Added to the variance.
        gain_spread: Deviation of the initial gains around 1, drawn per condition and channel.

    Deviates: from Qu et al. (thesis), who concatenate condition planes.
    """

    def __init__(self, epsilon: float = EPSILON, gain_spread: float = GAIN_SPREAD, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.gain_spread = gain_spread

    def build(self, input_shape: list[tuple[int | None, ...]]) -> None:
        """Creates the `(K, C)` tables and the `(C,)` means of gain and offset, kept in float32."""
        (*_, channels), (_, conditions) = input_shape
        spread = keras.initializers.RandomNormal(0.0, self.gain_spread)
        self.gain = self.add_weight(name="gain", shape=(channels,), initializer="ones", autocast=False)
        self.offset = self.add_weight(name="offset", shape=(channels,), initializer="zeros", autocast=False)
        self.condition_gain = self.add_weight(
            name="condition_gain", shape=(conditions, channels), initializer=spread, autocast=False
        )
        self.condition_offset = self.add_weight(
            name="condition_offset", shape=(conditions, channels), initializer="zeros", autocast=False
        )

    def call(self, inputs: list[Tensor]) -> Tensor:
        """The normalised images, `(B, H, W, C)`, with the mean and spread of their condition."""
        images, condition = inputs
        condition = ops.cast(condition, "float32")
        gain = self.gain + ops.matmul(condition, self.condition_gain)
        offset = self.offset + ops.matmul(condition, self.condition_offset)
        return _modulate(images, gain[:, None, None, :], offset[:, None, None, :], self.epsilon)

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """The shape of the images."""
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon, "gain_spread": self.gain_spread}
