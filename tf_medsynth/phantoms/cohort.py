"""The embedded cohort in files: BRATS2015 folders that the real reader reads."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth.config.base import check
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.imaging.volumes import Volume, write_volume
from tf_medsynth.phantoms.acquisition import acquire, image_grid
from tf_medsynth.phantoms.tumour import draw_plan
from tf_medsynth.runtime.disk import check_room
from tf_medsynth.runtime.files import atomic_path, json_text
from tf_medsynth.runtime.memory import check_memory
from tf_medsynth.runtime.places import check_writable
from tf_medsynth.runtime.terminal import log, progress
from tf_medsynth.types import MedSynthError

SMALLEST, LARGEST = 32, 10_000
"""Pixels a side: below the first neither cortex nor rim can be told; no scanner reaches the second."""

PARAMETERS = ".phantom.json"
"""In a patient's folder: what it was drawn from. Hidden, so that no reader takes it for data."""

ANATOMY = 1
"""Raised whenever the same seed gives another patient."""

_BYTES_PER_VOXEL = 1.6
_MEMORY_PER_VOXEL = 60.0
"""Bytes on the disk, and bytes that drawing takes at its peak."""
_CORNER = (0.0, -239.0, 0.0)


def phantom(*, patients: int, size: int, seed: int, out: Path) -> list[Path]:
    """Folders of a synthetic cohort in BRATS2015 layout, one a patient, written under `out`.

    Patient *i* is named by (seed, *i*): the same anatomy, disease and bytes whatever `patients` is, and
    the same anatomy and disease at every `size`. A patient who is already there is kept.

    Args:
        patients: how many.
        size: rows and columns of a slice; a volume is `(round(size * 155 / 240), size, size)` voxels of
            ``240 / size`` mm.
        seed: names the cohort, >= 0.
        out: made where it is missing; patients stand in ``out/HGG`` and ``out/LGG``.

    Raises:
        MedSynthError: a value out of range, `out` cannot be written or holds another cohort, disk full.
    """
    check("patients must be positive", patients > 0, patients=patients)
    check(f"size lies in {SMALLEST} .. {LARGEST} pixels", SMALLEST <= size <= LARGEST, size=size)
    check("seed must not be negative", seed >= 0, seed=seed)
    out = Path(out)
    there = min(_check_cohort(out, seed, size), patients)
    voxels = math.prod(image_grid(size).shape)
    check_memory("a patient", voxels * _MEMORY_PER_VOXEL, "Ask for a smaller size.", size=size)
    needed = (patients - there) * voxels * _BYTES_PER_VOXEL
    check_room(out, needed, "Make room, or ask for fewer patients or a smaller size.")
    if there:
        log.info("phantom: %d of %d patients are already there, kept", there, patients)
    folders = []
    for patient in progress(range(patients), total=patients, label="phantom", unit="patient"):
        folders.append(folder := _folder(out, seed, patient))
        if folder.is_dir():
            continue
        try:
            _write(folder, patient, size, seed)
        except (OSError, RuntimeError) as error:
            raise MedSynthError(
                f"a patient must be written whole, {folder.name} was not. "
                f"Received: out={str(out)!r}, reason={_last_line(error)!r}. "
                "Make room or choose another place, then run the same command again."
            ) from error
    return folders


def _folder(out: Path, seed: int, patient: int) -> Path:
    return out / draw_plan(seed, patient).grade / f"brats_phantom_pat{patient + 1:04d}_1"


def _parameters(seed: int, size: int) -> dict[str, Any]:
    return {"anatomy": ANATOMY, "seed": seed, "size": size}


def _check_cohort(out: Path, seed: int, size: int) -> int:
    """How many patients `out` holds; raises where they are of another cohort, or it cannot be written."""
    check_writable(out)
    wanted = _parameters(seed, size)
    found = {folder: _read(folder) for folder in sorted(out.glob("*GG/brats_phantom_pat*"))}
    for folder, parameters in found.items():
        check(
            "the output folder must not hold another cohort",
            parameters == wanted,
            "Choose another folder, or remove that one.",
            folder=str(folder),
            found=parameters,
            wanted=wanted,
        )
    return len(found)


def _read(folder: Path) -> Any:
    try:
        return json.loads((folder / PARAMETERS).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return None


def _write(folder: Path, patient: int, size: int, seed: int) -> None:
    """Writes one patient's five volumes and parameters; the folder appears whole or not at all."""
    images, label, _ = acquire(seed, patient, size)
    grid = image_grid(size)
    origin = tuple(float(corner + grid.start[0]) for corner in _CORNER)
    with atomic_path(folder) as partial:
        for number, modality in enumerate(BRAIN_MRI.modalities):
            name = f"VSD.Brain.XX.O.MR_{modality}.{10 * (patient + 1) + number}"
            _write_volume(partial, name, images[modality], grid.spacing, origin)
        name = f"VSD.Brain_3more.XX.O.OT.{10 * (patient + 1) + BRAIN_MRI.num_modalities}"
        _write_volume(partial, name, label, grid.spacing, origin)
        (partial / PARAMETERS).write_text(json_text(_parameters(seed, size)), encoding="utf-8")


def _write_volume(
    folder: Path, name: str, array: np.ndarray, spacing: float, origin: tuple[float, ...]
) -> None:
    (folder / name).mkdir(parents=True)
    volume = Volume(array, spacing=(spacing, spacing, spacing), origin=origin)
    write_volume(volume, folder / name / f"{name}.mha")


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__
