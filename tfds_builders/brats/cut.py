"""Patients cut into examples ahead of the records: a file each, so that many processes can share the work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_medsynth.config.datasets import BratsSettings
from tf_medsynth.config.layouts import PatientFiles
from tf_medsynth.runtime import atomic_path
from tfds_builders.brats.examples import Example, patient_examples
from tfds_builders.brats.patient import read_patient

_KEYS, _REMARKS = "keys", "remarks"


def cut_patient(folder: Path, settings: BratsSettings, files: PatientFiles) -> None:
    """Reads, checks and cuts one patient into a file of its own in `folder`, unless it is there.

    Raises:
        MedSynthError: what `read_patient` and `crop_box` raise.
    """
    path = _path(folder, files.name)
    if path.is_file():
        return
    patient = read_patient(files)
    examples = dict(patient_examples(patient, settings))
    columns: dict[str, np.ndarray] = {_KEYS: np.array(list(examples), np.str_)}
    for name in next(iter(examples.values()), {}):
        columns[f"example_{name}"] = np.stack([np.asarray(example[name]) for example in examples.values()])
    columns[_REMARKS] = np.array(patient.remarks, np.str_)
    with atomic_path(path, shared=True) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **columns)


def cut_examples(folder: Path, patient: str) -> Iterator[tuple[str, Example]]:
    """Keys and examples of a patient that was cut into `folder`, as `patient_examples` gave them."""
    columns = _read(folder, patient)
    keys = columns.pop(_KEYS)
    del columns[_REMARKS]
    for row, key in enumerate(keys):
        yield str(key), {name.removeprefix("example_"): values[row] for name, values in columns.items()}


def cut_remarks(folder: Path, patient: str) -> tuple[str, ...]:
    """Remarks on a patient that was cut into `folder`."""
    with _path(folder, patient).open("rb") as file, np.load(file, allow_pickle=False) as columns:
        return tuple(str(remark) for remark in columns[_REMARKS])


def _read(folder: Path, patient: str) -> dict[str, np.ndarray]:
    with _path(folder, patient).open("rb") as file, np.load(file, allow_pickle=False) as columns:
        return {name: columns[name] for name in columns.files}


def _path(folder: Path, patient: str) -> Path:
    return folder / f"{patient}.npz"
