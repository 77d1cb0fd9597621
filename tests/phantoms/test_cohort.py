"""The cohort in files: layout, names, resumption, mistakes."""

import json

import numpy as np
import pytest

from tf_medsynth.cohorts.survey import find_patients
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.imaging.volumes import read_volume
from tf_medsynth.phantoms import phantom
from tf_medsynth.types import MedSynthError

SIZE = 32


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantom") / "cohort"
    return out, phantom(patients=2, size=SIZE, seed=1, out=out)


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.mha"))}


def test_the_real_reader_finds_whole_patients(cohort):
    out, folders = cohort
    found = find_patients(out)
    assert [patient.name for patient in found] == sorted(folder.name for folder in folders)
    for patient in found:
        assert patient.layout == "brats2015"
        assert tuple(sorted(patient.images)) == tuple(sorted(BRAIN_MRI.modalities))
        assert patient.label is not None


def test_geometry_is_that_of_brats_at_a_larger_voxel(cohort):
    patient = find_patients(cohort[0])[0]
    headers = [read_volume(path).header for path in (*patient.images.values(), patient.label)]
    for header in headers:
        assert header.shape == (round(SIZE * 155 / 240), SIZE, SIZE)
        assert header.spacing == pytest.approx((7.5, 7.5, 7.5))
        # the outer corner of the first voxel is that of a 1 mm BraTS volume
        assert np.subtract(header.origin, 7.5 / 2) == pytest.approx((-0.5, -239.5, -0.5))
    assert headers[0].dtype == "int16"


def test_patients_do_not_depend_on_how_many_they_are(cohort, tmp_path):
    alone = phantom(patients=1, size=SIZE, seed=1, out=tmp_path)
    assert alone[0].name == cohort[1][0].name
    assert content(alone[0]) == content(cohort[1][0])
    assert content(cohort[1][0]) != content(cohort[1][1])


def test_what_is_there_is_kept(cohort):
    out, folders = cohort
    before = [path.stat().st_mtime_ns for path in sorted(folders[0].rglob("*"))]
    assert phantom(patients=1, size=SIZE, seed=1, out=out) == folders[:1]
    assert [path.stat().st_mtime_ns for path in sorted(folders[0].rglob("*"))] == before


@pytest.mark.parametrize("changed", [{"seed": 2}, {"size": 40}])
def test_another_cohort_is_not_mixed_in(cohort, changed):
    with pytest.raises(MedSynthError, match="must not hold another cohort"):
        phantom(**{"patients": 1, "size": SIZE, "seed": 1, "out": cohort[0], **changed})


def test_parameters_are_hidden_from_readers(cohort):
    for folder in cohort[1]:
        visible = [path.name for path in folder.rglob("*") if path.is_file() and path.name[0] != "."]
        assert all(name.endswith(".mha") for name in visible)
        assert json.loads((folder / ".phantom.json").read_text())["seed"] == 1


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"patients": 0}, "patients must be positive"),
        ({"size": 31}, r"size lies in 32 \.\. 10000"),
        ({"seed": -1}, "not be negative"),
        ({"size": 6000}, "must fit into memory"),
        ({"patients": 10**9}, "disk must have room"),
    ],
)
def test_bad_requests_stop_before_any_work(tmp_path, changed, rule):
    with pytest.raises(MedSynthError, match=rule):
        phantom(**{"patients": 1, "size": SIZE, "seed": 0, "out": tmp_path / "out", **changed})
    assert not list(tmp_path.rglob("*.mha"))


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MedSynthError, match="can be written to"):
        phantom(patients=1, size=SIZE, seed=0, out=tmp_path / "file" / "out")


def test_a_failed_patient_leaves_nothing(tmp_path):
    for grade in ("HGG", "LGG"):
        (tmp_path / grade).write_text("in the way")
    with pytest.raises(MedSynthError, match="must be written whole"):
        phantom(patients=1, size=SIZE, seed=0, out=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["HGG", "LGG"]
