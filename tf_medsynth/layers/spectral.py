"""Convolution whose kernel is divided by its largest singular value, without being overwritten."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tf_medsynth.types import Tensor

NORM_EPSILON = 1e-12


def _unit(vector: Tensor) -> Tensor:
    return vector * ops.rsqrt(ops.maximum(ops.sum(ops.square(vector)), NORM_EPSILON))


def power_iteration(matrix: Tensor, vector: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """`(left, right)`: unit estimates of the first singular pair after `steps` iterations.

    Args:
        matrix: `(N, C)` float32.
        vector: `(C,)` float32, the estimate of the right singular vector to start from.
        steps: 0 or more; with 0 `right` is `vector` itself.

    Returns:
        `left` `(N,)` and `right` `(C,)`, of length 1.
    """
    left = _unit(ops.matmul(matrix, vector))
    for step in range(steps):
        left = left if step == 0 else _unit(ops.matmul(matrix, vector))
        vector = _unit(ops.matmul(left, matrix))
    return left, vector


@keras.saving.register_keras_serializable(package="tf_medsynth")
class SpectralConv2D(keras.layers.Layer):
    """2-D convolution with ``kernel / sigma``, sigma the kernel's largest singular value.

    The stored kernel is never changed by a call. The gradient passes through sigma, the singular
    vectors counting as constants. Only calls with ``training=True`` advance the power iteration, so a
    step that must leave this network untouched calls it with ``training=False``.

    Call: ``(B, H, W, C)`` to ``(B, H / strides, W / strides, filters)``, padding "same".

    Args:
        filters: Output channels.
        kernel_size: Side of the kernel.
        strides: Step in rows and columns.
        use_bias: Whether a bias is added.
        kernel_initializer: Of the kernel before division.
        power_steps: Power iterations a training call.

    Source: Nie et al., dual adversarial learning, spectral norm on the discriminators' layers.
    Deviates: the reference layer of tensorflow-addons overwrites the kernel with the quotient at
        every training call, which makes the optimiser's state and further calls in a step meaningless.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        use_bias: bool = True,
        kernel_initializer: Any = "he_normal",
        power_steps: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.power_steps = power_steps

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates kernel, bias and the right singular vector."""
        # float32 whatever the policy: two bits of mantissa lost in sigma move every output.
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, input_shape[-1], self.filters),
            initializer=self.kernel_initializer,
            autocast=False,
        )
        self.bias = (
            self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
            if self.use_bias
            else None
        )
        # "mean": every replica computes the same vector from the same kernel, so their mean is it.
        self.singular_vector = self.add_weight(
            name="singular_vector",
            shape=(self.filters,),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            autocast=False,
            aggregation="mean",
        )

    def normalised_kernel(self, training: bool = False) -> Tensor:
        """The kernel over its largest singular value, `(k, k, C, filters)` float32."""
        matrix = ops.reshape(self.kernel, (-1, self.filters))
        start = _unit(ops.convert_to_tensor(self.singular_vector))
        left, right = power_iteration(
            ops.stop_gradient(matrix), ops.stop_gradient(start), self.power_steps if training else 0
        )
        left, right = ops.stop_gradient(left), ops.stop_gradient(right)
        if training:
            self.singular_vector.assign(right)
        sigma = ops.sum(left * ops.matmul(matrix, right))
        return self.kernel / ops.maximum(sigma, NORM_EPSILON)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """The convolved images."""
        kernel = ops.cast(self.normalised_kernel(bool(training)), images.dtype)
        convolved = ops.conv(images, kernel, strides=self.strides, padding="same")
        return convolved if self.bias is None else convolved + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`(B, ceil(H / strides), ceil(W / strides), filters)`."""
        batch, *sides, _ = input_shape
        return (batch, *(None if side is None else -(-side // self.strides) for side in sides), self.filters)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "power_steps": self.power_steps,
        }
