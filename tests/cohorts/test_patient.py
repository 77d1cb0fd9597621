"""One patient read: one orientation, the right reading of every file and code, or one line that helps."""

import dataclasses

import nibabel
import numpy as np
import pytest

from tests.patients import KINDS, paths, rewrite, volumes, write_patient
from tf_medsynth.cohorts.patient import examine, read_patient
from tf_medsynth.cohorts.survey import find_patients
from tf_medsynth.config.cohorts import CohortSettings, settings_of
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.imaging.orientation import reoriented
from tf_medsynth.imaging.volumes import read_volume, write_volume
from tf_medsynth.types import MedSynthError

NAME = "BraTS2021_00001"
LARGE = (30, 64, 64)


def seen_lesion(arrays):
    """A lesion that every image shows, as a label's place can be told by such only."""
    for kind in ("T1", "T2", "T1c", "Flair"):
        arrays[kind] = np.where(arrays["label"] > 0, arrays[kind] // 4 + 2000, arrays[kind]).astype(np.int16)


def patient(folder, settings=None):
    (files,) = find_patients(folder, settings)
    return files


def codes_of(folder, settings=None):
    return {finding.code for finding in examine(patient(folder, settings), settings).findings}


def equal(one, other):
    for a, b in zip((*one.images, one.label), (*other.images, other.label), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("axes", ["RAS", "LAS", "PIR", "SRA", "ILP"])
def test_a_patient_is_the_same_in_whatever_orientation_it_is_stored(tmp_path, axes):
    files = write_patient(tmp_path / "lps", shape=LARGE)
    for kind, path in write_patient(tmp_path / "other", shape=LARGE).items():
        write_volume(reoriented(read_volume(files[kind]), axes), path)
    plain, turned = read_patient(patient(tmp_path / "lps")), examine(patient(tmp_path / "other"))
    equal(plain, turned.volumes)
    np.testing.assert_allclose(turned.volumes.header.origin, plain.header.origin)
    assert turned.reading.to_dict() == {"axes": axes}
    (finding,) = [f for f in turned.findings if f.code == "turned"]
    assert axes in finding.message
    equal(plain, read_patient(patient(tmp_path / "other"), reading=turned.reading))


def test_one_file_stored_mirrored_with_a_true_header_is_turned(tmp_path):
    write_patient(tmp_path / "ref", shape=LARGE)
    files = write_patient(tmp_path / "in", shape=LARGE)
    write_volume(reoriented(read_volume(files["T2"]), "RPS"), files["T2"])
    equal(read_patient(patient(tmp_path / "in")), read_patient(patient(tmp_path / "ref")))
    (finding,) = [f for f in examine(patient(tmp_path / "in")).findings if f.code == "turned"]
    assert finding.file == files["T2"].name and "RPS" in finding.message


def test_voxels_that_are_mirrored_under_an_equal_header_are_refused(tmp_path):
    files = write_patient(tmp_path, shape=LARGE)
    rewrite(files["T2"], read_volume(files["T2"]).array[:, :, ::-1])
    with pytest.raises(MedSynthError, match=rf"{NAME}: {NAME}_t2.*left-right mirrored against T1"):
        read_patient(patient(tmp_path))


def test_a_wrong_header_is_told_from_wrong_voxels_by_what_the_images_show(tmp_path):
    reference = write_patient(tmp_path / "ref", shape=LARGE, edit=seen_lesion)
    plain = read_patient(patient(tmp_path / "ref"))
    lost = write_patient(tmp_path / "lost", shape=LARGE, edit=seen_lesion)
    rewrite(lost["T2"], origin=(3.0, -236.0, 2.0))
    rewrite(lost["label"], origin=(9.0, -233.0, 3.0))
    honest = write_patient(tmp_path / "honest", shape=LARGE, edit=seen_lesion)
    for kind, steps in (("T2", (2, 3, 3)), ("label", (3, 6, 9))):
        moved = np.roll(read_volume(reference[kind]).array, [-s for s in steps], axis=(0, 1, 2))
        z, y, x = steps
        rewrite(honest[kind], moved, origin=(x, -239.0 + y, z))
    for folder, how, word in (("lost", "voxels", "voxels align"), ("honest", "header", "header is believed")):
        found = examine(patient(tmp_path / folder))
        assert found.reading.places == {"T1": "same", "T2": how, "T1c": "same", "Flair": "same", "label": how}
        told = {f.code: f.message for f in found.findings if "place" in f.code}
        assert set(told) == {"place", "label_place"} and all(word in text for text in told.values())
        equal(found.volumes, plain)
        equal(read_patient(patient(tmp_path / folder), reading=found.reading), plain)


def test_a_wrong_header_of_t1_turns_nobody_else(tmp_path):
    write_patient(tmp_path / "ref", shape=LARGE, edit=seen_lesion)
    files = write_patient(tmp_path / "in", shape=LARGE, edit=seen_lesion)
    ras = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
    rewrite(files["T1"], direction=ras)  # but is LPS
    found = examine(patient(tmp_path / "in"))
    assert (found.reading.frame, found.reading.axes, found.reading.places["T1"]) == ("T2", "LPS", "voxels")
    equal(found.volumes, read_patient(patient(tmp_path / "ref")))
    equal(read_patient(patient(tmp_path / "in"), reading=found.reading), found.volumes)


def test_a_header_whose_place_needs_resampling_is_followed_by_no_voxels(tmp_path):
    """A raw series of the same size elsewhere: neither its voxels nor a shift put it right."""
    files = write_patient(tmp_path, shape=LARGE)
    moved = np.roll(read_volume(files["T2"]).array, (0, 4, 4), axis=(0, 1, 2))
    rewrite(files["T2"], moved, spacing=(1.0, 1.1, 1.1), origin=(-4.0, -243.0, 0.0))
    with pytest.raises(
        MedSynthError, match=rf"{NAME}_t2.*another grid than T1.*spacing.*Resample it onto T1"
    ):
        read_patient(patient(tmp_path))
    rewrite(files["T2"], np.roll(moved, (0, -4, -4), axis=(0, 1, 2)))  # the header alone is wrong
    assert examine(patient(tmp_path)).reading.places["T2"] == "voxels"
    rewrite(files["T2"], spacing=(1.0, 1.0, 1.0), origin=(0.4, -239.0, 0.0))
    assert examine(patient(tmp_path)).reading.places["T2"] == "voxels"  # less than half a voxel away
    true = np.roll(read_volume(files["T2"]).array, (0, 0, -3), axis=(0, 1, 2))
    rewrite(files["T2"], true, origin=(3.4, -239.0, 0.0))
    with pytest.raises(MedSynthError, match=r"by its header \d.*no shift by whole voxels"):
        read_patient(patient(tmp_path))


@pytest.mark.parametrize("affine", [None, np.eye(4)], ids=["none", "identity"])
def test_a_label_without_a_header_is_read_by_its_voxels(tmp_path, affine):
    write_patient(tmp_path / "ref", shape=LARGE, edit=seen_lesion)
    files = write_patient(tmp_path / "in", shape=LARGE, edit=seen_lesion)
    array = read_volume(files["label"]).array
    nibabel.save(nibabel.Nifti1Image(array.T, affine), files["label"])
    found = examine(patient(tmp_path / "in"))
    equal(found.volumes, read_patient(patient(tmp_path / "ref")))
    assert found.reading.places["label"] == "voxels"


def test_what_lies_nowhere_near_the_patient_is_refused(tmp_path):
    files = write_patient(tmp_path)
    rewrite(files["label"], origin=(0.0, 0.0, 0.0))
    assert examine(patient(tmp_path)).reading.places["label"] == "voxels"  # the header's place is outside
    array = np.zeros_like(read_volume(files["label"]).array)
    array[:2, :3, :3] = 2
    rewrite(files["label"], array)
    with pytest.raises(MedSynthError, match=r"no reading puts it where the patient is.*another patient's"):
        read_patient(patient(tmp_path))


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("T2", lambda a: np.where(a == a.max(), np.nan, a.astype(np.float32)), "_t2.*NaN or infinite"),
        ("Flair", np.zeros_like, "_flair.*0 everywhere"),
        ("T1", lambda a: np.minimum(-a, 0), "_t1.*no value above 0"),
        (
            "T1",
            lambda a: (a - a[a > 0].mean() * (a > 0)).astype(np.float32),
            "_t1.*negative.*before normalising",
        ),
        ("Flair", lambda a: a[1:], "_flair.*another grid than T1.*shape.*Resample"),
        ("label", lambda a: np.where(a == 2, 7, a), r"_seg.*codes \[7\].*unknown.*codes=STUDY"),
        ("label", lambda a: np.where(a == 4, 3, a), r"_seg.*codes \[3\].*enhancing tumour from 2023"),
        ("label", lambda a: a * 0.5, "_seg.*whole numbers"),
        ("label", lambda a: a[:, 1:], "_seg.*another grid than the images.*another patient"),
        ("label", lambda a: np.roll(a, 12, axis=2), "_seg.*where every image is 0.*another patient"),
    ],
)
def test_what_breaks_a_rule_is_named_with_patient_and_file(tmp_path, kind, change, message):
    def edit(arrays):
        arrays[kind] = change(arrays[kind])

    write_patient(tmp_path, edit=edit)
    with pytest.raises(MedSynthError, match=f"^Patient {NAME}: {NAME}{message}") as caught:
        read_patient(patient(tmp_path))
    assert "\n" not in str(caught.value)


