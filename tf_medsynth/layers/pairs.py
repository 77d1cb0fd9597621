"""Binary maps as pairs of channels (off, on), the form the published networks see and draw."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tf_medsynth.types import Tensor


@keras.saving.register_keras_serializable(package="tf_medsynth")
class SplitPairs(keras.layers.Layer):
    """Each binary map becomes two channels, off and on.

    Call: ``(B, H, W, C)`` in [0, 1] to ``(B, H, W, 2 C)``: C channels of ``1 - map``, then the maps.
    """

    def call(self, maps: Tensor) -> Tensor:
        """The pairs, `(B, H, W, 2 C)`."""
        return ops.concatenate([1.0 - maps, maps], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`(B, H, W, 2 C)`."""
        return (*input_shape[:-1], 2 * (input_shape[-1] or 0))


@keras.saving.register_keras_serializable(package="tf_medsynth")
class MergePairs(keras.layers.Layer):
    """The inverse of `SplitPairs` for what a network drew, where off and on need not add up to 1.

    Call: ``(B, H, W, 2 C)`` to ``(B, H, W, C)``.

    Args:
        logits: Whether the channels are logits, whose difference is the map's logit; otherwise they
            are in [0, 1] and the map is the mean of ``on`` and ``1 - off``. In both cases the map is
            on exactly where ``on > off``, as the published argmax has it, but with a gradient.
    """

    def __init__(self, logits: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.logits = logits

    def call(self, pairs: Tensor) -> Tensor:
        """The maps, `(B, H, W, C)`."""
        off, on = ops.split(pairs, 2, axis=-1)
        return on - off if self.logits else 0.5 * (1.0 + on - off)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`(B, H, W, C)`."""
        return (*input_shape[:-1], (input_shape[-1] or 0) // 2)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "logits": self.logits}
