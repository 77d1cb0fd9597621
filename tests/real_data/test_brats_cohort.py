"""Fifteen real patients: the doctor names their known oddities, the builder stores their voxels."""

import nibabel
import numpy as np
import pytest

from tests.patients import paths
from tf_medsynth.cohorts.doctor import doctor
from tf_medsynth.cohorts.patient import read_patient
from tf_medsynth.cohorts.survey import find_patients
from tf_medsynth.config.datasets import brats_settings
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.imaging.volumes import Volume, read_header, read_volume, write_volume
from tfds_builders.brats.cohort import read_cohort
from tfds_builders.brats.examples import patient_examples


@pytest.fixture(scope="module")
def brats(real_data):
    return real_data / "brats"


@pytest.mark.slow
def test_the_doctor_names_every_known_oddity_and_calls_all_usable(brats):
    report = doctor(brats)
    assert report.exit_status == 1 and len(report.usable) == 15
    codes = {p.name: {f.code for f in p.findings} for p in report.patients}
    assert {"letter_case", "label_dtype", "label_year"} <= codes["BraTS-GLI-00000-000"]
    assert "class_absent" in codes["BraTS2021_01483"]
    (place,) = [f for p in report.patients for f in p.findings if "place" in f.code]  # of this one only
    assert place.file == "Brats17_TCIA_105_1_seg.nii.gz" and "header only, the voxels align" in place.message
    at_edge = {name for name, found in codes.items() if "brain_at_edge" in found}
    assert {"BraTS2021_00006", "Brats17_CBICA_AXN_1", "Brats17_TCIA_105_1"} <= at_edge
    assert 3 <= len(at_edge) <= 12
    between = {finding.code: finding.message for finding in report.cohort if "T1c" not in finding.message}
    assert {"mixed_layouts", "label_dtypes", "intensity_range"} == set(between)
    assert all(word in between["label_dtypes"] for word in ("uint8", "uint16", "int16", "float32"))
    assert any(f.message.startswith("T2 differs 27-fold") for f in report.cohort)
    silent = {
        "misaligned",
        "negative",
        "background",
        "turned",
        "not_stripped",
        "scaled",
        "label_anatomy",
        "mirrored",
    }
    assert not silent & set.union(*codes.values())


def test_the_splitter_keeps_twelve_to_train_and_the_trial_s_three_to_test(brats):
    splits = read_cohort(brats, brats_settings("slices_96"), "1.0.0").splits
    assert [p.name for p in splits["test"]] == ["BraTS2021_00495", "BraTS2021_01659", "Brats18_2013_21_1"]
    assert len(splits["train"]) == 12


@pytest.mark.parametrize("name", ["BraTS-GLI-00000-000", "Brats17_TCIA_105_1"])
def test_stored_slices_are_the_voxels_nibabel_reads(brats, name):
    (files,) = [patient for patient in find_patients(brats) if patient.name == name]
    examples = dict(patient_examples(read_patient(files), brats_settings("slices")))
    assert len(examples) == 55
    example = examples[f"{name}_080"]
    for index, modality in enumerate(BRAIN_MRI.modalities):
        image = nibabel.load(files.images[modality])
        expected = np.asarray(image.dataobj)[48:192, 38:222, 80].T
        np.testing.assert_array_equal(example["images"][..., index], expected)
        x, y, z = image.affine[:3] @ (48, 38, 80, 1)
        np.testing.assert_allclose(example["origin"], (-x, -y, z), atol=1e-4)
    label = np.asarray(nibabel.load(files.label).dataobj)[48:192, 38:222, 80].T
    enhancing = 3 if name.startswith("BraTS-GLI") else 4
    np.testing.assert_array_equal(example["lesion_label"][..., 0] == 4, label == enhancing)
    np.testing.assert_array_equal(example["lesion_label"][..., 0] == 2, label == 2)


@pytest.mark.slow
def test_a_patient_rewritten_as_brats2015_reads_the_same(brats, tmp_path):
    (files,) = [p for p in find_patients(brats) if p.name == "Brats18_2013_21_1"]
    targets = paths(tmp_path, "brats_2013_pat0021_1", "brats2015")
    for kind, path in {**files.images, "label": files.label}.items():
        volume = read_volume(path)
        targets[kind].parent.mkdir(parents=True)
        write_volume(Volume(volume.array, volume.spacing, volume.origin, volume.direction), targets[kind])
    (again,) = find_patients(tmp_path)
    assert (again.layout, again.group) == ("brats2015", files.group)
    assert read_header(again.images["T1"]) == read_header(files.images["T1"])
    a, b = read_patient(files), read_patient(again)
    for one, other in zip((*a.images, a.label), (*b.images, b.label), strict=True):
        np.testing.assert_array_equal(one, other)