def test_axes_that_are_no_three_are_refused_by_file_and_ones_are_dropped(tmp_path):
    files = write_patient(tmp_path)
    plain = read_patient(patient(tmp_path))
    for kind in ("T2", "label"):
        image = nibabel.load(files[kind])
        nibabel.save(nibabel.Nifti1Image(np.asanyarray(image.dataobj)[..., None], image.affine), files[kind])
    equal(read_patient(patient(tmp_path)), plain)
    array = np.asanyarray(nibabel.load(files["T2"]).dataobj)
    for wrong, word in (
        (np.concatenate([array] * 2, -1), "dataset.json"),
        (array[:, :, 0, 0], "Stack the slices"),
    ):
        nibabel.save(nibabel.Nifti1Image(wrong, np.eye(4)), files["T2"])
        with pytest.raises(MedSynthError, match=rf"^Patient {NAME}: a volume has three axes.*_t2.*{word}"):
            read_patient(patient(tmp_path))


def test_a_volume_of_a_file_with_four_axes_is_a_modality(tmp_path):
    arrays = volumes(shape=LARGE)
    (tmp_path / "imagesTr").mkdir()
    (tmp_path / "labelsTr").mkdir()
    stacked = np.stack([arrays[kind].T for kind in ("Flair", "T1", "T1c", "T2")], -1)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(stacked, lps), tmp_path / "imagesTr" / "P1.nii.gz")
    nibabel.save(nibabel.Nifti1Image(arrays["label"].T, lps), tmp_path / "labelsTr" / "P1.nii.gz")
    layout = tmp_path / "own.toml"
    names = {"T1": 1, "T2": 3, "T1c": 2, "Flair": 0}
    rows = "\n".join(f'{kind} = "imagesTr/{{patient}}#{n}"' for kind, n in names.items())
    layout.write_text(f'[files]\n{rows}\nlabel = "labelsTr/{{patient}}"\n[codes]\n1 = 1\n2 = 2\n4 = 4\n')
    settings = settings_of(CohortSettings(), {"layout": layout})
    found = read_patient(patient(tmp_path, settings), settings)
    for modality, image in zip(BRAIN_MRI.modalities, found.images, strict=True):
        np.testing.assert_array_equal(image, arrays[modality])


