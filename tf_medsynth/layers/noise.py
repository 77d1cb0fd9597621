"""Unit-normal noise on coarser grids; the noise is an input, so that a sample is named by its draw."""

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
