"""How clearly intensities tell where two volumes of one head belong, on a folder of real patients.

    python benchmarks/placement.py --scans DIR [--steps 1 2 3 5] [--json]

At every resolution (every n-th voxel of the file), lowest and median over the patients:

- image: agreement of each other modality with T1 as stored, in the best of all flips, and the margin;
- mirrored: in how many of them a T2, T1c or Flair mirrored left to right is named, and how many that
  are not mirrored are accused;
- displaced: what a flip gains at most over a modality that is displaced by 10 to 30 mm;
- label: agreement of the label in its own place, in the best of all flips and shifts of 6 to 8 voxels
  of 2 mm, and the margin; how many are decided, and how many for another place;
- ms: processor time of all checks of a patient with five volumes, reading not included.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tf_medsynth.imaging.agreement import (
    AS_STORED,
    Ranking,
    edges,
    image_places,
    label_mirror_check,
    label_places,
    mirror_check,
)
from tf_medsynth.imaging.volumes import read_volume
from tf_medsynth.runtime import log_to_stderr, progress

KINDS = (("_t1", "-t1n"), ("_t2", "-t2w"), ("_t1ce", "-t1c"), ("_flair", "-t2f"), ("_seg", "-seg"))
SHIFTS = ((6, -5, 0), (0, 8, 0), (8, 0, 0))  # (x, y, z), voxels of 2 mm
DISPLACED = ((0, 0, 5), (0, 4, -10), (4, 6, 0), (0, 0, 15), (0, 0, -15), (0, 15, 0))  # (z, y, x), the same


class Patient(NamedTuple):
    """A patient's volumes `(z, y, x)`, T1, T2, T1c and Flair, and where the files say they begin."""

    name: str
    images: list[np.ndarray]
    label: np.ndarray
    origin: tuple[float, ...]
    label_origin: tuple[float, ...]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scans", type=Path, required=True, help="folder of patients, only read")
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 2, 3, 5])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    log_to_stderr()
    found = {}
    for step in arguments.steps:
        found[step] = measure(arguments.scans, step)
        if not arguments.json:
            print(f"every {step}. voxel", *(f"  {k:36s} {v}" for k, v in found[step].items()), sep="\n")
    if arguments.json:
        print(json.dumps(found))


def real_patients(scans: Path, step: int = 1) -> Iterator[Patient]:
    """Every patient of a folder in the BraTS layouts of 2017 to 2023, every `step`-th voxel."""
    for folder in sorted(path for path in scans.iterdir() if path.is_dir()):
        volumes = []
        for words in KINDS:
            files = [
                f for f in folder.iterdir() if f.name.lower().endswith(tuple(f"{w}.nii.gz" for w in words))
            ]
            volumes.append(read_volume(files[0]))
        arrays = [np.ascontiguousarray(volume.array[::step, ::step, ::step]) for volume in volumes]
        yield Patient(folder.name, arrays[:4], arrays[4], volumes[0].origin, volumes[4].origin)


def shifted(array: np.ndarray, by: tuple[int, ...]) -> np.ndarray:
    """The array moved by whole voxels (z, y, x), 0 where nothing comes from."""
    moved = np.zeros_like(array)
    to, start = [], []
    for length, step in zip(array.shape, by, strict=True):
        to.append(slice(max(0, step), max(0, length + min(0, step))))
        start.append(slice(max(0, -step), max(0, length - max(0, step))))
    moved[tuple(to)] = array[tuple(start)]
    return moved


def measure(scans: Path, step: int) -> dict[str, str]:
    """One row a question, as text."""
    images, labels, gains, times = [], [], [], []
    named = accused = decided = wrong = label_named = 0
    for patient in progress(real_patients(scans, step), label=f"every {step}. voxel", unit="patient"):
        start = time.process_time()
        reference, *others = [edges(image) for image in patient.images]
        for other in others:
            accused += mirror_check(reference, other) is not None
        label_mirror_check([reference, *others], patient.label)
        times.append(1000 * (time.process_time() - start))
        for image in patient.images[1:]:
            named += mirror_check(reference, image[..., ::-1]) == "left-right mirrored"
            images.append(_own_and_best(image_places(reference, image)))
            if step == 2:
                for by in DISPLACED:
                    own, other = _own_and_best(image_places(reference, shifted(image, by)))
                    gains.append(other - own)
        places = {}
        for by in SHIFTS:
            for sign in (1, -1):
                steps = tuple(round(sign * v * 2 / step) for v in by[::-1])
                places[str(steps)] = shifted(patient.label, steps)
        ranking = label_places([reference, *others], patient.label, places)
        labels.append(_own_and_best(ranking))
        decided += ranking.decided and ranking.best == AS_STORED
        wrong += ranking.decided and ranking.best != AS_STORED
        mirrored = label_mirror_check([reference, *others], patient.label[..., ::-1])
        label_named += mirrored == "left-right mirrored"
    return {
        **_margins("image", images),
        "mirrored named / accused wrongly": f"{named} / {accused} of {len(images)}",
        **({"displaced, most that a flip gains": f"{max(gains):.3f}"} if gains else {}),
        **_margins("label", labels),
        "label decided / for another place": f"{decided} / {wrong} of {len(labels)}",
        "label mirrored, named": f"{label_named} of {len(labels)}",
        "ms, median": f"{np.median(times):.0f}",
    }


def _own_and_best(ranking: Ranking) -> tuple[float, float]:
    """The agreement as stored, and in the best other place."""
    others = [score for name, score in ranking.scores.items() if name != AS_STORED]
    return ranking.scores[AS_STORED], max(others)


def _margins(name: str, rows: list[tuple[float, float]]) -> dict[str, str]:
    own, other = np.array(rows).T
    return {
        f"{name} as stored, least and median": f"{own.min():.3f} {np.median(own):.3f}",
        f"{name} elsewhere, most and median": f"{other.max():.3f} {np.median(other):.3f}",
        f"{name} margin, least and median": f"{(own - other).min():.3f} {np.median(own - other):.3f}",
    }


if __name__ == "__main__":
    main()