def test_scaled_values_are_kept_in_the_record(tmp_path):
    def edit(arrays):
        arrays["T1"] = arrays["T1"] * np.float32(0.37)
        arrays["T2"] = arrays["T2"].astype(np.uint16) * 30

    write_patient(tmp_path, edit=edit)
    found = examine(patient(tmp_path))
    assert set(found.reading.to_dict()["scales"]) == {"T1", "T2"}
    for index, kind in ((0, "T1"), (1, "T2")):
        scale = found.reading.scales[kind]
        source = read_volume(patient(tmp_path).images[kind]).array
        assert np.abs(found.volumes.images[index] / scale - source).max() <= 0.5 / scale + 1e-3
    equal(read_patient(patient(tmp_path), reading=found.reading), found.volumes)


def test_one_scan_for_two_modalities_is_refused_unless_asked_for(tmp_path):
    def edit(arrays):
        arrays["T1c"] = arrays["T1"].copy()

    write_patient(tmp_path, edit=edit)
    with pytest.raises(MedSynthError, match=r"T1 and T1c hold the same image.*copied_modalities=true"):
        read_patient(patient(tmp_path))
    assert read_patient(patient(tmp_path), CohortSettings(copied_modalities=True)).images[2].any()


def test_a_patient_without_a_label_is_refused_unless_asked_for(tmp_path):
    write_patient(tmp_path)["label"].unlink()
    with pytest.raises(
        MedSynthError, match=rf"{NAME}: there is no lesion label.*leave-out.*unlabelled=split"
    ):
        read_patient(patient(tmp_path))
    found = read_patient(patient(tmp_path), CohortSettings(unlabelled="split"))
    assert not found.label.any()


def test_codes_are_the_layout_s_or_those_that_are_given(tmp_path):
    def edit(arrays):
        arrays["label"] = np.choose(arrays["label"], [0, 3, 1, 0, 2]).astype(np.uint8)

    write_patient(tmp_path, edit=edit)
    given = settings_of(CohortSettings(), {"codes": "1=oedema,2=enhancing,3=necrosis"})
    np.testing.assert_array_equal(read_patient(patient(tmp_path, given), given).label, volumes()["label"])


def test_a_header_that_names_no_place_is_taken_as_it_lies(tmp_path):
    files = write_patient(tmp_path)
    plain = read_patient(patient(tmp_path))
    for path in files.values():
        image = nibabel.load(path)
        image.set_sform(image.affine, 0)
        image.set_qform(image.affine, 0)
        image = nibabel.Nifti1Image(np.asanyarray(image.dataobj), None, image.header)
        nibabel.save(image, path.with_name("new.nii.gz"))
        path.with_name("new.nii.gz").replace(path)
    found = examine(patient(tmp_path))
    assert "unplaced" in {finding.code for finding in found.findings}
    equal(found.volumes, plain)
    assert dataclasses.asdict(found.reading)["places"]["label"] == "same"
    assert set(paths(tmp_path, NAME)) == set(KINDS) and codes_of(tmp_path)
