"""Pairs of channels and the maps they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from tf_medsynth.layers import MergePairs, SplitPairs


def test_merge_undoes_split() -> None:
    maps = np.random.default_rng(0).uniform(size=(2, 3, 4, 3)).astype("float32")
    pairs = SplitPairs()(maps)
    np.testing.assert_array_equal(pairs[..., :3], 1.0 - maps)
    np.testing.assert_allclose(MergePairs()(pairs), maps, atol=1e-6)


@pytest.mark.parametrize(("logits", "middle"), [(False, 0.5), (True, 0.0)])
def test_map_is_on_where_on_beats_off(logits: bool, middle: float) -> None:
    pairs = np.random.default_rng(1).uniform(size=(2, 5, 5, 2)).astype("float32")
    merged = ops.convert_to_numpy(MergePairs(logits)(pairs))
    np.testing.assert_array_equal(merged[..., 0] > middle, pairs.argmax(-1) == 1)


def test_probabilities_stay_probabilities() -> None:
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32").reshape(1, 2, 2, 2)
    merged = ops.convert_to_numpy(MergePairs()(corners)).ravel()
    np.testing.assert_array_equal(merged, [0.5, 1.0, 0.0, 0.5])
