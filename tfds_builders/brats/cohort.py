"""A folder of patients as a cohort: who is in which split, what it was made from, is it sound."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_medsynth.cohorts import comparison
from tf_medsynth.cohorts.patient import Examination, Reading, examine, raise_first
from tf_medsynth.cohorts.report import Finding, summary
from tf_medsynth.cohorts.survey import PatientFiles, check_sound, survey
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.datasets import SPLITS, UNLABELLED, BratsSettings
from tf_medsynth.config.persons import split_of
from tf_medsynth.runtime import progress
from tf_medsynth.types import MedSynthError
from tfds_builders.brats.examples import crop_box

_ENDS = 1 << 16


@dataclasses.dataclass(frozen=True)
class Checked:
    """What examining a cohort gave.

    Attributes:
        remarks: oddities that do no harm, a line each.
        readings: how the files of each patient are read.
    """

    remarks: tuple[str, ...]
    readings: Mapping[str, Reading]


@dataclasses.dataclass(frozen=True)
class Cohort:
    """Patients by split, with the fingerprint of settings and files.

    Attributes:
        folder: what all paths are relative to.
        settings: what chose patients and splits.
        splits: ``train``, then ``validation``, ``test`` and ``unlabelled`` as far as they are asked for.
        fingerprint: changes when settings, names, sizes or contents of the files do.
        remarks: on the folder, before any volume is opened.
    """

    folder: Path
    settings: BratsSettings
    splits: Mapping[str, tuple[PatientFiles, ...]]
    fingerprint: str
    remarks: tuple[str, ...] = ()

    @property
    def patients(self) -> list[PatientFiles]:
        """All patients, by name."""
        return sorted((p for split in self.splits.values() for p in split), key=lambda p: p.name)

    def record(self, checked: Checked) -> dict[str, Any]:
        """What is kept beside the data set: fingerprint, settings, patients, files, how they were read."""
        return {
            "fingerprint": self.fingerprint,
            "settings": self.settings.to_dict(),
            "remarks": list(checked.remarks),
            "patients": {
                patient.name: {
                    "split": split,
                    "group": patient.group,
                    "layout": patient.layout,
                    "files": {name: _relative(path, self.folder) for name, path in patient.files.items()},
                    **_read_as(checked.readings.get(patient.name)),
                }
                for split, patients in self.splits.items()
                for patient in patients
            },
        }


def read_cohort(folder: str | os.PathLike[str], settings: BratsSettings, version: str) -> Cohort:
    """The cohort in `folder`; no voxel is read.

    Raises:
        MedSynthError: what `find_patients` raises, a split that would hold no patient, given splits that
            lack a patient or name one who is not there.
    """
    folder = Path(folder)
    found = survey(folder, settings)
    check_sound(found, folder, settings)
    patients = found.patients
    places = (
        _given(patients, settings) if settings.splits else {p.name: _drawn(p, settings) for p in patients}
    )
    wanted = [name for name in (*SPLITS, UNLABELLED) if name in _wanted(settings) or name in places.values()]
    splits = {name: tuple(p for p in patients if places[p.name] == name) for name in wanted}
    for name, members in splits.items():
        check(
            f"split {name} needs a patient",
            bool(members),
            "The hash put none there: more patients, another split_seed, or a share of 0 for no such split.",
            patients=len(patients),
            split_seed=settings.split_seed,
        )
    check_disjoint(splits)
    files = {p.name: {n: _digest(f, folder) for n, f in p.files.items()} for p in patients}
    remarks = tuple(finding.text for finding in comparison.folder_findings(found))
    return Cohort(folder, settings, splits, fingerprint(version, settings.to_dict(), files), remarks)


def check_disjoint(splits: Mapping[str, tuple[PatientFiles, ...]]) -> None:
    """Raises where one person is in two splits; who has no label may also be in ``train``."""
    seen: dict[str, tuple[str, str]] = {}
    parted = []
    for split, patients in splits.items():
        for patient in patients:
            other, first = seen.setdefault(patient.group, (_side(split), patient.name))
            if other != _side(split):
                parted.append((first, other, patient.name, split))
    without = " ".join(name for _, _, name, split in parted if split == UNLABELLED)
    check(
        "a person is in one split only",
        not parted,
        f"Leave out the scans without a label: --leave-out {without}"
        if without
        else "Mend splits or aliases.",
        first=parted[:1],
        count=len(parted),
    )


def _side(split: str) -> str:
    """The split that `split` may share persons with."""
    return "train" if split == UNLABELLED else split


def check_voxels(cohort: Cohort) -> Checked:
    """The cohort examined, once every volume has been read and every rule holds.

    One patient is in memory at a time. Nothing has been written when this raises.

    Raises:
        MedSynthError: naming the first patient and file that break a rule, or what patients break together.
    """
    seen = []
    for files in progress(cohort.patients, label="checking", unit="patient"):
        examined = examine_patient(files, cohort.settings)
        seen.append((comparison.Portrait.of(examined), tuple(examined.findings), examined.reading))
    return check_together(cohort, seen)


def examine_patient(files: PatientFiles, settings: BratsSettings) -> Examination:
    """One patient examined, who breaks no rule.

    Raises:
        MedSynthError: what `raise_first` and `crop_box` raise.
    """
    examined = examine(files, settings)
    raise_first(examined)
    assert examined.volumes is not None
    crop_box(examined.volumes.header, settings, files.name, files.whole)
    return examined


def check_together(
    cohort: Cohort, seen: Sequence[tuple[comparison.Portrait, Sequence[Finding], Reading]]
) -> Checked:
    """Remarks and readings of patients who break no rule one by one.

    Raises:
        MedSynthError: labels that make no sense together, the same scan in two splits.
    """
    portraits = [portrait for portrait, _, _ in seen]
    between, outliers = comparison.findings(portraits, cohort.settings)
    for finding in between:
        if finding.severity == "error":
            raise MedSynthError(f"{finding.text}.")
    _check_twins(cohort, portraits)
    by_patient = [(portrait.files.name, finding) for portrait, findings, _ in seen for finding in findings]
    remarks = (*summary([*by_patient, *outliers]), *(finding.text for finding in between), *cohort.remarks)
    return Checked(remarks, {portrait.files.name: reading for portrait, _, reading in seen})


def _check_twins(cohort: Cohort, portraits: Sequence[comparison.Portrait]) -> None:
    places = {patient.name: split for split, members in cohort.splits.items() for patient in members}
    for first, other, modalities in comparison.twins(portraits):
        check(
            "a scan is in one split only",
            _side(places[first]) == _side(places[other]),
            f"They hold the same voxels ({modalities}): declare aliases={first}={other}, or leave one out.",
            patients=(first, other),
            splits=(places[first], places[other]),
        )


def _wanted(settings: BratsSettings) -> set[str]:
    if settings.splits:
        return set()
    shares = {"validation": settings.validation_fraction, "test": settings.test_fraction}
    return {"train", *(name for name, share in shares.items() if share > 0)}


def _drawn(patient: PatientFiles, settings: BratsSettings) -> str:
    """The split of a patient by the hash of the person."""
    if patient.label is None:
        return UNLABELLED
    fractions = settings.test_fraction, settings.validation_fraction
    return split_of(patient.group, settings.split_seed, *fractions, settings.test_fold)


def _given(patients: Sequence[PatientFiles], settings: BratsSettings) -> dict[str, str]:
    """The split of each patient as the user gave it."""
    words = [text.rpartition("=") for text in settings.splits]
    given: dict[str, str] = {}
    for name, _, split in words:
        other = given.setdefault(name, split)
        check("a patient is in one split only", other == split, patient=name, splits=(other, split))
    unlabelled = {p.name for p in patients if p.label is None}
    names = {p.name for p in patients}
    without = {name for name in given if settings.leaves_out(name)}
    for rule, wrong in (
        ("given splits name patients of the folder", set(given) - names - without),
        ("given splits name every patient", names - unlabelled - set(given)),
        ("a patient without a label is in no split but `unlabelled`", unlabelled & set(given)),
    ):
        check(
            rule,
            not wrong,
            "Mend the list, or leave patients out.",
            patients=sorted(wrong)[:5],
            count=len(wrong),
        )
    return {p.name: UNLABELLED if p.label is None else given[p.name] for p in patients}


def _read_as(reading: Reading | None) -> dict[str, Any]:
    kept = reading.to_dict() if reading else {}
    return {"read_as": kept} if kept else {}


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _digest(path: Path, folder: Path) -> tuple[str, int, str]:
    """Name, size and hash of both ends of a file: header, and checksum of what is compressed."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            ends = hashlib.sha256(file.read(_ENDS))
            file.seek(max(size - _ENDS, 0))
            ends.update(file.read(_ENDS))
    except OSError as error:
        raise MedSynthError(f"a volume file must be readable. Received: path={str(path)!r}.") from error
    return _relative(path, folder), size, ends.hexdigest()[:16]
