"""Finding patients: every published way to lay them out; what is wrong is named, foreign files left out."""

import gzip
import json
from pathlib import Path

import pytest

from tf_medsynth.cohorts.survey import find_patients, survey
from tf_medsynth.config.cohorts import CohortSettings, settings_of
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.layouts import LAYOUTS
from tf_medsynth.types import MedSynthError

NAMES = {
    "medsynth": ("medsynth_0_00000003", "_t1 _t2 _t1ce _flair _seg", ".nii.gz"),
    "brats2013": ("BRATS_HG0001", "_T1 _T2 _T1C _FLAIR _truth", ".mha"),
    "brats2017": ("Brats17_CBICA_AXN_1", "_t1 _t2 _t1ce _flair _seg", ".nii.gz"),
    "brats2018": ("Brats18_2013_21_1", "_T1 _T2 _T1CE _FLAIR _SEG", ".nii.gz"),
    "brats2019": ("BraTS19_TMC_06290_1", "_t1 _t2 _t1ce _flair _seg", ".nii"),
    "brats2020": ("BraTS20_Training_001", "_t1 _t2 _t1ce _flair _seg", ".NII"),
    "brats2021": ("BraTS2021_00495", "_t1 _t2 _t1ce _flair _seg", ".nii.gz"),
    "brats2023": ("BraTS-GLI-00000-000", "-t1n -t2W -t1c -t2f -seg", ".nii.gz"),
    "brats2024": ("BraTS-GLI-02405-100", "-t1n -t2w -t1c -t2f -seg", ".nii.gz"),
    "brats_ped2024": ("BraTS-PED-00001-000", "-t1n -t2w -t1c -t2f -seg", ".nii.gz"),
    "brats_met": ("BraTS-MET-00110-000", "-t1n -t2w -t1c -t2f -seg", ".nii.gz"),
    "fets": ("Patient_001", "_brain_t1 _brain_t2 _brain_t1ce _brain_flair _final_seg", ".nii.gz"),
    "upenn_gbm": ("UPENN-GBM-00001_11", "_T1 _T2 _T1GD _FLAIR _segm", ".nii.gz"),
    "ucsf_pdgm": ("UCSF-PDGM-0004", "_T1 _T2 _T1c _FLAIR _tumor_segmentation", ".nii.gz"),
    "ucsd_ptgbm": ("UCSD-PTGBM-0002_01", "_T1pre _T2 _T1post _FLAIR _BraTS_tumor_seg", ".nii.gz"),
    "tcga": ("TCGA-02-0006_1996.08.23", "_t1 _t2 _t1Gd _flair _GlistrBoost_ManuallyCorrected", ".nii.gz"),
    "brats_toolkit": ("case", "_t1_bet _t2_bet _t1c_bet _fla_bet _seg", ".nii.gz"),
}
"""Layouts of which a patient's folder holds files that begin with the patient's name."""


