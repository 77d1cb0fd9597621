"""Voxels of a modality: whole numbers stay, others are scaled by a kept factor, negative brains refused."""

import numpy as np
import pytest

from tf_medsynth.cohorts.values import as_int16, findings, scale_of


def brain(dtype=np.int16):
    array = np.zeros((16, 16, 16), dtype)
    array[2:14, 2:14, 2:14] = np.arange(1, 1729).reshape(12, 12, 12)
    return array


def codes(array, severity):
    return {f.code for f in findings("T1", array) if f.severity == severity}


def test_whole_numbers_of_sixteen_bits_are_kept_whatever_their_type():
    for dtype in (np.int16, np.int32, np.float32, np.float64, np.uint16):
        array = brain(dtype)
        assert scale_of(array) == 1.0 and not findings("T1", array)
        np.testing.assert_array_equal(as_int16(array, 1.0), brain())
    array = brain()
    assert as_int16(array, 1.0) is array


@pytest.mark.parametrize("factor", [0.37, 1.0173, 1000.3, 1e-4])
def test_other_numbers_are_scaled_to_the_full_range(factor):
    array = brain(np.float64) * factor
    scale = scale_of(array)
    stored = as_int16(array, scale)
    assert stored.max() == 32767 and stored.dtype == np.int16
    np.testing.assert_array_equal(stored > 0, array > 0)
    assert np.abs(stored / scale - array).max() <= 0.5 / scale
    assert codes(array, "warning") == {"scaled"} and not codes(array, "error")


def test_integers_beyond_sixteen_bits_are_scaled_and_one_hot_voxel_is_refused():
    array = brain(np.uint16) * 30
    assert codes(array, "warning") == {"scaled"} and as_int16(array, scale_of(array)).max() == 32767
    hot = brain(np.float32) * 10.5
    hot[3, 3, 3] = 1e7
    assert codes(hot, "error") == {"range"}


def test_a_z_scored_brain_is_refused_with_a_remedy_that_works():
    array = brain(np.float32)
    inside = array != 0
    array[inside] = (array[inside] - array[inside].mean()) / array[inside].std()
    (finding,) = [f for f in findings("T1", array) if f.severity == "error"]
    assert finding.code == "negative" and "50 %" in finding.message
    array[inside] -= array.min() - 1  # what the remedy says
    assert "v[v != 0] -= v.min() - 1" in finding.remedy
    assert codes(array, "error") == set() and (as_int16(array, scale_of(array))[inside] > 0).all()
    shifted = brain(np.int16) - np.int16(2000)
    assert codes(shifted, "error") == {"nothing_positive"}


def test_overshoot_of_interpolation_is_a_remark():
    array = brain()
    array[2, 2, 2] = -3
    assert codes(array, "warning") == {"negative"} and not codes(array, "error")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda a: np.where(a == 5, np.nan, a), "not_finite"),
        (lambda a: np.where(a == 5, np.inf, a), "not_finite"),
        (lambda a: np.full_like(a, 7), "constant"),
    ],
)
def test_what_is_no_image_is_refused(change, code):
    assert codes(change(brain(np.float32)), "error") == {code}


def test_what_surrounds_the_brain_and_a_flat_top_are_remarks():
    assert codes(brain() + np.int16(7), "warning") == {"background"}
    assert codes(np.minimum(brain(), 300), "warning") == {"clipped"}
