from __future__ import annotations

import numpy as np
import pytest

from tf_medsynth.data.slices import open_slices
from tf_medsynth.metrics.nearest import ImageIndex
from tf_medsynth.runs.training_reference import training_reference


@pytest.fixture
def source(tiny_dataset):
    return open_slices(**tiny_dataset.where, split="train")


def test_the_threshold_lies_where_slices_of_other_training_patients_do(source, tmp_path):
    made = training_reference(tmp_path, source, 0.2)
    images = np.stack([e["images"] for e in source.examples().as_numpy_iterator()])
    owners = source.owners()
    distances = np.concatenate(
        [ImageIndex.of(images[owners != one]).nearest(images[owners == one]).distance for one in set(owners)]
    )
    assert (distances < made.threshold - 1e-6).mean() <= 0.2
    assert 0.0 < made.threshold <= np.sort(distances)[int(0.2 * (len(distances) - 1))] + 1e-6
    assert made.training == made.heldout == len(images)
    assert made.distances(images).max() < 1e-9


def test_it_is_made_once_and_is_the_same_anywhere(source, tmp_path):
    first = training_reference(tmp_path / "one", source, 0.1)
    files = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "one").iterdir()}
    assert training_reference(tmp_path / "one", source, 0.1) == first
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "one").iterdir()} == files
    other = training_reference(tmp_path / "two", source, 0.1)
    assert other.identity() == first.identity()
    assert other.descriptors.read_bytes() == first.descriptors.read_bytes()


def test_half_of_it_is_made_again(source, tmp_path):
    first = training_reference(tmp_path, source, 0.1)
    next(tmp_path.glob("training-*.json")).unlink()
    (tmp_path / ".partial-left.npy").write_bytes(b"half")
    assert training_reference(tmp_path, source, 0.1) == first
