"""Splits of a cohort: a person stays whole, and stays where it is."""

import pytest

from tests.cohorts import write_patient
from tf_medsynth.config.datasets import BratsSettings
from tf_medsynth.types import MedSynthError
from tfds_builders.brats.cohort import check_disjoint, read_cohort

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
