"""Patients cut into examples ahead of the records: a file each, so that many processes can share the work."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_medsynth.cohorts.comparison import Portrait
from tf_medsynth.cohorts.patient import Reading
from tf_medsynth.cohorts.report import Finding
from tf_medsynth.cohorts.survey import PatientFiles
from tf_medsynth.config.datasets import BratsSettings
from tf_medsynth.imaging.lesion_anatomy import CodeAnatomy
from tf_medsynth.runtime import atomic_path
from tfds_builders.brats.cohort import examine_patient
from tfds_builders.brats.examples import Example, patient_examples

_KEYS, _SEEN, _THUMBNAIL = "keys", "seen", "thumbnail"


def cut_patient(folder: Path, settings: BratsSettings, files: PatientFiles) -> None:
    """Reads, checks and cuts one patient into a file of its own in `folder`, unless it is there.

    Raises:
        MedSynthError: what `examine_patient` raises.
    """
    path = _path(folder, files.name)
    if path.is_file():
        return
    examined = examine_patient(files, settings)
    assert examined.volumes is not None
    examples = dict(patient_examples(examined.volumes, settings))
    columns: dict[str, np.ndarray] = {_KEYS: np.array(list(examples), np.str_)}
    for name in next(iter(examples.values()), {}):
        columns[f"example_{name}"] = np.stack([np.asarray(example[name]) for example in examples.values()])
    portrait = Portrait.of(examined)
    seen = {
        "facts": portrait.facts,
        "digests": portrait.digests,
        "anatomy": {code: dataclasses.asdict(one) for code, one in portrait.anatomy.items()},
        "findings": [dataclasses.asdict(finding) for finding in examined.findings],
        "reading": dataclasses.asdict(examined.reading),
    }
    columns[_SEEN], columns[_THUMBNAIL] = np.array(json.dumps(seen)), portrait.thumbnail
    with atomic_path(path, shared=True) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **columns)


def cut_examples(folder: Path, patient: str) -> Iterator[tuple[str, Example]]:
    """Keys and examples of a patient that was cut into `folder`, as `patient_examples` gave them."""
    columns = _read(folder, patient)
    keys = columns.pop(_KEYS)
    del columns[_SEEN], columns[_THUMBNAIL]
    for row, key in enumerate(keys):
        yield str(key), {name.removeprefix("example_"): values[row] for name, values in columns.items()}


def cut_portrait(folder: Path, files: PatientFiles) -> tuple[Portrait, list[Finding], Reading]:
    """What was seen of a patient who was cut into `folder`."""
    with _path(folder, files.name).open("rb") as file, np.load(file, allow_pickle=False) as columns:
        seen, thumbnail = json.loads(str(columns[_SEEN])), columns[_THUMBNAIL]
    anatomy = {
        int(code): CodeAnatomy(**one | {"touches": {int(c): share for c, share in one["touches"].items()}})
        for code, one in seen["anatomy"].items()
    }
    portrait = Portrait(files, seen["facts"], anatomy, tuple(seen["digests"]), thumbnail)
    return portrait, [Finding(**finding) for finding in seen["findings"]], Reading(**seen["reading"])


def _read(folder: Path, patient: str) -> dict[str, np.ndarray]:
    with _path(folder, patient).open("rb") as file, np.load(file, allow_pickle=False) as columns:
        return {name: columns[name] for name in columns.files}


def _path(folder: Path, patient: str) -> Path:
    return folder / f"{patient}.npz"
