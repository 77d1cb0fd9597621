"""Draws: a row is named by (purpose, name, seed, index), whoever asks, in whatever company."""

import zlib

import numpy as np
import pytest
import tensorflow as tf

from tf_medsynth.data.draws import GENERATION, PURPOSES, Draw, draw
from tf_medsynth.types import MedSynthError

SPECS = {
    "noise": Draw((3, 2)),
    "choice": Draw((), "uniform"),
    "angle": Draw((2,), "uniform", -5.0, 5.0),
}


def rows(specs, seed, index, purpose: str = "training") -> dict[str, np.ndarray]:
    drawn = draw(specs, seed, tf.constant(index, tf.int64), purpose=purpose)
    return {name: value.numpy() for name, value in drawn.items()}


def equal(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_shapes_types_and_ranges():
    drawn = tf.function(draw)(SPECS, 0, tf.range(400, dtype=tf.int64), purpose="training")
    drawn = {name: value.numpy() for name, value in drawn.items()}
    assert {name: (value.shape, value.dtype) for name, value in drawn.items()} == {
        "noise": ((400, 3, 2), np.float32),
        "choice": ((400,), np.float32),
        "angle": ((400, 2), np.float32),
    }
    assert 0.0 <= drawn["choice"].min() < 0.05 and 0.95 < drawn["choice"].max() < 1.0
    assert -5.0 <= drawn["angle"].min() < -4.5 and 4.5 < drawn["angle"].max() < 5.0
    assert abs(drawn["noise"].mean()) < 0.08 and abs(drawn["noise"].std() - 1.0) < 0.06
    assert draw({}, 0, tf.range(3), purpose="training") == {}


def test_a_row_does_not_know_its_batch():
    together = rows(SPECS, 7, [4, 5, 6, 7, 8])
    halves = [rows(SPECS, 7, part) for part in ([4, 5], [6, 7, 8])]
    assert equal(together, {name: np.concatenate([h[name] for h in halves]) for name in SPECS})
    backwards = rows(SPECS, 7, [8, 7, 6, 5, 4])
    assert equal(together, {name: value[::-1] for name, value in backwards.items()})


def test_a_draw_does_not_know_the_others():
    together = rows(SPECS, 7, [1, 2])
    for name, spec in SPECS.items():
        assert np.array_equal(rows({name: spec}, 7, [1, 2])[name], together[name])


@pytest.mark.parametrize(("seed", "index", "name"), [(1, 5, "noise"), (0, 6, "noise"), (0, 5, "other")])
def test_name_seed_and_index_all_count(seed, index, name):
    usual = rows({"noise": Draw((4,))}, 0, [5])["noise"]
    other = rows({name: Draw((4,))}, seed, [index])[name]
    assert not np.isclose(usual, other).any()


def test_a_purpose_counts_too():
    specs = {"noise": Draw((4,))}
    of_each = [rows(specs, 0, [5], purpose)["noise"] for purpose in PURPOSES]
    of_each += [rows(specs, 0, [5], f"training of {stage}")["noise"] for stage in ("structure", "lesion")]
    assert len({drawn.tobytes() for drawn in of_each}) == len(PURPOSES) + 2
    with pytest.raises(MedSynthError, match=r"a draw has a purpose.*'fun'"):
        rows(specs, 0, [5], "fun")


def test_samples_keep_the_names_that_exported_models_have_in_their_graphs():
    key = tf.constant([7 * 1_000_003 + zlib.crc32(b"z"), 3], tf.int64)
    made = rows({"z": Draw((5,))}, 7, [3], GENERATION)["z"][0]
    np.testing.assert_array_equal(made, tf.random.stateless_normal((5,), key, alg="philox"))


def test_large_and_negative_positions_are_their_own():
    drawn = rows({"noise": Draw(())}, 3, [0, -1, 2**31, 2**32, 2**40])["noise"]
    assert len(set(drawn.tolist())) == 5
    assert not np.isclose(
        drawn, rows({"noise": Draw(())}, 2**33 + 3, [0, -1, 2**31, 2**32, 2**40])["noise"]
    ).any()


def test_a_graph_and_a_seed_that_is_a_tensor_give_the_same_bits():
    @tf.function(input_signature=[tf.TensorSpec((), tf.int64), tf.TensorSpec((None,), tf.int64)])
    def graph(seed, index):
        drawn = draw(SPECS, seed, index, purpose="training")
        assert drawn["noise"].shape.as_list() == [None, 3, 2]
        return drawn

    index = tf.constant([3, 9], tf.int64)
    drawn = {name: value.numpy() for name, value in graph(tf.constant(7, tf.int64), index).items()}
    assert equal(drawn, rows(SPECS, 7, [3, 9]))
