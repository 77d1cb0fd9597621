"""Dropout whose masks are named: the same for the same name, others for any other."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_medsynth.layers import NamedDropout
from tf_medsynth.layers.dropout import named_rows, rows_of_parts
from tf_medsynth.types import MedSynthError

ONES = np.ones((4, 32, 32, 2), "float32")
INDEX = np.arange(7, 11)


def kept(values, rate: float = 0.25) -> np.ndarray:
    """Which values of ones were kept; those were enlarged."""
    found = np.asarray(values)
    np.testing.assert_allclose(found[found > 0], 1 / (1 - rate), rtol=1e-6)
    return found > 0


def drawn(seed: int = 0, index: np.ndarray = INDEX, rows: np.ndarray = ONES, calls: int = 1) -> np.ndarray:
    """The last of `calls` masks."""
    layer = NamedDropout(0.25)
    with named_rows(seed, tf.constant(index)):
        return kept([layer(rows, training=True) for _ in range(calls)][-1])


def test_a_share_is_dropped_and_the_mean_stays():
    mask = drawn()
    assert abs(mask.mean() - 0.75) < 0.02  # a deviation of .0048
    assert abs(mask.mean(axis=(1, 2, 3)) - 0.75).max() < 0.04
    assert abs(np.corrcoef(mask[0].ravel(), mask[1].ravel())[0, 1]) < 0.1


def test_a_name_is_a_mask_and_another_name_another():
    first = drawn()
    assert np.array_equal(drawn(), first)
    for other in (drawn(seed=1), drawn(index=INDEX + 4), drawn(calls=2)):
        assert abs((other == first).mean() - 0.625) < 0.03  # as of independent ones


def test_a_sample_keeps_its_mask_in_any_batch():
    both = drawn()
    np.testing.assert_array_equal(drawn(index=INDEX[2:], rows=ONES[2:]), both[2:])
    np.testing.assert_array_equal(drawn(index=INDEX[::-1]), both[::-1])


def test_rows_of_a_sample_have_masks_of_their_own_wherever_they_stand():
    batches = np.concatenate([ONES] * 3)  # e.g. real, paired and free, of 4 samples
    whole = drawn(rows=batches).reshape(3, 4, -1)
    assert len({mask.tobytes() for mask in whole.reshape(12, -1)}) == 12
    half = drawn(index=INDEX[:2], rows=batches[:6]).reshape(3, 2, -1)
    np.testing.assert_array_equal(half, whole[:, :2])
    with rows_of_parts(2):  # names no rows, where nothing does
        pass
    layer = NamedDropout(0.25)

    def parted(index: np.ndarray) -> np.ndarray:
        with named_rows(0, tf.constant(index)), rows_of_parts(2):
            rows = np.ones((3 * len(index) * 2, 32), "float32")
            return kept(layer(rows, training=True)).reshape(3, len(index), 2, -1)

    assert len({mask.tobytes() for mask in parted(INDEX).reshape(24, -1)}) == 24
    np.testing.assert_array_equal(parted(INDEX[:2]), parted(INDEX)[:, :2])


def test_a_graph_draws_what_eager_code_draws():
    layer = NamedDropout(0.25)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None, 32, 32, 2))])
    def traced(index, rows):
        with named_rows(0, index):
            return layer(rows, training=True)

    for rows in (4, 2):
        np.testing.assert_array_equal(kept(traced(INDEX[:rows], ONES[:rows])), drawn()[:rows])


def test_without_training_nothing_changes_and_without_names_nothing_is_drawn():
    layer = NamedDropout(0.25)
    np.testing.assert_array_equal(layer(ONES), ONES)
    np.testing.assert_array_equal(NamedDropout(0.0)(ONES, training=True), ONES)
    assert not layer.variables
    with pytest.raises(MedSynthError, match=r"names of the rows.*layer='named_dropout.*named_rows\(seed"):
        layer(ONES, training=True)
    with pytest.raises(MedSynthError, match=r"rate lies in \[0, 1\)"):
        NamedDropout(1.0)


def test_gradients_reach_what_was_kept():
    rows, layer = tf.constant(ONES), NamedDropout(0.25)
    with named_rows(0, tf.constant(INDEX)), tf.GradientTape() as tape:
        tape.watch(rows)
        total = keras.ops.sum(layer(rows, training=True))
    np.testing.assert_array_equal(np.asarray(tape.gradient(total, rows)) > 0, drawn())
