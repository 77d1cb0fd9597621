from __future__ import annotations

import numpy as np
import pytest

from tests.generation.analytic import lesion, some_labels
from tf_medsynth.generation.labels import LabelPool
from tf_medsynth.types import MedSynthError


def test_a_pool_on_disk_is_mapped_and_equal(tmp_path):
    labels = some_labels()
    pool = LabelPool.build((label[..., None] for label in labels), tmp_path / "pool.npy", 5)
    assert isinstance(pool._labels, np.memmap)
    assert len(pool) == len(labels)
    for number, label in enumerate(labels):
        np.testing.assert_array_equal(pool[number][..., 0], label)
    assert pool[0].dtype == np.int32
    assert pool.fingerprint == LabelPool(np.stack(labels).astype(np.uint8)).fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["pool.npy"]


def test_empty_labels_are_left_out_unless_wanted(tmp_path):
    labels = [np.zeros((32, 32)), lesion(), np.zeros((32, 32))]
    assert len(LabelPool.build(labels, tmp_path / "some.npy", 5)) == 1
    assert len(LabelPool.build(labels, tmp_path / "all.npy", 5, keep_empty=True)) == 3
    with pytest.raises(MedSynthError, match="at least one label"):
        LabelPool.build([labels[0]], tmp_path / "none.npy", 5)
    with pytest.raises(MedSynthError, match="a label that shows a lesion"):
        LabelPool.build([labels[0]], tmp_path / "none.npy", 5, keep_empty=True)
    held = LabelPool.open(tmp_path / "all.npy")
    assert held.lesions.tolist() == [1] and held.lesion_free == pytest.approx(2 / 3)
    assert not (tmp_path / "none.npy").exists()


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (np.full((32, 32), 5), "class codes 0 to 4"),
        (np.full((32, 32), 0.5), "whole class codes"),
        (np.full((32, 32), -1), "class codes"),
        (np.full((32, 32), np.nan), "whole class codes"),
        (np.ones((16, 32)), "one shape"),
        (np.ones((2, 32, 32)), r"\(H, W\)"),
    ],
)
def test_a_label_that_is_none_is_named_and_leaves_no_file(tmp_path, bad, rule):
    with pytest.raises(MedSynthError, match=rule):
        LabelPool.build([lesion(), bad], tmp_path / "pool.npy", 5)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_pool_is_named(tmp_path):
    (tmp_path / "pool.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(MedSynthError, match=r"whole \.npy.*pool\.npy"):
        LabelPool.open(tmp_path / "pool.npy")
