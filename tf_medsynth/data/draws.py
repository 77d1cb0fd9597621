"""Stateless random draws: a row of a batch is named by (seed, purpose, index), on any replica, anywhere."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping
from typing import Literal

import tensorflow as tf

from tf_medsynth.config.base import check
from tf_medsynth.types import Tensor

GENERATION = "generation"
PURPOSES: Mapping[str, str] = {
    "training": "a training step of a stage: its noise, and what its batch is made of",
    "validation": "the terms of held-out slices",
    "calibration": "samples by which the intensities of a trained stage are fitted",
    "preview": "pictures of a stage in training",
    "map pool": "maps that stage M is trained on",
    GENERATION: "samples of `generate` and of an exported model, with their labels",
    "lesion-guidance": "samples of that study",
    "ablation": "samples of that study",
    "quality": "samples of that study",
    "augmented copies": "classically augmented slices as training data",
    "damage": "slices damaged for an extractor to learn from",
    "real maps": "structure maps of real slices that are measured or shown",
}
"""What is drawn for, and why no two share a draw: a sample that was drawn as a training map was drawn is
that map again, and whatever is measured on it is measured on what the generator knows by heart."""

_STEP = 1_000_003


@dataclasses.dataclass(frozen=True)
class Draw:
    """One random tensor a sample: standard normal, or uniform in [low, high)."""

    shape: tuple[int, ...]
    kind: Literal["normal", "uniform"] = "normal"
    low: float = 0.0
    high: float = 1.0


def draw(specs: Mapping[str, Draw], seed: Tensor, index: Tensor, *, purpose: str) -> dict[str, Tensor]:
    """Draws of a batch, each ``(B, *shape)`` float32, a pure function of (purpose, name, seed, index).

    Args:
        specs: what to draw, by name; the name is part of the seed, so draws never coincide.
        seed: run seed, any Python integer or an int64 scalar; or int64 ``(B,)``, a seed a row.
        index: ``(B,)`` int64 sample positions.
        purpose: one of `PURPOSES`, or ``"PURPOSE of WHOM"``, e.g. ``"training of structure"``.

    Raises:
        MedSynthError: an unknown purpose.
    """
    known = purpose.partition(" of ")[0] in PURPOSES
    check("a draw has a purpose", known, f"Known: {', '.join(PURPOSES)}; add yours.", purpose=purpose)
    if not specs:
        return {}
    index = tf.cast(index, tf.int64)
    seeds = tf.broadcast_to(tf.cast(seed, tf.int64), tf.shape(index))

    def row(name_of_row: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {name: _one(draw_number(purpose, name), spec, *name_of_row) for name, spec in specs.items()}

    signature = {name: tf.TensorSpec(spec.shape, tf.float32) for name, spec in specs.items()}
    drawn = tf.map_fn(row, (seeds, index), fn_output_signature=signature)
    return {name: tf.ensure_shape(drawn[name], (index.shape[0], *specs[name].shape)) for name in specs}


def draw_number(purpose: str, name: str) -> int:
    """What a draw adds to its seed. Two draws share no number of any seeds where these differ modulo `_STEP`.

    Those of `GENERATION` go by the bare name, as exported models have them in their graphs.
    """
    return zlib.crc32((name if purpose == GENERATION else f"{purpose}: {name}").encode())


def shares_numbers(one: int, other: int) -> bool:
    """Whether draws of these `draw_number` meet at some pair of seeds below 2^32."""
    return (one - other) % _STEP == 0


def _one(number: int, spec: Draw, seed: Tensor, position: Tensor) -> Tensor:
    key = tf.stack([seed * _STEP + number, position])
    if spec.kind == "normal":
        return tf.random.stateless_normal(spec.shape, key, alg="philox")
    return tf.random.stateless_uniform(spec.shape, key, spec.low, spec.high, alg="philox")
