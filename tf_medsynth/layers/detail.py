"""What an image adds to its surroundings: the fine detail that a critic must see."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tf_medsynth.types import Tensor


@keras.saving.register_keras_serializable(package="tf_medsynth")
class WithDetail(keras.layers.Layer):
    """The image, and beside it the Laplacian of each channel, scaled by `gain`.

    A discriminator of strided convolutions takes long to find out that drawn images are soft; beside
    its Laplacian a soft image gives itself away at once, and the generator is told so.

    Call: ``(B, H, W, C)`` to ``(B, H, W, 2 C)``; the image continues at its edges.
    """

    def __init__(self, gain: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gain = gain

    def call(self, images: Tensor) -> Tensor:
        """The image and its detail."""
        wide = ops.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="symmetric")
        around = wide[:, :-2, 1:-1] + wide[:, 2:, 1:-1] + wide[:, 1:-1, :-2] + wide[:, 1:-1, 2:]
        return ops.concatenate([images, self.gain * (4.0 * images - around)], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`(B, H, W, 2 C)`."""
        *grid, channels = input_shape
        return (*grid, None if channels is None else 2 * channels)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "gain": self.gain}
