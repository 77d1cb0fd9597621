"""Unit-normal noise mixed into feature maps; the noise is an input, so a sample is named by its draw."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tf_medsynth.types import Tensor


@keras.saving.register_keras_serializable(package="tf_medsynth")
class ShrinkNoise(keras.layers.Layer):
    """Unit-normal noise on a coarser grid: block sums over `size`, so it stays unit normal.

    Call: ``(B, H, W, C)`` to ``(B, H / size, W / size, C)``.

    Args:
        size: Side of a block, in pixels; it must divide H and W.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, noise: Tensor) -> Tensor:
        """The coarser noise."""
        # The mean of n independent unit normals has deviation 1 / sqrt(n); n is size squared.
        return ops.average_pool(noise, self.size, self.size) * self.size if self.size > 1 else noise

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`(B, H / size, W / size, C)`."""
        batch, *sides, channels = input_shape
        return (batch, *(None if side is None else side // self.size for side in sides), channels)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="tf_medsynth")
class GainedAdd(keras.layers.Layer):
    """``features + gain * addend`` with a learned gain per channel.

    Call: ``[features (B, H, W, C), addend (B, H, W, C or 1)]`` to ``(B, H, W, C)``.

    Args:
        initial_gain: With 0 the addend is silent until training finds a use for it.
    """

    def __init__(self, initial_gain: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.initial_gain = initial_gain

    def build(self, input_shape: list[tuple[int | None, ...]]) -> None:
        """Creates the `(C,)` gain."""
        self.gain = self.add_weight(
            name="gain",
            shape=(input_shape[0][-1],),
            initializer=keras.initializers.Constant(self.initial_gain),
        )

    def call(self, inputs: list[Tensor]) -> Tensor:
        """The sums, `(B, H, W, C)`."""
        features, addend = inputs
        return features + self.gain * addend

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """The shape of the features."""
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "initial_gain": self.initial_gain}