def touch(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def patient(root: Path, layout: str, folder: str = "") -> Path:
    """A patient of empty files as that layout has it; the folder that is named after the patient."""
    if layout == "brats2015":
        home = root / (folder or "HGG") / "brats_2013_pat0001_1"
        for number, kind in enumerate(("MR_T1", "MR_T2", "MR_T1c", "MR_Flair")):
            stem = f"VSD.Brain.XX.O.{kind}.5451{number}"
            touch(home / stem / f"{stem}.mha")
        touch(home / "VSD.Brain_3more.XX.O.OT.54517" / "VSD.Brain_3more.XX.O.OT.54517.mha")
        return home
    name, suffixes, ending = NAMES[layout]
    for suffix in suffixes.split():
        touch(root / folder / name / f"{name}{suffix}{ending}")
    return root / folder / name


@pytest.mark.parametrize("layout", ["brats2015", *NAMES])
def test_every_release_is_found_with_its_files_in_place(tmp_path, layout):
    home = patient(tmp_path, layout, folder="deeper/LGG")
    (found,) = find_patients(tmp_path)
    assert (found.name, found.layout) == (home.name, layout)
    assert list(found.images) == list(BRAIN_MRI.modalities)
    for modality, word in zip(BRAIN_MRI.modalities, ("t1", "t2", "t1", "f"), strict=True):
        assert word in found.images[modality].name.lower().rpartition(home.name.lower())[2]
    assert len(set(found.images.values())) == 4
    assert found.label is not None
    assert BRAIN_MRI.label.classes[found.codes[max(found.codes)]] in ("enhancing", "oedema", "background")


@pytest.mark.parametrize(
    ("layout", "image", "label"),
    [
        ("kaggle2021", "P1/P1_{k}.nii/00000057_brain_{k}.nii", "P1/P1_seg.nii/00000057_final_seg.nii"),
        ("kaggle2021", "P1/P1_{k}.nii.gz/00057_brain_{k}.nii", "P1/P1_seg.nii.gz/00057_final_seg.nii"),
        ("bids", "sub-1/anat/sub-1_{B}.nii.gz", "derivatives/x/sub-1/anat/sub-1_dseg.nii.gz"),
        ("bids", "sub-1/ses-2/anat/sub-1_ses-2_{B}.nii.gz", "d/sub-1_ses-2_space-T1w_dseg.nii.gz"),
        ("bare", "P1/{k}.nii.gz", "P1/seg.nii.gz"),
        ("brats2021", "images/P1_{k}.nii.gz", "labels/P1_seg.nii.gz"),
        ("brats2021", "My patients (2024)/P 1 (left)/P 1 (left)_{k}.nii.gz", "x/P 1 (left)_seg.nii.gz"),
        ("brats2021", "Größe/Пациент_№1_{k}.nii.gz", "Größe/Пациент_№1_seg.nii.gz"),
        ("fets", "P_1/P_1_brain_{k}.nii.gz", "P_1/P_1_brain_seg.nii.gz"),
        ("brats_toolkit", "case/case_{F}_bet.nii.gz", "case/mav.nii.gz"),
        ("upenn_gbm", "structural/G_11/G_11_{U}.nii.gz", "segm/G_11_segm.nii.gz"),
    ],
)
def test_ways_that_part_a_patient_s_files_are_found(tmp_path, layout, image, label):
    words = {
        "k": ("t1", "t2", "t1ce", "flair"),
        "B": ("T1w", "T2w", "ce-gadolinium_T1w", "FLAIR"),
        "F": ("t1", "t2", "t1c", "fla"),
        "U": ("T1", "T2", "T1GD", "FLAIR"),
    }
    (letter,) = [letter for letter in words if f"{{{letter}}}" in image]
    wanted = [tmp_path / image.replace(f"{{{letter}}}", word) for word in words[letter]]
    for path in (*wanted, tmp_path / label):
        touch(path)
    (found,) = find_patients(tmp_path)
    assert found.layout == layout
    assert list(found.images.values()) == wanted and found.label == tmp_path / label


@pytest.mark.parametrize(
    ("values", "names", "layout", "channels"),
    [
        (
            {
                "channel_names": {"0": "FLAIR", "1": "T1", "2": "T1ce", "3": "T2"},
                "labels": {"edema": 1, "ET": 3},
            },
            [f"imagesTr/P_{n:04d}.nii.gz" for n in range(4)],
            "nnunet",
            {},
        ),
        (
            {
                "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
                "labels": {
                    "0": "background",
                    "1": "edema",
                    "2": "non-enhancing tumor",
                    "3": "enhancing tumour",
                },
            },
            ["imagesTr/P.nii.gz"],
            "decathlon",
            {"Flair": 0, "T1": 1, "T1c": 2, "T2": 3},
        ),
    ],
)
def test_a_dataset_json_says_channels_and_codes(tmp_path, values, names, layout, channels):
    touch(tmp_path / "task" / "dataset.json", json.dumps(values).encode())
    for name in (*names, "labelsTr/P.nii.gz"):
        touch(tmp_path / "task" / name)
    (found,) = find_patients(tmp_path)
    assert (found.name, found.layout, dict(found.channels)) == ("P", layout, channels)
    assert found.codes[1] == 2 and found.codes[3] == 4
    order = ("1", "3", "2", "0") if layout == "nnunet" else ("P",) * 4
    assert all(path.name[:-7].endswith(end) for path, end in zip(found.images.values(), order, strict=True))


def test_a_dataset_json_is_for_its_own_folder(tmp_path):
    orders = {"one": ("T1", "T1ce", "T2", "FLAIR"), "two": ("FLAIR", "T1ce", "T2", "T1")}
    for number, (folder, order) in enumerate(orders.items(), start=1):
        labels = {"edema": number, "necrosis": 3 - number}
        values = {"channel_names": dict(enumerate(order)), "labels": labels}
        touch(tmp_path / folder / "dataset.json", json.dumps(values).encode())
        for name in (*(f"imagesTr/{folder}_{n:04d}.nii.gz" for n in range(4)), f"labelsTr/{folder}.nii.gz"):
            touch(tmp_path / folder / name)
    one, two = find_patients(tmp_path)
    assert one.images["T1"].name == "one_0000.nii.gz" and two.images["T1"].name == "two_0003.nii.gz"
    assert (one.codes[1], two.codes[1]) == (2, 1)


def test_the_first_nnunet_and_images_to_be_tested_on(tmp_path):
    values = {"modality": dict(enumerate(("T1", "T1ce", "T2", "FLAIR"))), "labels": {"1": "edema"}}
    touch(tmp_path / "dataset.json", json.dumps(values).encode())
    for folder, name in (("imagesTr", "a"), ("imagesTs", "b")):
        for n in range(4):
            touch(tmp_path / folder / f"{name}_{n:04d}.nii.gz")
    touch(tmp_path / "labelsTr" / "a.nii.gz")
    found = survey(tmp_path)
    assert [(p.name, p.layout) for p in found.patients] == [("a", "nnunet")] and len(found.strangers) == 4
    every = find_patients(tmp_path, CohortSettings(unlabelled="split"))
    assert [(p.name, p.label is None) for p in every] == [("a", False), ("b", True)]


def test_channels_of_one_kind_do_not_say_which_is_meant(tmp_path):
    values = {"channel_names": dict(enumerate(("T1", "T1ce", "T2", "T2 fat", "FLAIR"))), "labels": {}}
    touch(tmp_path / "dataset.json", json.dumps(values).encode())
    for n in range(5):
        touch(tmp_path / f"imagesTr/a_{n:04d}.nii.gz")
    assert not survey(tmp_path).patients


def test_sessions_in_folders_are_one_person(tmp_path):
    rows = "\n".join(
        f'{kind} = "{{patient}}/{{session}}/{kind}"' for kind in (*BRAIN_MRI.modalities, "label")
    )
    (tmp_path / "own.toml").write_text(f"[files]\n{rows}\n[codes]\n1 = 1\n")
    for name in ("P1/v1", "P1/v2", "P2/v1"):
        for kind in (*BRAIN_MRI.modalities, "label"):
            touch(tmp_path / "in" / name / f"{kind}.nii.gz")
    settings = settings_of(CohortSettings(), {"layout": tmp_path / "own.toml"})
    found = {p.name: p.group for p in find_patients(tmp_path / "in", settings)}
    assert found == {"P1_v1": "p1", "P1_v2": "p1", "P2_v1": "p2"}


def test_visits_with_bare_names_are_suspected(tmp_path):
    for name in ("P1/2019", "P1/2020", "P2/2021", "P2/2022"):
        for kind in "t1 t2 t1ce flair seg".split():
            touch(tmp_path / name / f"{kind}.nii.gz")
    assert "nested" in {remark.code for remark in survey(tmp_path).remarks}
    touch(tmp_path / "P2/2020/t1.nii.gz")
    (problem,) = [p for p in survey(tmp_path).problems if p.code == "name_twice"]
    assert "{session}" in problem.message


def test_of_two_labels_the_better_one_is_taken(tmp_path):
    home = patient(tmp_path, "tcga")
    other = touch(home / "TCGA-02-0006_1996.08.23_GlistrBoost.nii.gz")
    found = survey(tmp_path)
    assert found.patients[0].label.name.endswith("ManuallyCorrected.nii.gz") and not found.problems
    (remark,) = found.remarks
    assert remark.code == "other_file" and other.name in remark.message


def test_names_that_settings_speak_of_must_be_there(tmp_path):
    patient(tmp_path, "brats2021")
    with pytest.raises(MedSynthError, match=r"trusted names patients.*nobody"):
        survey(tmp_path, CohortSettings(trusted=("nobody",)))
    (remark,) = survey(tmp_path, CohortSettings(aliases=("BraTS2021_00495=nobody",))).remarks
    assert remark.code == "alias_unknown" and "nobody" in remark.message
    with pytest.raises(MedSynthError, match="person finds something"):
        survey(tmp_path, CohortSettings(person="nomatch"))
    patient(tmp_path, "brats2020")
    (remark,) = survey(tmp_path, CohortSettings(person="2021_.*")).remarks
    assert remark.code == "person_unmatched" and "BraTS20_Training_001" in remark.message


def test_patients_of_another_layout_than_asked_for_are_named(tmp_path):
    patient(tmp_path, "brats_ped2024")
    with pytest.raises(MedSynthError, match=r"1 patients are of layout brats_ped2024.*give codes"):
        find_patients(tmp_path, CohortSettings(layout="brats2023"))


def test_channels_without_names_are_nobody_s(tmp_path):
    for name in (*(f"imagesTr/P_{n:04d}.nii.gz" for n in range(4)), "labelsTr/P.nii.gz"):
        touch(tmp_path / name)
    found = survey(tmp_path)
    assert not found.patients and len(found.strangers) == 5
    with pytest.raises(MedSynthError, match=r"must hold patients.*5 volumes fit none.*proposes a layout"):
        find_patients(tmp_path)


def test_a_layout_restricts_and_the_order_is_by_name(tmp_path):
    layouts = ["brats2015", *NAMES]
    for layout in layouts:
        patient(tmp_path, layout)
    names = [found.name for found in find_patients(tmp_path)]
    assert len(names) == len(layouts) and names == sorted(names)
    for layout in ("brats2018", "brats2021", "brats2023"):
        assert [p.layout for p in find_patients(tmp_path, CohortSettings(layout=layout))] == [layout]
    (child,) = find_patients(tmp_path, CohortSettings(layout="brats_ped2023"))
    assert (child.layout, child.codes[3]) == ("brats_ped2023", 4)
    assert set(LAYOUTS) == {*layouts, "kaggle2021", "bids", "bare", "brats_ped2023"}


def test_the_stray_label_of_2020_and_a_missing_label(tmp_path):
    home = patient(tmp_path, "brats2020")
    label = home / "BraTS20_Training_001_seg.NII"
    label.rename(home / "W39_1998.09.19_Segm.nii")
    assert find_patients(tmp_path)[0].label == home / "W39_1998.09.19_Segm.nii"
    (home / "W39_1998.09.19_Segm.nii").unlink()
    assert find_patients(tmp_path)[0].label is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda home: (home / "BraTS2021_00495_t1.nii.gz").unlink(), "modality T1 is missing"),
        (lambda home: touch(home / "BraTS2021_00495_T1ce.nii"), "2 files of T1c"),
        (
            lambda home: (home / "BraTS2021_00495_seg.nii.gz").rename(home / "BraTS2021_00006_seg.nii.gz"),
            "label of another patient, BraTS2021_00006_seg",
        ),
        (lambda home: patient(home.parents[1], "brats2021", "other"), "occurs twice"),
    ],
)
def test_wrong_files_are_named_in_one_line(tmp_path, change, message):
    change(patient(tmp_path, "brats2021", "HGG"))
    with pytest.raises(MedSynthError, match=f"Patient BraTS2021_00495: .*{message}") as caught:
        find_patients(tmp_path)
    assert "\n" not in str(caught.value)
    assert len(survey(tmp_path).problems) == 1


