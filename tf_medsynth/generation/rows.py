"""Functions of a batch in calls of one size, so that a sample's bits never depend on its neighbours."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tf_medsynth.types import Tensor

ROWS = 8
"""Every network call has this many rows, in training code, in a SavedModel and behind a server."""


class Rowwise:
    """A function of `ROWS` samples as a function of any number, zero included.

    The arithmetic of a row may differ in the last bit between batch sizes, never within one.

    Args:
        function: of tensors ``(ROWS, ...)``; answers a tensor or a dictionary of such.
        specs: shape and dtype of one row of each argument.
    """

    def __init__(self, function: Callable[..., Any], *specs: tf.TensorSpec) -> None:
        self._function = tf.function(function, autograph=False)
        self._specs = [tf.TensorSpec((ROWS, *spec.shape), spec.dtype) for spec in specs]

    @functools.cached_property
    def traced(self) -> Any:
        """The function of exactly `ROWS` rows, traced when it is first wanted."""
        with tf.init_scope():  # a graph of its own, whoever asks first
            return self._function.get_concrete_function(*self._specs)

    def __call__(self, *arguments: Tensor) -> Any:
        """The answers for the rows of `arguments`; the last call is filled up with rows of this batch."""
        arguments = tuple(
            tf.cast(argument, spec.dtype) for argument, spec in zip(arguments, self._specs, strict=True)
        )
        if tf.executing_eagerly() and len(arguments[0]) == ROWS:
            return self.traced(*arguments)  # as most calls are; the loop below costs more than a small one
        count = tf.shape(arguments[0])[0]
        calls = (count + ROWS - 1) // ROWS
        picked = tf.range(calls * ROWS) % tf.maximum(count, 1)
        blocks = tuple(
            tf.reshape(tf.gather(argument, picked), [calls, *spec.shape])
            for argument, spec in zip(arguments, self._specs, strict=True)
        )
        made = tf.map_fn(
            lambda block: self.traced(*block), blocks, fn_output_signature=self._made(), parallel_iterations=1
        )
        return tf.nest.map_structure(
            lambda part: tf.reshape(part, [calls * ROWS, *part.shape[2:]])[:count], made
        )

    def _made(self) -> Any:
        outputs = self.traced.structured_outputs
        return tf.nest.map_structure(lambda made: tf.TensorSpec(made.shape, made.dtype), outputs)
