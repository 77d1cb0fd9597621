"""A patient that was cut ahead gives the examples that it gives at once."""

import numpy as np
import pytest

from tests.cohorts import write_patient
from tf_medsynth.config.datasets import BratsSettings
from tf_medsynth.config.layouts import find_patients
from tf_medsynth.types import MedSynthError
from tfds_builders.brats.cut import cut_examples, cut_patient, cut_remarks
from tfds_builders.brats.examples import patient_examples
from tfds_builders.brats.patient import read_patient


@pytest.fixture
def files(tmp_path):
    write_patient(tmp_path / "in", "BraTS2021_00001", seed=1)
    return find_patients(tmp_path / "in")[0]


@pytest.mark.parametrize("form", ["slices", "stacks", "volumes"])
def test_what_is_cut_is_read(files, tmp_path, form):
    settings = BratsSettings(form=form, size=(16, 16))
    cut_patient(tmp_path, settings, files)
    expected = dict(patient_examples(read_patient(files), settings))
    found = dict(cut_examples(tmp_path, files.name))
    assert list(found) == list(expected) and cut_remarks(tmp_path, files.name) == ()
    for key, example in expected.items():
        assert found[key].keys() == example.keys()
        for name, value in example.items():
            np.testing.assert_array_equal(found[key][name], value)


def test_a_patient_is_cut_once(files, tmp_path):
    settings = BratsSettings(size=(16, 16))
    cut_patient(tmp_path, settings, files)
    path = tmp_path / f"{files.name}.npz"
    before = path.read_bytes(), path.stat().st_mtime_ns
    cut_patient(tmp_path, settings, files)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_patient_without_slices_leaves_its_remarks_alone(files, tmp_path):
    cut_patient(tmp_path, BratsSettings(size=(16, 16), min_brain_fraction=0.99), files)
    assert list(cut_examples(tmp_path, files.name)) == []


def test_a_damaged_patient_leaves_nothing(files, tmp_path):
    files.label.write_bytes(files.label.read_bytes()[:50])
    with pytest.raises(MedSynthError, match="BraTS2021_00001"):
        cut_patient(tmp_path, BratsSettings(size=(16, 16)), files)
    assert not list(tmp_path.glob("*.npz"))
