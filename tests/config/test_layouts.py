"""Published layouts: every year's names are found, what is wrong is named, splits keep persons whole."""

from pathlib import Path

import pytest

from tf_medsynth.config.layouts import LAYOUTS, find_patients, split_group, split_of, survey
from tf_medsynth.types import LESION_CLASSES, MODALITIES, MedSynthError

SUFFIXES = {
    "medsynth": ("medsynth_0_00000003", "_t1 _t2 _t1ce _flair _seg", ".nii.gz"),
    "brats2017": ("Brats17_CBICA_AXN_1", "_t1 _t2 _t1ce _flair _seg", ".nii.gz"),
    "brats2018": ("Brats18_2013_21_1", "_T1 _T2 _T1CE _FLAIR _SEG", ".nii.gz"),
    "brats2019": ("BraTS19_TMC_06290_1", "_t1 _t2 _t1ce _flair _seg", ".nii"),
    "brats2020": ("BraTS20_Training_001", "_t1 _t2 _t1ce _flair _seg", ".NII"),
    "brats2021": ("BraTS2021_00495", "_t1 _t2 _t1ce _flair _seg", ".nii.gz"),
    "brats2023": ("BraTS-GLI-00000-000", "-t1n -t2W -t1c -t2f -seg", ".nii.gz"),
}


def _touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def _patient(root: Path, layout: str, folder: str = "") -> Path:
    """A patient of empty files as that year publishes it."""
    if layout == "brats2015":
        home = root / (folder or "HGG") / "brats_2013_pat0001_1"
        for number, kind in enumerate(("MR_T1", "MR_T2", "MR_T1c", "MR_Flair")):
            stem = f"VSD.Brain.XX.O.{kind}.5451{number}"
            _touch(home / stem / f"{stem}.mha")
        _touch(home / "VSD.Brain_3more.XX.O.OT.54517" / "VSD.Brain_3more.XX.O.OT.54517.mha")
        return home
    name, suffixes, ending = SUFFIXES[layout]
    for suffix in suffixes.split():
        _touch(root / folder / name / f"{name}{suffix}{ending}")
    return root / folder / name


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_year_is_found_with_its_files_in_place(tmp_path, layout):
    home = _patient(tmp_path, layout, folder="deeper/LGG")
    (patient,) = find_patients(tmp_path)
    assert (patient.name, patient.layout) == (home.name, layout)
    assert list(patient.images) == list(MODALITIES)
    for modality, word in zip(MODALITIES, ("t1", "t2", "t1c", "f"), strict=True):
        assert word in patient.images[modality].name.lower().rpartition(home.name.lower())[2]
    assert patient.images["T1"] != patient.images["T1c"]
    assert patient.label is not None
    assert any(word in patient.label.name.lower() for word in ("seg", ".ot."))


def test_codes_of_every_year_map_into_the_class_list():
    assert set(LAYOUTS["brats2015"].codes.values()) == set(range(len(LESION_CLASSES)))
    for name in SUFFIXES:
        enhancing = 3 if name == "brats2023" else 4
        assert LESION_CLASSES[LAYOUTS[name].codes[enhancing]] == "enhancing"
        assert 7 - enhancing not in LAYOUTS[name].codes or name == "medsynth"


def test_a_layout_restricts_and_the_order_is_by_name(tmp_path):
    for layout in LAYOUTS:
        _patient(tmp_path, layout)
    names = [patient.name for patient in find_patients(tmp_path)]
    assert len(names) == len(LAYOUTS) and names == sorted(names)
    assert [p.layout for p in find_patients(tmp_path, "brats2018")] == ["brats2018"]


def test_the_stray_label_of_2020_and_a_missing_label(tmp_path):
    home = _patient(tmp_path, "brats2020")
    label = home / "BraTS20_Training_001_seg.NII"
    label.rename(home / "W39_1998.09.19_Segm.nii")
    assert find_patients(tmp_path)[0].label == home / "W39_1998.09.19_Segm.nii"
    (home / "W39_1998.09.19_Segm.nii").unlink()
    assert find_patients(tmp_path)[0].label is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda home: (home / "BraTS2021_00495_t1.nii.gz").unlink(), "modality T1 is missing"),
        (lambda home: _touch(home / "BraTS2021_00495_T1ce.nii"), "2 files of T1c"),
        (
            lambda home: (home / "BraTS2021_00495_seg.nii.gz").rename(home / "BraTS2021_00006_seg.nii.gz"),
            "label of another patient, BraTS2021_00006_seg",
        ),
        (lambda home: _patient(home.parents[1], "brats2021", "other"), "occurs twice"),
    ],
)
def test_wrong_files_are_named_in_one_line(tmp_path, change, message):
    change(_patient(tmp_path, "brats2021", "HGG"))
    with pytest.raises(MedSynthError, match=f"Patient BraTS2021_00495: .*{message}") as caught:
        find_patients(tmp_path)
    assert "\n" not in str(caught.value)
    assert len(survey(tmp_path).problems) == 1


def test_empty_or_absent_folders_and_unknown_layouts_are_refused(tmp_path):
    with pytest.raises(MedSynthError, match="must hold patients"):
        find_patients(tmp_path)
    with pytest.raises(MedSynthError, match="must exist"):
        find_patients(tmp_path / "absent")
    with pytest.raises(MedSynthError, match=r"unknown layout.*Known: brats2015"):
        find_patients(tmp_path, "brats2016")


def test_a_label_of_another_patient_beside_the_patient_s_own(tmp_path):
    home = _patient(tmp_path, "brats2021")
    _touch(home / "BraTS2021_00002_seg.nii.gz")
    (problem,) = survey(tmp_path).problems
    assert (problem.patient, problem.code) == ("BraTS2021_00495", "foreign_label")
    assert "BraTS2021_00002_seg.nii.gz" in problem.message


def test_strangers_and_links_in_circles(tmp_path):
    home = _patient(tmp_path, "brats2021")
    _touch(home / "notes.nii")
    _touch(home / "._BraTS2021_00495_t1.nii.gz")
    (home / "circle").symlink_to(tmp_path)
    found = survey(tmp_path)
    assert [patient.name for patient in found.patients] == ["BraTS2021_00495"]
    assert [path.name for path in found.strangers] == ["notes.nii"]


def test_names_of_one_person_share_a_group():
    same = [
        ("Brats17_TCIA_105_1", "brats_tcia_pat105_0001"),
        ("Brats17_CBICA_AXN_1", "Brats18_CBICA_AXN_1"),
        ("Brats18_TCIA01_131_1", "Brats17_TCIA_131_1"),
        ("BraTS-GLI-00000-000", "BraTS-GLI-00000-001"),
    ]
    assert all(split_group(one) == split_group(other) for one, other in same)
    apart = [
        "BraTS20_Training_001",
        "BraTS20_Training_002",
        "BraTS2021_00001",
        "Brats18_2013_21_1",
        "p_1",
        "p_2",
    ]
    assert len({split_group(name) for name in apart}) == len(apart)
    aliases = ("BraTS20_Training_001=Brats17_CBICA_AAB_1", "BraTS2021_00001=BraTS20_Training_001")
    group = split_group("BraTS2021_00001", aliases)
    assert group == split_group("Brats18_CBICA_AAB_1", aliases) != split_group("p_1", aliases)
    with pytest.raises(MedSynthError, match="names one person twice"):
        split_group("p_1", ("p_1",))


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
