"""Stateless random draws: a row of a batch is named by (seed, index), on any replica, anywhere."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping
from typing import Literal

import tensorflow as tf

from tf_medsynth.types import Tensor


@dataclasses.dataclass(frozen=True)
class Draw:
    """One random tensor a sample: standard normal, or uniform in [low, high)."""

    shape: tuple[int, ...]
    kind: Literal["normal", "uniform"] = "normal"
    low: float = 0.0
    high: float = 1.0


def draw(specs: Mapping[str, Draw], seed: Tensor, index: Tensor) -> dict[str, Tensor]:
    """Draws of a batch, each ``(B, *shape)`` float32, a pure function of (name, seed, index).

    Args:
        specs: what to draw, by name; the name is part of the seed, so draws never coincide.
        seed: run seed, any Python integer or an int64 scalar; or int64 ``(B,)``, a seed a row.
        index: ``(B,)`` int64 sample positions.
    """
    if not specs:
        return {}
    index = tf.cast(index, tf.int64)
    seeds = tf.broadcast_to(tf.cast(seed, tf.int64), tf.shape(index))

    def row(name_of_row: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {name: _one(name, spec, *name_of_row) for name, spec in specs.items()}

    signature = {name: tf.TensorSpec(spec.shape, tf.float32) for name, spec in specs.items()}
    drawn = tf.map_fn(row, (seeds, index), fn_output_signature=signature)
    return {name: tf.ensure_shape(drawn[name], (index.shape[0], *specs[name].shape)) for name in specs}


def _one(name: str, spec: Draw, seed: Tensor, position: Tensor) -> Tensor:
    run = seed * 1_000_003 + zlib.crc32(name.encode())
    key = tf.stack([run, position])
    if spec.kind == "normal":
        return tf.random.stateless_normal(spec.shape, key, alg="philox")
    return tf.random.stateless_uniform(spec.shape, key, spec.low, spec.high, alg="philox")
