"""Blocks of pixels folded into channels and back."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tf_medsynth.types import Tensor


@keras.saving.register_keras_serializable(package="tf_medsynth")
class Patchify(keras.layers.Layer):
    """Each `size` x `size` block of pixels becomes one pixel with ``size**2`` times the channels.

    Call: ``(B, H, W, C)`` to ``(B, H / size, W / size, size * size * C)``.

    Args:
        size: Side of a block, in pixels; it must divide H and W.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, images: Tensor) -> Tensor:
        """The folded images."""
        return ops.space_to_depth(images, self.size) if self.size > 1 else images

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`(B, H / size, W / size, size * size * C)`."""
        batch, *sides, channels = input_shape
        folded = (None if side is None else side // self.size for side in sides)
        return (batch, *folded, (channels or 0) * self.size**2)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="tf_medsynth")
class Unpatchify(keras.layers.Layer):
    """The inverse of `Patchify`.

    Call: ``(B, H, W, size * size * C)`` to ``(B, H * size, W * size, C)``.

    Args:
        size: Side of a block, in pixels.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, images: Tensor) -> Tensor:
        """The unfolded images."""
        return ops.depth_to_space(images, self.size) if self.size > 1 else images

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`(B, H * size, W * size, C)`."""
        batch, *sides, channels = input_shape
        unfolded = (None if side is None else side * self.size for side in sides)
        return (batch, *unfolded, (channels or 0) // self.size**2)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "size": self.size}
