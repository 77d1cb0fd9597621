"""Splits of a cohort: a person stays whole, and stays where it is."""

import pytest

from tests.patients import write_patient
from tf_medsynth.config.datasets import BratsSettings
from tf_medsynth.types import MedSynthError
from tfds_builders.brats.cohort import check_disjoint, check_voxels, read_cohort

ALL_TRAIN = BratsSettings(size=(24, 24), row_range=(0, 240), column_range=(0, 240), test_fraction=0.0)


def test_a_person_is_in_one_split_and_the_builder_refuses_otherwise(tmp_path):
    for year in (17, 18, 19):
        for number in range(8):
            write_patient(tmp_path, name=f"Brats{year}_CBICA_A{'BCDEFGHI'[number]}_1", shape=(4, 6, 6))
    settings = ALL_TRAIN.override({"test_fraction": 0.3, "validation_fraction": 0.3})
    splits = read_cohort(tmp_path, settings, "1.0.0").splits
    groups = [{patient.group for patient in members} for members in splits.values()]
    assert list(splits) == ["train", "validation", "test"]
    assert len(groups[0] | groups[1] | groups[2]) == sum(map(len, groups)) == 8
    with pytest.raises(MedSynthError, match="in one split only"):
        check_disjoint({"train": splits["train"], "test": splits["train"][:1]})
    with pytest.raises(MedSynthError, match="split test needs a patient"):
        read_cohort(tmp_path, settings.override({"test_fraction": 1e-9}), "1.0.0")


def test_adding_patients_moves_none(tmp_path):
    settings = ALL_TRAIN.override({"test_fraction": 0.4})
    places = []
    for names in (range(12), range(24)):
        for number in names:
            write_patient(tmp_path, name=f"BraTS2021_{number:05d}", shape=(4, 6, 6))
        cohort = read_cohort(tmp_path, settings, "1.0.0")
        places.append({p.name: split for split, members in cohort.splits.items() for p in members})
    assert places[0].items() <= places[1].items()
    assert places[0] != places[1]


def test_the_fingerprint_follows_settings_and_contents_but_not_the_folder(tmp_path):
    write_patient(tmp_path / "a")
    write_patient(tmp_path / "b")
    first = read_cohort(tmp_path / "a", ALL_TRAIN, "1.0.0").fingerprint
    assert first == read_cohort(tmp_path / "b", ALL_TRAIN, "1.0.0").fingerprint
    other = ALL_TRAIN.override({"size": (12, 12)})
    assert first != read_cohort(tmp_path / "a", other, "1.0.0").fingerprint
    write_patient(tmp_path / "b", seed=5)
    assert first != read_cohort(tmp_path / "b", ALL_TRAIN, "1.0.0").fingerprint


def test_given_splits_go_before_the_hash_and_are_checked(tmp_path):
    for number in (1, 2, 3):
        write_patient(tmp_path, name=f"BraTS2021_{number:05d}", shape=(4, 6, 6))
    given = ("BraTS2021_00001=test", "BraTS2021_00002=train", "BraTS2021_00003=validation")
    splits = read_cohort(tmp_path, ALL_TRAIN.override({"splits": given}), "1.0.0").splits
    assert {name: [p.name[-1] for p in members] for name, members in splits.items()} == {
        "train": ["2"],
        "validation": ["3"],
        "test": ["1"],
    }
    for wrong, message in (
        (given[:2], "name every patient.*BraTS2021_00003"),
        ((*given, "BraTS2021_00009=train"), "name patients of the folder.*BraTS2021_00009"),
        ((*given, "BraTS2021_00001=train"), "a patient is in one split only.*BraTS2021_00001"),
    ):
        with pytest.raises(MedSynthError, match=message):
            read_cohort(tmp_path, ALL_TRAIN.override({"splits": wrong}), "1.0.0")
    aliased = {"splits": given, "aliases": ("BraTS2021_00001=BraTS2021_00002",)}
    with pytest.raises(MedSynthError, match="a person is in one split only"):
        read_cohort(tmp_path, ALL_TRAIN.override(aliased), "1.0.0")


def test_patients_without_a_label_have_a_split_of_their_own(tmp_path):
    write_patient(tmp_path, name="BraTS2021_00001", shape=(4, 6, 6))
    write_patient(tmp_path, name="BraTS2021_00002", shape=(4, 6, 6))["label"].unlink()
    settings = ALL_TRAIN.override({"unlabelled": "split"})
    splits = read_cohort(tmp_path, settings, "1.0.0").splits
    assert {name: [p.name[-1] for p in members] for name, members in splits.items()} == {
        "train": ["1"],
        "unlabelled": ["2"],
    }
    tested = {"splits": ("BraTS2021_00001=test",), "aliases": ("BraTS2021_00001=BraTS2021_00002",)}
    with pytest.raises(MedSynthError, match=r"a person is in one split only.*--leave-out BraTS2021_00002"):
        read_cohort(tmp_path, settings.override(tested), "1.0.0")


def test_one_scan_under_two_names_is_not_parted(tmp_path):
    for name in ("a", "b"):
        write_patient(tmp_path, name=name)
    parted = ALL_TRAIN.override({"splits": ("a=train", "b=test")})
    with pytest.raises(MedSynthError, match=r"a scan is in one split only.*aliases=a=b"):
        check_voxels(read_cohort(tmp_path, parted, "1.0.0"))
    together = check_voxels(read_cohort(tmp_path, ALL_TRAIN, "1.0.0"))
    assert any("a and b hold the same voxels" in remark for remark in together.remarks)


def test_what_the_doctor_warns_of_is_repeated_and_many_of_a_kind_are_one_line(tmp_path):
    def odd(arrays):
        arrays["label"] = arrays["label"].astype("float32")

    for number in range(5):
        write_patient(tmp_path, name=f"p{number}", seed=number, edit=odd)
    remarks = check_voxels(read_cohort(tmp_path, ALL_TRAIN, "1.0.0")).remarks
    (tmp_path / "notes.dcm").write_bytes(b"")
    assert any(
        "DICOM" in remark for remark in check_voxels(read_cohort(tmp_path, ALL_TRAIN, "1.0.0")).remarks
    )
    (line,) = [remark for remark in remarks if "label_dtype" in remark]
    assert line.startswith("5 patients: label_dtype, e.g. p0: p0_seg.nii.gz: the label is stored as float32")


def test_labels_that_are_a_mask_are_refused_together(tmp_path):
    def mask(arrays):
        arrays["label"] = (arrays["label"] > 0).astype("uint8")

    for number in range(2):
        write_patient(tmp_path, name=f"p{number}", seed=number, edit=mask)
    with pytest.raises(
        MedSynthError, match=r"all labels of brats2021 \(2\) hold the one code 1.*codes=1=oedema"
    ):
        check_voxels(read_cohort(tmp_path, ALL_TRAIN, "1.0.0"))


def test_without_a_size_another_grid_is_refused(tmp_path):
    write_patient(tmp_path)
    with pytest.raises(MedSynthError, match=r"240 x 240.*BraTS2021_00001.*slices_64"):
        check_voxels(read_cohort(tmp_path, BratsSettings(test_fraction=0.0), "1.0.0"))
