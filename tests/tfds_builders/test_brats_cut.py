"""A patient that was cut ahead gives the examples that it gives at once."""

import numpy as np
import pytest

from tests.patients import write_patient
from tf_medsynth.cohorts.comparison import Portrait
from tf_medsynth.cohorts.patient import examine, read_patient
from tf_medsynth.cohorts.survey import find_patients
from tf_medsynth.config.datasets import BratsSettings
from tf_medsynth.types import MedSynthError
from tfds_builders.brats.cut import cut_examples, cut_patient, cut_portrait
from tfds_builders.brats.examples import patient_examples


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
    assert list(found) == list(expected)
    for key, example in expected.items():
        assert found[key].keys() == example.keys()
        for name, value in example.items():
            np.testing.assert_array_equal(found[key][name], value)


def test_what_was_seen_of_a_patient_comes_back_whole(files, tmp_path):
    cut_patient(tmp_path, BratsSettings(size=(16, 16)), files)
    seen = examine(files)
    portrait, findings, reading = cut_portrait(tmp_path, files)
    assert (findings, reading) == (seen.findings, seen.reading)
    expected = Portrait.of(seen)
    assert (portrait.files, portrait.digests) == (files, expected.digests)
    assert str(portrait.anatomy) == str(expected.anatomy)  # NaN is not equal to itself
    np.testing.assert_array_equal(portrait.thumbnail, expected.thumbnail)
    assert portrait.facts["intensities"] == expected.facts["intensities"]


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
