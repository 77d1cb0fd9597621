"""The pooled whole-lesion Dice as a Keras metric: what a lesion stage logs while it trains."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tf_medsynth.types import Tensor


@keras.saving.register_keras_serializable("tf_medsynth")
class PooledWholeLesionDice(keras.metrics.Metric):
    """Whole-lesion Dice over all pixels seen since the last reset; 0 before any lesion is seen.

    Equals `metrics.overlap.pooled_whole_lesion_dice` of the same samples. Both states are sums, and
    their ratio stays right under a distribution strategy, which divides each of them alike.
    """

    def __init__(self, name: str = "whole_lesion_dice", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.shared = self.add_weight(name="shared", initializer="zeros", dtype="float32")
        self.total = self.add_weight(name="total", initializer="zeros", dtype="float32")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Adds a batch.

        Args:
            y_true: `(B, H, W, 1)` integer lesion label.
            y_pred: `(B, H, W, K)` logits or probabilities, background first.
            sample_weight: not supported; a weight a pixel has no place in an overlap.
        """
        if sample_weight is not None:
            raise ValueError(f"{self.name} takes no sample_weight. Received: {sample_weight!r}.")
        wanted = ops.cast(ops.squeeze(y_true, axis=-1) > 0, "float32")
        found = ops.cast(ops.argmax(y_pred, axis=-1) > 0, "float32")
        self.shared.assign_add(2.0 * ops.sum(wanted * found))
        self.total.assign_add(ops.sum(wanted) + ops.sum(found))

    def result(self) -> Tensor:
        """Scalar float32 in [0, 1]."""
        return self.shared / ops.maximum(self.total, 1e-7)
