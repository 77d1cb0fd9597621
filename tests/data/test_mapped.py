"""Rows of batches as arrays: what stands in files, what does not, and what goes with them."""

import os
import tempfile

import numpy as np
import pytest

from tf_medsynth.data.mapped import mapped_array, stacked
from tf_medsynth.types import MedSynthError


def test_rows_come_back_in_order_whatever_the_batches():
    random = np.random.default_rng(0)
    images, names = random.random((7, 3, 2), np.float32), np.array([f"n{10**k}" for k in range(7)])
    batches = [
        {"images": images[a:b], "name": names[a:b], "few": images[a:b][:1] > 0.5} for a, b in ((0, 4), (4, 7))
    ]
    found = stacked(batches)
    np.testing.assert_array_equal(found["images"], images)
    assert found["name"].tolist() == names.tolist()
    np.testing.assert_array_equal(found["few"], images[[0, 4]] > 0.5)
    assert isinstance(found["images"], np.memmap) and not isinstance(found["name"], np.memmap)


def test_no_row_of_some_name_is_an_empty_array():
    found = stacked([{"images": np.ones((2, 3), np.int8), "crops": np.empty((0, 5, 5), np.int8)}])
    assert found["crops"].shape == (0, 5, 5) and found["crops"].dtype == np.int8


def test_files_have_no_name_and_go_with_their_arrays(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def mapped() -> int:
        with open("/proc/self/maps") as maps:
            return sum(str(tmp_path) in line for line in maps)

    found = stacked([{"images": np.ones((2, 3))}])
    assert not os.listdir(tmp_path) and mapped() == 1
    del found
    assert mapped() == 0


def test_rows_that_differ_are_refused():
    with pytest.raises(MedSynthError, match="one type and shape"):
        stacked([{"images": np.ones((2, 3))}, {"images": np.ones((2, 4))}])
    with pytest.raises(MedSynthError, match="something to stack"):
        stacked([])


def test_a_mapped_file_has_its_room_before_it_is_written(tmp_path, small_files):
    made = mapped_array(tmp_path / "a.npy", np.int8, (300, 40, 30))
    made[299, 39] = 7
    del made
    file = tmp_path / "a.npy"
    assert file.stat().st_blocks * 512 >= file.stat().st_size >= 300 * 40 * 30
    held = np.load(file)
    assert held.sum() == 7 * 30 and held.dtype == np.int8
    with small_files(10_000), pytest.raises(OSError, match="File too large"):
        mapped_array(tmp_path / "b.npy", np.int8, (300, 40, 30))
