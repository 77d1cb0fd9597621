"""Simulated photographs of the fundus in files: folders as DRIVE has them, read by the `retina` builder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tf_medsynth.config.base import check
from tf_medsynth.phantoms.fundus_photograph import photograph
from tf_medsynth.runtime.disk import check_room
from tf_medsynth.runtime.files import atomic_path, json_text
from tf_medsynth.runtime.memory import check_memory
from tf_medsynth.runtime.places import check_writable
from tf_medsynth.runtime.terminal import log, progress
from tf_medsynth.types import MedSynthError

SMALLEST, LARGEST = 64, 4096
"""Pixels of height: below the first no branch is left; no camera of the published sets reaches the second."""

SET = "training"
PARAMETERS = ".phantom.json"
"""In the folder: what it was drawn from. Hidden, so that no reader takes it for data."""

ANATOMY = 1
"""Raised whenever the same seed gives another eye."""

_BYTES_PER_PIXEL = 3.2
_MEMORY_PER_PIXEL = 400.0
"""Bytes on the disk, and bytes that drawing takes at its peak."""


def phantom(*, patients: int, size: int, seed: int, out: Path) -> list[Path]:
    """Photographs of healthy simulated eyes, one a patient, written under ``out/training``.

    ``images/NN_training.tif``, ``1st_manual/NN_manual1.gif`` and ``mask/NN_training_mask.gif`` as in DRIVE.
    Eye *i* is named by (seed, *i*): the same bytes whatever `patients` is, and the same eye at every `size`.
    What is already there is kept.

    Args:
        patients: how many.
        size: height in px; DRIVE's photographs have 584.
        seed: names the cohort, >= 0.
        out: made where it is missing.

    Returns:
        The photographs.

    Raises:
        MedSynthError: a value out of range, `out` cannot be written or holds another cohort, disk full.
    """
    check("patients must be positive", patients > 0, patients=patients)
    check(f"size lies in {SMALLEST} .. {LARGEST} pixels", SMALLEST <= size <= LARGEST, size=size)
    check("seed must not be negative", seed >= 0, seed=seed)
    folder = Path(out) / SET
    check_writable(folder)
    wanted = {"anatomy": ANATOMY, "seed": seed, "size": size}
    _check_cohort(folder, wanted)
    check_memory("a photograph", size * size * _MEMORY_PER_PIXEL, "Ask for a smaller size.", size=size)
    paths = [_image(folder, number) for number in range(patients)]
    missing = [number for number, path in enumerate(paths) if not path.is_file()]
    needed = len(missing) * size * size * _BYTES_PER_PIXEL
    check_room(folder, needed, "Make room, or ask for fewer patients or a smaller size.")
    if len(missing) < patients:
        log.info("phantom: %d of %d photographs are already there, kept", patients - len(missing), patients)
    try:
        with atomic_path(folder / PARAMETERS, overwrite=True) as partial:
            partial.write_text(json_text(wanted), encoding="utf-8")
        for number in progress(missing, total=len(missing), label="phantom", unit="image"):
            _write(folder, number, seed, size)
    except OSError as error:
        raise MedSynthError(
            f"a photograph must be written whole. Received: out={str(out)!r}, reason={str(error)!r}. "
            "Make room or choose another place, then run the same command again."
        ) from error
    return paths


def _image(folder: Path, number: int) -> Path:
    return folder / "images" / f"{number + 1:02d}_{SET}.tif"


def _write(folder: Path, number: int, seed: int, size: int) -> None:
    """Writes the three files of a photograph; the image last, which says that it is whole."""
    taken, name = photograph(seed, number, size), f"{number + 1:02d}"
    _save(_binary(taken.label), folder / "1st_manual" / f"{name}_manual1.gif")
    _save(_binary(taken.field_of_view), folder / "mask" / f"{name}_{SET}_mask.gif")
    _save(taken.image, _image(folder, number), compression="tiff_lzw")


def _binary(plane: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(plane, 255, 0).astype(np.uint8)


def _save(pixels: NDArray[np.uint8], path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = {".tif": "TIFF", ".gif": "GIF"}[path.suffix]
    with atomic_path(path, overwrite=True) as partial:
        Image.fromarray(pixels).save(partial, format=kind, **options)


def _check_cohort(folder: Path, wanted: dict[str, Any]) -> None:
    """Raises where `folder` holds photographs that were drawn from other parameters, or from none."""
    if not any((folder / "images").glob("*")):
        return
    try:
        found = json.loads((folder / PARAMETERS).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        found = None
    check(
        "the output folder must not hold another cohort",
        found == wanted,
        "Choose another folder, or remove that one.",
        folder=str(folder),
        found=found,
        wanted=wanted,
    )
