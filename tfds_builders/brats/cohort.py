"""A folder of patients as a cohort: who is in which split, what it was made from, is it sound."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.datasets import BratsSettings
from tf_medsynth.config.layouts import PatientFiles, find_patients, split_of
from tf_medsynth.runtime import progress
from tf_medsynth.types import MedSynthError
from tfds_builders.brats.examples import crop_box
from tfds_builders.brats.patient import read_patient

_ENDS = 1 << 16


@dataclasses.dataclass(frozen=True)
class Cohort:
    """Patients by split, with the fingerprint of settings and files.

    Attributes:
        folder: what all paths are relative to.
        settings: what chose patients and splits.
        splits: ``train``, then ``validation`` and ``test`` as far as the settings ask for them.
        fingerprint: changes when settings, names, sizes or contents of the files do.
    """

    folder: Path
    settings: BratsSettings
    splits: Mapping[str, tuple[PatientFiles, ...]]
    fingerprint: str

    @property
    def patients(self) -> list[PatientFiles]:
        """All patients, by name."""
        return sorted((p for split in self.splits.values() for p in split), key=lambda p: p.name)

    def record(self, remarks: tuple[str, ...]) -> dict[str, Any]:
        """What is kept beside the data set: fingerprint, settings, patients and their files."""
        return {
            "fingerprint": self.fingerprint,
            "settings": self.settings.to_dict(),
            "remarks": list(remarks),
            "patients": {
                patient.name: {
                    "split": split,
                    "group": patient.group,
                    "layout": patient.layout,
                    "files": {name: _relative(path, self.folder) for name, path in _files(patient).items()},
                }
                for split, patients in self.splits.items()
                for patient in patients
            },
        }


def read_cohort(folder: str | os.PathLike[str], settings: BratsSettings, version: str) -> Cohort:
    """The cohort in `folder`; no voxel is read.

    Raises:
        MedSynthError: what `find_patients` raises, or a split that would hold no patient.
    """
    folder = Path(folder)
    patients = find_patients(folder, settings.layout, settings.aliases)
    wanted = ["train"]
    wanted += ["validation"] if settings.validation_fraction > 0 else []
    wanted += ["test"] if settings.test_fraction > 0 else []
    splits = {name: tuple(p for p in patients if _split(p, settings) == name) for name in wanted}
    for name, members in splits.items():
        check(
            f"split {name} needs a patient",
            bool(members),
            "The hash put none there: more patients, another split_seed, or a share of 0 for no such split.",
            patients=len(patients),
            split_seed=settings.split_seed,
        )
    check_disjoint(splits)
    files = {p.name: {n: _digest(f, folder) for n, f in _files(p).items()} for p in patients}
    return Cohort(folder, settings, splits, fingerprint(version, settings.to_dict(), files))


def check_disjoint(splits: Mapping[str, tuple[PatientFiles, ...]]) -> None:
    """Raises where one person is in two splits."""
    seen: dict[str, str] = {}
    for split, patients in splits.items():
        for patient in patients:
            other = seen.setdefault(patient.group, split)
            check(
                "a person is in one split only",
                other == split,
                patient=patient.name,
                splits=(other, split),
            )


def check_voxels(cohort: Cohort) -> tuple[str, ...]:
    """Remarks on the cohort, once every volume has been read and every rule holds.

    One patient is in memory at a time. Nothing has been written when this raises.

    Raises:
        MedSynthError: naming the first file that breaks a rule.
    """
    remarks: list[str] = []
    for files in progress(cohort.patients, label="checking", unit="patient"):
        patient = read_patient(files)
        crop_box(patient.header.shape, cohort.settings, patient.name)
        remarks += patient.remarks
    return tuple(remarks)


def _split(patient: PatientFiles, settings: BratsSettings) -> str:
    fractions = settings.test_fraction, settings.validation_fraction
    return split_of(patient.name, settings.split_seed, *fractions, settings.aliases, settings.test_fold)


def _files(patient: PatientFiles) -> dict[str, Path]:
    files = {str(modality): path for modality, path in patient.images.items()}
    return files | ({"label": patient.label} if patient.label else {})


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
