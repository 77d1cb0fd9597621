"""The doctor: a clean folder is clean, every kind of damage has its code, doubles are suspected."""

import gzip
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from tests.patients import KINDS, SHAPE, paths, rewrite, volumes, write_named, write_patient
from tf_medsynth.cohorts.doctor import doctor
from tf_medsynth.cohorts.report import DoctorReport
from tf_medsynth.imaging.volumes import Volume, write_volume
from tf_medsynth.types import MedSynthError

NAME = "BraTS2021_00001"
LARGE = (30, 64, 64)


def _codes(report: DoctorReport, severity: str | None = None) -> set[str]:
    findings = [*report.cohort, *(f for patient in report.patients for f in patient.findings)]
    return {f.code for f in findings if severity in (None, f.severity)}


def _edited(kind, change):
    def edit(arrays):
        arrays[kind] = change(arrays[kind])

    return edit


def _at(array, value, dtype=None):
    array = array.astype(dtype or array.dtype)
    array[SHAPE[0] // 2, SHAPE[1] // 2, SHAPE[2] // 2 - 3 : SHAPE[2] // 2] = value
    return array


@pytest.mark.parametrize("layout", ["brats2015", "brats2017"])
def test_a_clean_folder_is_clean(tmp_path, layout):
    def every_class(arrays):
        arrays["label"][6, 12, 12] = 3 if layout == "brats2015" else 1

    for number in (1, 2, 3):
        write_patient(tmp_path, f"p{number}", layout, number, edit=every_class)
    report = doctor(tmp_path)
    assert (report.exit_status, _codes(report)) == (0, set())
    assert report.usable == ["p1", "p2", "p3"]
    assert "3 patients, 3 usable, 0 of these with warnings" in report.render()


@pytest.mark.parametrize(
    ("kind", "change", "code", "severity"),
    [
        ("T1", lambda a: _at(a, np.nan, np.float32), "not_finite", "error"),
        ("T2", lambda a: _at(a, np.inf, np.float32), "not_finite", "error"),
        ("T1c", np.zeros_like, "constant", "error"),
        ("Flair", lambda a: np.minimum(-a, 0), "nothing_positive", "error"),
        ("T1", lambda a: a.astype(np.int32) * 1000, "scaled", "warning"),
        ("T1", lambda a: a / np.float32(3), "scaled", "warning"),
        ("T1", lambda a: _at(a / np.float32(3), 1e9), "range", "error"),
        ("T1", lambda a: a - (a > 0) * np.int16(900), "negative", "error"),
        ("T2", lambda a: _at(a, -5), "negative", "warning"),
        ("T1c", lambda a: np.minimum(a, 500), "clipped", "warning"),
        ("Flair", lambda a: a + np.int16(7), "background", "warning"),
        ("T1", lambda a: a[:-1], "grid", "error"),
        ("label", lambda a: _at(a, 3), "label_code", "error"),
        ("label", lambda a: _at(a, 0.5, np.float32), "label_values", "error"),
        ("label", lambda a: a.astype(np.float32), "label_dtype", "warning"),
        ("label", np.zeros_like, "label_empty", "warning"),
        ("label", lambda a: np.where(a == 4, 0, a), "class_absent", "warning"),
        ("label", lambda a: a[:, 1:], "label_grid", "error"),
        ("label", lambda a: np.roll(a, 8, axis=2), "label_outside", "warning"),
    ],
)
def test_every_kind_of_damage_has_its_code(tmp_path, kind, change, code, severity):
    write_patient(tmp_path, NAME, edit=_edited(kind, change))
    report = doctor(tmp_path)
    assert code in _codes(report, severity)
    assert report.exit_status == (2 if severity == "error" else 1)
    assert bool(report.usable) == (severity == "warning")


def test_damaged_and_missing_files_are_errors_of_their_patient(tmp_path):
    files = write_patient(tmp_path, "a")
    files["T2"].write_bytes(files["T2"].read_bytes()[:-40])
    write_patient(tmp_path, "b")["T1"].unlink()
    write_patient(tmp_path, "c")["label"].unlink()
    twice = write_patient(tmp_path, "d")["T1"]
    twice.with_name("d_T1.nii.gz").write_bytes(twice.read_bytes())
    write_patient(tmp_path, "e")
    (tmp_path / "odd.nii").write_bytes(b"")
    report = doctor(tmp_path)
    found = {
        patient.name: [f.code for f in patient.findings if f.severity == "error"]
        for patient in report.patients
    }
    assert found == {
        "a": ["unreadable"],
        "b": ["missing_modality"],
        "c": ["missing_label"],
        "d": ["doubled"],
        "e": [],
    }
    assert report.usable == ["e"] and report.exit_status == 2
    assert "unknown_file" in _codes(report, "warning")


def test_headers_alone_tell_that_grids_differ(tmp_path):
    files = write_patient(tmp_path, NAME)
    rewrite(files["T2"], origin=(0.0, 0.0, 0.0))
    rewrite(files["Flair"], spacing=(1.0, 1.0, 1.2))
    rewrite(files["label"], origin=(0.0, 0.0, 0.0))
    headers = doctor(tmp_path, voxels=False).patients[0].findings
    assert [(f.code, f.severity) for f in headers] == [
        ("grid", "warning"),
        ("grid", "warning"),
        ("label_grid", "warning"),
    ]
    assert "origin" in headers[0].message and "spacing" in headers[1].message


def test_displacement_between_modalities_is_measured(tmp_path):
    def displaced(arrays):
        arrays["T1c"] = np.roll(arrays["T1"], (0, 3, -2), axis=(0, 1, 2))
        arrays["T2"] = (ndimage.shift(arrays["T1"].astype(float), (0, 0, 0.5), order=1)).astype(np.int16)

    write_patient(tmp_path, NAME, shape=LARGE, edit=displaced)
    report = doctor(tmp_path)
    (finding,) = [f for f in report.patients[0].findings if f.code == "misaligned"]
    assert finding.message.startswith("T1c") and finding.severity == "warning"
    shifts = report.patients[0].facts["shift_against_T1"]
    np.testing.assert_allclose(shifts["T1c"], (0, 3, -2), atol=0.1)
    np.testing.assert_allclose(shifts["T2"], (0, 0, 0.5), atol=0.15)


def test_one_person_under_two_names_is_suspected_until_declared(tmp_path):
    def dimmed(arrays):
        for kind in ("T1", "T2", "T1c", "Flair"):
            arrays[kind] = (arrays[kind] * 0.6).astype(np.int16)

    for name, seed, edit in (("a", 1, None), ("b", 2, None), ("c", 1, dimmed), ("d", 2, None)):
        write_patient(tmp_path, name, seed=seed, edit=edit)
    doubles = [f.message for f in doctor(tmp_path).cohort if f.code == "suspected_double"]
    assert len(doubles) == 2
    assert "b and d hold the same voxels" in doubles[0] and "a and c look alike" in doubles[1]
    assert "suspected_double" not in _codes(doctor(tmp_path, overrides={"aliases": ("a=c", "b=d")}))


def test_differences_between_patients_are_told(tmp_path):
    def bright(arrays):
        arrays["T2"] = (arrays["T2"] * 6).astype(np.int16)

    write_patient(tmp_path, "a", "brats2015", 1)
    write_patient(tmp_path, "b", "brats2017", 2, edit=_edited("label", lambda a: a.astype(np.uint16)))
    write_patient(tmp_path, "c", "brats2017", 3, shape=LARGE, edit=bright)
    report = doctor(tmp_path)
    assert {"mixed_layouts", "mixed_shapes", "label_dtypes", "intensity_range"} <= _codes(report, "warning")
    assert "mixed_orientations" not in _codes(report)
    assert [f.code for f in report.patients[2].findings] == ["intensity_outlier"]
    (line,) = [f.message for f in report.cohort if f.code == "intensity_range"]
    assert line.startswith("T2") and "(c)" in line


def test_names_years_and_edges_are_noticed(tmp_path):
    files = write_patient(tmp_path, "p-000", "brats2023")
    files["T2"].rename(files["T2"].with_name("p-000-t2W.nii.gz"))
    report = doctor(tmp_path)
    assert _codes(report) == {"letter_case", "label_year"}
    array = volumes()["T1"]
    array[0, 10:12, 10:12] = 100
    rewrite(paths(tmp_path, "p-000", "brats2023")["T1"], array)
    (edge,) = [f.message for f in doctor(tmp_path).patients[0].findings if f.code == "brain_at_edge"]
    assert "lowest slice (4 voxels)" in edge and "highest" not in edge


def test_the_report_is_plain_values_and_a_table(tmp_path):
    write_patient(tmp_path, NAME, edit=_edited("T1", lambda a: _at(a, -1)))
    report = doctor(tmp_path)
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["exit_status"] == 1 and plain["usable"] == [NAME]
    assert plain["patients"][0]["findings"][0]["code"] == "negative"
    assert plain["patients"][0]["facts"]["shape"] == list(SHAPE)
    assert max(map(len, report.render().splitlines())) < 200
    assert f"{NAME}  brats2021  odd" in report.render()


def test_labels_of_one_code_are_a_mask_unless_the_code_is_explained(tmp_path):
    for number in (1, 2, 3):
        write_patient(
            tmp_path, f"p{number}", seed=number, edit=_edited("label", lambda a: (a > 0).astype(np.uint8))
        )
    report = doctor(tmp_path)
    (mask,) = [f for f in report.cohort if f.code == "label_mask"]
    assert mask.severity == "error" and "brats2021 (3)" in mask.message and "codes=1=oedema" in mask.remedy
    assert "label_mask" not in _codes(doctor(tmp_path, overrides={"codes": "1=oedema"}))
    assert "label_mask" in _codes(doctor(tmp_path, overrides={"codes": "brats2017"}))
    assert "label_mask" not in _codes(doctor(tmp_path, overrides={"trusted": ("P1", "p2", "p3")}))
    write_patient(tmp_path, "p4", seed=4)
    assert "label_mask" not in _codes(doctor(tmp_path))


def test_labels_of_2012_are_not_read_with_the_codes_of_2013(tmp_path):
    words = ("T1", "T2", "T1C", "FLAIR", "truth")
    for number in (1, 2):
        arrays, name = volumes(number), f"BRATS_HG000{number}"
        arrays["label"] = np.choose(arrays["label"], [0, 2, 1, 2, 2]).astype(np.uint8)
        write_named(
            {k: tmp_path / name / f"{name}_{w}.mha" for k, w in zip(KINDS, words, strict=True)}, arrays
        )
    assert "label_study" in _codes(doctor(tmp_path), "error")
    told = doctor(tmp_path, overrides={"codes": "1=oedema,2=enhancing"})
    assert "label_study" not in _codes(told)


def test_a_cohort_without_any_lesion_is_told(tmp_path):
    for number in (1, 2):
        write_patient(tmp_path, f"p{number}", seed=number, edit=_edited("label", np.zeros_like))
    assert {"no_lesion", "label_empty"} <= _codes(doctor(tmp_path), "warning")


def test_one_patient_many_times_is_not_told_a_thousand_times(tmp_path):
    for number in range(16):
        write_patient(tmp_path, f"p{number:02d}")
    doubles = [f.message for f in doctor(tmp_path).cohort if f.code == "suspected_double"]
    assert len(doubles) == 51 and doubles[-1].startswith("70 more pairs")
    assert "hold the same voxels (T1, T2, T1c, Flair)" in doubles[0]


def test_names_of_one_person_are_no_doubles(tmp_path):
    for session in ("11", "21"):
        write_patient(tmp_path, f"UPENN-GBM-00001_{session}")
    assert "suspected_double" not in _codes(doctor(tmp_path))
    assert "suspected_double" in _codes(doctor(tmp_path, overrides={"person": r".*_(\d+)"}), "warning")


def test_a_file_that_cannot_be_read_stops_no_other_patient(tmp_path):
    write_patient(tmp_path, "a")["T1"].write_bytes(b"")
    write_patient(tmp_path, "b")
    report = doctor(tmp_path)
    assert report.usable == ["b"]
    (finding,) = [f for f in report.patients[0].findings if f.severity == "error"]
    assert finding.code == "unreadable" and "a_t1.nii.gz" in finding.text


def test_empty_and_absent_folders(tmp_path):
    report = doctor(tmp_path)
    assert report.exit_status == 2 and _codes(report) == {"no_patient"}
    with pytest.raises(MedSynthError, match="must be a folder"):
        doctor(Path(tmp_path / "absent"))


def test_an_image_in_the_place_of_a_label_is_one_line(tmp_path):
    write_patient(
        tmp_path, NAME, edit=_edited("label", lambda a: np.arange(a.size, dtype=np.uint16).reshape(a.shape))
    )
    (finding,) = [f for f in doctor(tmp_path).patients[0].findings if f.severity == "error"]
    assert finding.code == "label_code" and len(finding.text) < 500 and "more" in finding.text


def test_a_rescaled_copy_is_a_copy(tmp_path):
    def edit(arrays):
        noise = np.random.default_rng(0).normal(0, 9, (3, 40, 96, 96))
        for kind, own in zip(("T2", "T1c", "Flair"), noise, strict=True):
            arrays[kind] = (arrays[kind] + own * (arrays[kind] > 0)).astype(np.int16)
        copied.append(arrays["T1"] * np.float32(0.731))

    copied: list[np.ndarray] = []
    files = write_patient(tmp_path, NAME, shape=(40, 96, 96), edit=edit)
    assert "copied_modality" not in _codes(doctor(tmp_path))
    rewrite(files["T1c"], copied[0])
    assert "copied_modality" in _codes(doctor(tmp_path), "error")


def test_damaged_headers_stop_no_other_patient(tmp_path):
    for name, affine in (("a", np.full((4, 4), np.nan)), ("b", np.ones((4, 4)))):
        path = write_patient(tmp_path, name)["T1"]
        image = nibabel.load(path)
        image.header.set_sform(affine, 2)
        content = image.header.binaryblock + bytes(4) + np.asanyarray(image.dataobj).tobytes("F")
        path.write_bytes(gzip.compress(content))
    write_patient(tmp_path, "c")
    report = doctor(tmp_path)
    assert report.usable == ["c"] and [p.findings[0].code for p in report.patients[:2]] == ["unreadable"] * 2


def test_a_proposal_that_cannot_be_written_is_still_shown(tmp_path):
    (tmp_path / "in").mkdir()
    for kind, array in volumes().items():
        write_volume(Volume(array), tmp_path / "in" / f"case7_{kind}_x.nii.gz")
    (tmp_path / "file").write_text("")
    report = doctor(tmp_path / "in", proposal=tmp_path / "file" / "layout.toml")
    assert report.proposal in report.render() and "proposal" in _codes(report)


def test_one_patient_who_cannot_be_examined_stops_no_other(tmp_path, monkeypatch):
    for number in (1, 2):
        write_patient(tmp_path, f"p{number}", "brats2017", number)
    right, calls = np.percentile, []

    def percentile(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise MemoryError("no room\nfor an array")
        return right(*arguments)

    monkeypatch.setattr(np, "percentile", percentile)
    report = doctor(tmp_path)
    assert report.usable == ["p2"] and report.exit_status == 2
    (finding,) = report.patients[0].findings
    assert finding.code == "unexamined" and finding.message.endswith("MemoryError: no room for an array")


@pytest.mark.parametrize("voxels", [True, False])
def test_a_coloured_scan_stops_no_other_patient(tmp_path, voxels):
    for number in (1, 2):
        write_patient(tmp_path, f"p{number}", "brats2017", number)
    path = paths(tmp_path, "p1", "brats2017")["T2"]
    colours = np.zeros(SHAPE[::-1], dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(colours, np.eye(4)), path)
    report = doctor(tmp_path, voxels=voxels)
    assert report.usable == ["p2"]
    (error,) = [finding for finding in report.patients[0].findings if finding.severity == "error"]
    assert error.code == "unreadable" and "RGB" in error.message and error.file == path.name


@pytest.mark.parametrize("voxels", [True, False])
def test_a_header_with_two_places_is_told(tmp_path, voxels):
    write_patient(tmp_path, "p1", "brats2017", 1)
    path = paths(tmp_path, "p1", "brats2017")["Flair"]
    image = nibabel.load(path)
    image.set_qform(np.diag([3.0, 1.0, 1.0, 1.0]), 1)
    image.set_sform(image.affine, 1)
    image = nibabel.Nifti1Image(np.asanyarray(image.dataobj), None, image.header)
    nibabel.save(image, path)
    (finding,) = [f for f in doctor(tmp_path, voxels=voxels).patients[0].findings if f.code == "two_places"]
    assert finding.severity == "warning" and finding.file == path.name and "sform" in finding.message
