"""Persons: several scans of one are told by their names, and land in one split."""

import pytest

from tf_medsynth.config.persons import split_group, split_of
from tf_medsynth.types import MedSynthError

SAME = [
    ("Brats17_TCIA_105_1", "brats_tcia_pat105_0001"),
    ("Brats17_CBICA_AXN_1", "Brats18_CBICA_AXN_1"),
    ("Brats18_TCIA01_131_1", "Brats17_TCIA_131_1"),
    ("BraTS-GLI-00000-000", "BraTS-GLI-00000-001"),
    ("BraTS-GLI-90001-000", "BraTS-GLI-90001-101"),
    ("BraTS-MET-90001-000", "BraTS-MET-90001-001"),
    ("BraTS-SSA-90001-000", "BraTS-SSA-90001-001"),
    ("UPENN-GBM-90001_11", "UPENN-GBM-90001_21"),
    ("UCSF-PDGM-9391", "UCSF-PDGM-9391_FU016d"),
    ("UCSF-PDGM-0004_nifti", "UCSF-PDGM-0004"),
    ("UCSD-PTGBM-9001_01", "UCSD-PTGBM-9001_02"),
    ("Patient-901_week-000-1", "Patient-901_week-044"),
    ("sub-901_ses-01", "sub-901_ses-02"),
    ("sub-901", "sub-901_ses-02"),
    ("sub-901_run-1", "sub-901_ses-02_acq-ax_run-2"),
    ("TCGA-02-9006_1996.08.23", "TCGA-02-9006_1997.01.05"),
    ("YG_9ABC_2015-01-02", "YG_9ABC_2016-03-04"),
]
APART = [
    "BraTS20_Training_001",
    "BraTS20_Training_002",
    "BraTS2021_00001",
    "Brats18_2013_21_1",
    "UPENN-GBM-00001_11",
    "UPENN-GBM-00002_11",
    "UCSF-PDGM-00001",
    "sub-001_ses-01",
    "sub-002_ses-01",
    "TCGA-02-0006",
    "TCGA-06-0006",
    "p_1",
    "p_2",
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_scans_of_one_person_share_a_group_and_a_split(one, other):
    assert split_group(one) == split_group(other)
    assert all(split_of(one, seed, 0.5) == split_of(other, seed, 0.5) for seed in range(40))


def test_names_that_only_look_alike_are_several_persons():
    assert len({split_group(name) for name in APART}) == len(APART)


def test_aliases_declare_persons_and_join_what_they_share():
    aliases = ("BraTS20_Training_001=Brats17_CBICA_AAB_1", "BraTS2021_00001=BraTS20_Training_001")
    group = split_group("BraTS2021_00001", aliases)
    assert group == split_group("Brats18_CBICA_AAB_1", aliases) != split_group("p_1", aliases)
    with pytest.raises(MedSynthError, match="names one person twice"):
        split_group("p_1", ("p_1",))


def test_a_pattern_of_one_s_own_goes_first():
    pattern = r"(P\d+)_.*"
    assert split_group("P01_visit1", person=pattern) == split_group("p01_visit2", person=pattern) == "p01"
    assert split_group("Q1", person=pattern) == "q1"
    assert split_group("Fall-0007_a", person=r"(\d+)") == split_group("Fall-0007_b", person=r"\d+") == "0007"
    assert split_group("Fall-a", person=r"(\d*)") == "fall-a"
    assert split_group("site7-pat3-v2", person=r"(site\d+)-(pat\d+)") == "site7_pat3"
    assert split_group("P01_b", ("P02_a=P01_a",), pattern) == split_group("P02_c", ("P02_a=P01_a",), pattern)
    with pytest.raises(MedSynthError, match="regular expression"):
        split_group("p", person="(")


def test_splits_hold_their_shares_and_validation_takes_from_train_only():
    names = [f"patient_{number}" for number in range(2000)]
    plain = [split_of(name, 7, 0.2) for name in names]
    assert 0.17 < plain.count("test") / len(names) < 0.23
    wider = [split_of(name, 7, 0.2, 0.3) for name in names]
    assert 0.26 < wider.count("validation") / len(names) < 0.34
    assert all((a == "test") == (b == "test") for a, b in zip(plain, wider, strict=True))
    assert plain != [split_of(name, 8, 0.2) for name in names]


def test_folds_of_one_seed_test_on_each_person_once():
    names = [f"BraTS2021_{n:05d}" for n in range(200)]
    tested = [{n for n in names if split_of(n, 7, 0.25, test_fold=fold) == "test"} for fold in range(4)]
    assert all(tested) and sum(map(len, tested)) == len(set().union(*tested)) == len(names)
    assert tested[0] == {n for n in names if split_of(n, 7, 0.25) == "test"}
    validated = {n for n in names if split_of(n, 7, 0.25, 0.25, test_fold=3) == "validation"}
    assert validated == tested[0]
