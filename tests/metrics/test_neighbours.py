import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from tf_medsynth.metrics.neighbours import nearest
from tf_medsynth.types import MedSynthError

RANDOM = np.random.default_rng(0)
QUERIES, POOL = RANDOM.normal(size=(300, 3)), RANDOM.normal(size=(500, 3))


def test_it_agrees_with_a_tree() -> None:
    wanted = NearestNeighbors(n_neighbors=4, algorithm="kd_tree").fit(POOL).kneighbors(QUERIES)
    found = nearest(QUERIES, POOL, 4)
    np.testing.assert_allclose(found.distances, wanted[0], atol=1e-6)
    np.testing.assert_array_equal(found.indices, wanted[1])


def test_blocks_change_nothing() -> None:
    """1 MiB holds 262 rows of 500 distances: the answer comes from two blocks."""
    whole, blocks = nearest(QUERIES, POOL, 4), nearest(QUERIES, POOL, 4, memory_mib=1)
    np.testing.assert_array_equal(whole.indices, blocks.indices)
    own, own_blocks = nearest(POOL, POOL, itself=True), nearest(POOL, POOL, itself=True, memory_mib=1)
    np.testing.assert_array_equal(own.indices, own_blocks.indices)
    assert (own_blocks.indices[:, 0] != np.arange(500)).all() and (own.distances > 0).all()


def test_a_copy_is_at_no_distance() -> None:
    found = nearest(POOL[37:38], POOL)
    assert found.indices[0, 0] == 37 and found.distances[0, 0] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: nearest(QUERIES, POOL[:2], 3), "as many as are asked for"),
        (lambda: nearest(POOL[:3], POOL[:3], 3, itself=True), "as many as are asked for"),
        (lambda: nearest(QUERIES, POOL, itself=True), "that are the pool"),
        (lambda: nearest(QUERIES, POOL[:, :2]), "one extractor"),
    ],
)
def test_bad_input_is_told(call, rule) -> None:
    with pytest.raises(MedSynthError, match=rule):
        call()
