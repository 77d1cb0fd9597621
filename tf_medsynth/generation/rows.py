"""Functions of a batch in calls of one row, so that a sample's bits depend on nothing around it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tf_medsynth.types import Tensor

ROWS = 1
"""Rows of every network call, in training code, in a SavedModel and behind a server.

Sums over the pixels of a batch add in an order that depends on where in memory a row begins, and convolutions
on which rows share a block. So the same sample at another place of a call of many rows has other last bits;
alone it has no place. The price was 1.2 to 2 times the processor's time of calls of eight rows.
"""
_AT_ONCE = 2
"""Calls under way together: small networks leave processors idle."""


class Rowwise:
    """A function of one sample as a function of any number, zero included.

    Args:
        function: of tensors ``(1, ...)``; answers a tensor or a dictionary of such.
        specs: shape and dtype of one row of each argument.
    """

    def __init__(self, function: Callable[..., Any], *specs: tf.TensorSpec) -> None:
        self._function = tf.function(function, autograph=False)
        self._specs = specs
        self._of_many = tf.function(
            self._mapped,
            input_signature=[tf.TensorSpec((None, *spec.shape), spec.dtype) for spec in specs],
            autograph=False,
        )

    @functools.cached_property
    def traced(self) -> Any:
        """The function of exactly one row, traced when it is first wanted."""
        with tf.init_scope():  # a graph of its own, whoever asks first
            return self._function.get_concrete_function(
                *(tf.TensorSpec((ROWS, *spec.shape), spec.dtype) for spec in self._specs)
            )

    def __call__(self, *arguments: Tensor) -> Any:
        """The answers for the rows of `arguments`, in their order."""
        arguments = tuple(
            tf.cast(argument, spec.dtype) for argument, spec in zip(arguments, self._specs, strict=True)
        )
        if tf.executing_eagerly() and len(arguments[0]) == ROWS:
            return self.traced(*arguments)
        return self._of_many(*arguments)

    def _mapped(self, *arguments: Tensor) -> Any:
        made = tf.map_fn(
            lambda row: self.traced(*row),
            tuple(argument[:, None] for argument in arguments),
            fn_output_signature=self._made(),
            parallel_iterations=_AT_ONCE,
        )
        return tf.nest.map_structure(lambda part: tf.squeeze(part, 1), made)

    def _made(self) -> Any:
        outputs = self.traced.structured_outputs
        return tf.nest.map_structure(lambda made: tf.TensorSpec(made.shape, made.dtype), outputs)