def test_empty_or_absent_folders_and_strangers_to_leave_out_are_refused(tmp_path):
    with pytest.raises(MedSynthError, match="must hold patients"):
        find_patients(tmp_path)
    with pytest.raises(MedSynthError, match="must exist"):
        find_patients(tmp_path / "absent")
    patient(tmp_path, "brats2021")
    patient(tmp_path, "brats2020")
    (left,) = find_patients(tmp_path, CohortSettings(leave_out=("BraTS2021_00495",)))
    assert left.name == "BraTS20_Training_001"
    with pytest.raises(MedSynthError, match=r"leave_out names patients.*brats2021_00496"):
        find_patients(tmp_path, CohortSettings(leave_out=("BraTS2021_00496",)))


def test_a_label_of_another_patient_beside_the_patient_s_own(tmp_path):
    home = patient(tmp_path, "brats2021")
    touch(home / "BraTS2021_00002_seg.nii.gz")
    (problem,) = survey(tmp_path).problems
    assert (problem.patient, problem.code) == ("BraTS2021_00495", "foreign_label")
    assert "BraTS2021_00002_seg.nii.gz" in problem.message


def test_strangers_links_in_circles_and_what_nobody_means(tmp_path):
    home = patient(tmp_path, "brats2021")
    touch(home / "notes.nii")
    touch(home / "._BraTS2021_00495_t1.nii.gz")
    touch(home / "BraTS2021_00495_t1 (1).nii.gz")
    touch(tmp_path / "__MACOSX" / "BraTS2021_00495" / "._BraTS2021_00495_t1.nii.gz")
    (home / "circle").symlink_to(tmp_path)
    found = survey(tmp_path)
    assert [patient.name for patient in found.patients] == ["BraTS2021_00495"] and not found.problems
    assert [path.name for path in found.strangers] == ["notes.nii"]
    (remark,) = found.remarks
    assert remark.code == "left_out" and "3 files or folders" in remark.message
    assert "__MACOSX" in remark.message and "_t1 (1)" in remark.message


