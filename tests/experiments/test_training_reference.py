from __future__ import annotations

import numpy as np
import pytest

from tf_medsynth.data.slices import open_slices
from tf_medsynth.experiments.training_reference import training_reference
from tf_medsynth.metrics.nearest import ImageIndex


@pytest.fixture
def sources(tiny_dataset):
    return open_slices(**tiny_dataset.where, split="train"), open_slices(**tiny_dataset.where, split="test")


def test_the_threshold_lies_where_held_out_slices_do(sources, tmp_path):
    made = training_reference(tmp_path, *sources, 0.2)
    sets = [np.stack([e["images"] for e in one.examples().as_numpy_iterator()]) for one in sources]
    distances = ImageIndex.of(sets[0]).nearest(sets[1]).distance
    assert (distances < made.threshold - 1e-6).mean() <= 0.2
    assert made.threshold == pytest.approx(np.sort(distances)[int(0.2 * (len(distances) - 1))], abs=1e-6)
    assert (made.training, made.heldout) == tuple(map(len, sets))
    assert made.distances(sets[0]).max() < 1e-9


def test_it_is_made_once_and_is_the_same_anywhere(sources, tmp_path):
    first = training_reference(tmp_path / "one", *sources, 0.1)
    files = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "one").iterdir()}
    assert training_reference(tmp_path / "one", *sources, 0.1) == first
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "one").iterdir()} == files
    other = training_reference(tmp_path / "two", *sources, 0.1)
    assert other.identity() == first.identity()
    assert other.descriptors.read_bytes() == first.descriptors.read_bytes()


def test_half_of_it_is_made_again(sources, tmp_path):
    first = training_reference(tmp_path, *sources, 0.1)
    next(tmp_path.glob("training-*.json")).unlink()
    (tmp_path / ".partial-left.npy").write_bytes(b"half")
    assert training_reference(tmp_path, *sources, 0.1) == first
