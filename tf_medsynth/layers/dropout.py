"""Dropout whose masks have names, so that they are the same after a kill and on any number of replicas."""

from __future__ import annotations

import contextlib
import itertools
import zlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import keras
from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.types import Tensor

_WORD = "uint32" if keras.backend.backend() == "jax" else "int32"  # of a seed, as the backend takes it


class _Rows:
    """What the rows of a forward picture are called."""

    def __init__(self, seed: int, index: Tensor) -> None:
        self.seed, self.index = seed, index
        self.parts = 1
        self.calls = itertools.count()

    def keys(self, count: Tensor) -> Tensor:
        """A seed of two words, ``(count, 2)``, for each row that a dropout sees.

        Rows are whole batches one after the other, and in each a sample's parts together.
        """
        call = zlib.crc32(f"dropout {self.seed} {next(self.calls)}".encode())
        row = ops.arange(count, dtype="int32")
        samples = ops.cast(ops.shape(self.index)[0], "int32")
        sample = row // self.parts % samples
        # Which of its sample's rows this one is: of what batch, of what part.
        copy = row // (self.parts * samples) * self.parts + row % self.parts
        first = ops.cast(copy, _WORD) + ops.convert_to_tensor(_signed(call), _WORD)
        return ops.stack([first, ops.cast(ops.take(self.index, sample), _WORD)], axis=1)


_rows: ContextVar[_Rows | None] = ContextVar("rows", default=None)


@contextlib.contextmanager
def named_rows(seed: int, index: Tensor) -> Iterator[None]:
    """Context in which dropout draws its masks by (seed, sample, place in the forward picture).

    A mask is named by the sample's position in the stream of all epochs, which says the step and the
    replica as well, and by the number of the dropout since the context was entered, which says the layer.

    Args:
        seed: of the run.
        index: ``(B,)`` integers, positions of the batch's samples in that stream.
    """
    token = _rows.set(_Rows(seed, index))
    try:
        yield
    finally:
        _rows.reset(token)


@contextlib.contextmanager
def rows_of_parts(parts: int) -> Iterator[None]:
    """Context in which every sample has `parts` rows, one after the other, e.g. its modalities."""
    rows = _rows.get()
    if rows is None:
        yield
        return
    before, rows.parts = rows.parts, parts
    try:
        yield
    finally:
        rows.parts = before


@keras.saving.register_keras_serializable(package="tf_medsynth")
class NamedDropout(keras.layers.Layer):
    """In training sets a share of the values to 0 and enlarges the rest, so that their mean stays.

    Keras's own draws the same mask on every replica and keeps a state; this one has none: masks are
    named by `named_rows`, outside of which there is no training with dropout.

    Call: ``(B, ...)`` to the same; without training, what it was given.

    Args:
        rate: share of the values, in [0, 1).

    Raises:
        MedSynthError: a rate outside of that range; training outside of `named_rows`.
    """

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check("rate lies in [0, 1)", 0.0 <= rate < 1.0, rate=rate)
        self.rate = rate

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """`inputs`, in training without some of their values."""
        if not training or not self.rate:
            return inputs
        rows = _rows.get()
        check(
            "dropout in training draws its masks by the names of the rows",
            rows is not None,
            "Call the network within layers.dropout.named_rows(seed, index).",
            layer=self.name,
        )
        assert rows is not None
        shape = tuple(inputs.shape[1:])

        def drawn(key: Tensor) -> Tensor:
            return keras.random.uniform(shape, seed=_Key(key), dtype="float32")

        kept = ops.map(drawn, rows.keys(ops.shape(inputs)[0])) >= self.rate
        return inputs * ops.cast(kept, inputs.dtype) / (1.0 - self.rate)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """That of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "rate": self.rate}


class _Key(keras.random.SeedGenerator):
    """A seed that was found elsewhere, where Keras takes a whole number or a generator."""

    def __init__(self, key: Tensor) -> None:
        self.key = key

    def next(self, ordered: bool = True) -> Tensor:
        """The key, each time."""
        return self.key


def _signed(word: int) -> int:
    """32 bits as the backend's word holds them."""
    return word if _WORD == "uint32" else (word ^ 0x80000000) - 0x80000000