def test_an_equal_twin_is_a_remark_and_another_is_not(tmp_path):
    home = patient(tmp_path, "brats2021")
    packed = home / "BraTS2021_00495_t1.nii.gz"
    packed.write_bytes(gzip.compress(b"voxels"))
    touch(home / "BraTS2021_00495_t1.nii", b"voxels")
    found = survey(tmp_path)
    assert found.patients[0].images["T1"] == packed and not found.problems
    assert [remark.code for remark in found.remarks] == ["twin"]
    touch(home / "BraTS2021_00495_t1.nii", b"other")
    assert [problem.code for problem in survey(tmp_path).problems] == ["doubled"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("p/t1/IM0001.dcm", b"", "DICOM.*dcm2niix"),
        ("p/t1/1.2.840.113", bytes(128) + b"DICM", "DICOM.*dcm2niix"),
        ("TCGA_CS_4941_1.tif", b"", "picture files.*SimpleITK"),
        ("volume_1_slice_0.h5", b"", "HDF5.*Nifti1Image"),
        ("BraTS2021.zip", b"", "an archive.*unzip"),
        ("BraTS2021.tar.gz", b"", "an archive.*tar xf"),
        ("case_t1.img.gz", b"", "ANALYZE.*nibabel"),
        ("case_t1.img", b"", "ANALYZE.*nibabel"),
        ("case_t1.nhdr", b"", "NRRD in two files.*SimpleITK"),
    ],
)
def test_formats_that_are_not_read_are_named_with_what_converts_them(tmp_path, name, content, words):
    touch(tmp_path / name, content)
    (remark,) = survey(tmp_path).remarks
    assert remark.code == "unread_format"
    with pytest.raises(MedSynthError, match=words):
        find_patients(tmp_path)


def test_a_folder_that_may_not_be_read_stops_no_other(tmp_path, monkeypatch):
    patient(tmp_path, "brats2021")
    closed = tmp_path / "closed"
    closed.mkdir()
    plain = Path.iterdir

    def guarded(self):
        if self == closed:
            raise PermissionError
        return plain(self)

    monkeypatch.setattr(Path, "iterdir", guarded)  # root reads everything
    found = survey(tmp_path)
    assert len(found.patients) == 1
    assert [(p.patient, p.code) for p in found.problems] == [("closed", "unreadable_folder")]
