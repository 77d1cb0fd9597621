"""Tensors of B samples beside tensors of N copies of them: what one encoder pass needs to serve N decodes.

The N copies of a batch lie one batch after the other: row ``n * B + b`` is copy n of sample b.
With N = 1 these layers do nothing special, so one network serves a plain call and a shared one.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tf_medsynth.types import Tensor


@keras.saving.register_keras_serializable(package="tf_medsynth")
class SharedAdd(keras.layers.Layer):
    """Adds what B samples share to each of their N copies, without writing the copies out.

    Call: ``[copies (N * B, H, W, C), shared (B, H, W, C)]`` to ``(N * B, H, W, C)``.
    """

    def call(self, inputs: list[Tensor]) -> Tensor:
        """The sums, `(N * B, H, W, C)`."""
        copies, shared = inputs
        rows, columns, channels = shared.shape[1:]
        batch = ops.shape(shared)[0]
        # Folding B into the rows keeps the sum at 4 axes, which the CPU kernels broadcast fastest.
        stacked = ops.reshape(copies, (-1, batch * rows, columns, channels))
        total = stacked + ops.reshape(shared, (1, batch * rows, columns, channels))
        return ops.reshape(total, (-1, rows, columns, channels))

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """The shape of the copies."""
        return tuple(input_shape[0])


@keras.saving.register_keras_serializable(package="tf_medsynth")
class CopyFor(keras.layers.Layer):
    """As many copies of B samples as there are conditions for each.

    Call: ``[samples (B, ...), condition (N * B, K)]`` to ``(N * B, ...)``.
    """

    def call(self, inputs: list[Tensor]) -> Tensor:
        """The copies, `(N * B, ...)`."""
        samples, condition = inputs
        copies = ops.shape(condition)[0] // ops.shape(samples)[0]
        return ops.tile(samples, [copies] + [1] * (len(samples.shape) - 1))

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """`(N * B, ...)`."""
        return (input_shape[1][0], *input_shape[0][1:])


@keras.saving.register_keras_serializable(package="tf_medsynth")
class ConditionPlanes(keras.layers.Layer):
    """One constant plane for each value of the condition.

    Call: ``(B, K)`` to ``(B, rows, columns, K)``.

    Args:
        rows: Height of the planes.
        columns: Width of the planes.

    Source: Qu et al. (thesis), the condition matrix
    """

    def __init__(self, rows: int, columns: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows = rows
        self.columns = columns

    def call(self, condition: Tensor) -> Tensor:
        """The planes, `(B, rows, columns, K)`."""
        return ops.tile(condition[:, None, None, :], [1, self.rows, self.columns, 1])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`(B, rows, columns, K)`."""
        return (input_shape[0], self.rows, self.columns, input_shape[1])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "rows": self.rows, "columns": self.columns}
