"""Stored examples in the order of training: a pure function of seed and position, whatever was read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_medsynth.types import Tensor

Batch = dict[str, Tensor]
Step = Callable[[Batch], Batch]


def shuffled_epochs(
    stored: tf.data.Dataset, finish: Step, buffer: int, seeds: tuple[int, ...], epochs: range
) -> tf.data.Dataset:
    """`stored` once for each of `epochs`, each shuffled by (seeds, epoch); one graph whatever their number.

    Args:
        stored: examples in a fixed order.
        finish: what becomes of an example after it was shuffled.
        buffer: examples held to shuffle.
    """
    keys = [int(np.random.SeedSequence((*seeds, number)).generate_state(1)[0]) for number in epochs]

    def epoch(key: Tensor) -> tf.data.Dataset:
        # Of this function's graph alone: the key decides, and a global seed of 0 would ask for its value.
        tf.compat.v1.get_default_graph().seed = 1
        return stored.shuffle(buffer, seed=key, reshuffle_each_iteration=False)

    order = tf.data.Dataset.from_tensor_slices(tf.constant(keys, tf.int64)).flat_map(epoch)
    return order.map(finish, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def numbered(rows: tf.data.Dataset, first: int) -> tf.data.Dataset:
    """`rows` with ``index``, the position of each, from `first` on."""
    return rows.enumerate(first).map(lambda index, row: {"index": index, **row})
