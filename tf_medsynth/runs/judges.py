"""Lesion segmentors of real patients whom a generator never saw, each tested on patients of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.persons import split_group
from tf_medsynth.data.patients import check_apart, patient_folds
from tf_medsynth.data.slices import SliceSource, open_slices
from tf_medsynth.runs.restore import load_stage
from tf_medsynth.runs.run_directory import StageDirectory
from tf_medsynth.runs.train import train
from tf_medsynth.stages.guides import LesionStage

MOST_FOLDS = 3
IMAGES_AT_ONCE = 8
"""Images that a judge sees together."""


@dataclasses.dataclass(frozen=True)
class Judges:
    """K trained segmentors, and the patients that each of them never saw.

    Attributes:
        source: the real slices, of all folds.
        folds: names of the patients left out of each segmentor's training.
        directories: where each was trained.
    """

    source: SliceSource
    folds: tuple[tuple[str, ...], ...]
    directories: tuple[StageDirectory, ...]

    def answers(self, images: np.ndarray, label: str = "judging") -> np.ndarray:
        """What every judge sees in `images` `(n, H, W, M)`: `(K, n, H, W)` uint8 class codes."""
        return np.stack([_found(directory, images, label) for directory in self.directories])

    def calibration(self) -> dict[str, np.ndarray]:
        """Real slices judged by who never saw their patient.

        Returns:
            ``found`` and ``label`` `(m, H, W)` uint8, ``patient`` `(m,)` text, ``judge`` `(m,)` int.
        """
        parts = []
        for number, (patients, directory) in enumerate(zip(self.folds, self.directories, strict=True)):
            kept = list(self._of(patients).examples(names=True).as_numpy_iterator())
            images = np.stack([e["images"] for e in kept])
            parts.append(
                {
                    "found": _found(directory, images, f"judging real patients, fold {number}"),
                    "label": np.stack([e["lesion_label"][..., 0] for e in kept]).astype(np.uint8),
                    "patient": np.array([e["patient"].decode() for e in kept]),
                    "judge": np.full(len(kept), number),
                }
            )
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _of(self, patients: Sequence[str]) -> SliceSource:
        return dataclasses.replace(self.source, patients=tuple(patients))


def train_judges(
    data: str,
    data_dir: Path | str,
    folder: Path | str,
    *,
    unseen_by: Sequence[str],
    data_settings: Mapping[str, Any],
    split: str = "test",
    folds: int | None = None,
    preset: str = "brats96",
    overrides: Mapping[str, Any] | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> Judges:
    """Trains what is not trained yet of K segmentors, each on all patients of `split` but its own fold.

    Stopped anywhere, it goes on from there when it is called again; finished judges are recognised.

    Args:
        data, data_dir: prepared dataset.
        folder: where judges are kept, under a name of everything that decides them.
        unseen_by: hashes of the generator's training patients and persons, of `hashes_of`.
        data_settings: how the generator's intensities were read, or judges see another contrast.
        split: of the patients.
        folds: K; without it 3, or as many as there are patients.
        preset, overrides, steps: of stage L; the scheme is ``stacked``.
        seed: of initial weights and batches, another one for each judge.

    Raises:
        MedSynthError: a patient of the generator's training, fewer than two patients, unknown data.
    """
    settings = DataSettings.from_dict(data_settings)
    source = open_slices(data, data_dir, split, settings)
    check_apart(
        source.patients,
        unseen_by,
        "a judge may not know a patient the generator was trained on",
        "Judge by patients of another split or dataset.",
    )
    count = len({split_group(name) for name in source.patients})
    check("judges need at least 2 patients whom the generator never saw", count >= 2, patients=count)
    parts = patient_folds(source.patients, min(MOST_FOLDS, count) if folds is None else folds)
    check("every judge needs a patient to train on: at least 2 folds", len(parts) >= 2, folds=len(parts))
    changes = {
        **(overrides or {}),
        "scheme": "stacked",
        "held_out": 0.0,
        **{f"data.{key}": value for key, value in data_settings.items()},
    }
    name = fingerprint("judges", source.fingerprint, parts, preset, changes, steps, seed)
    home = Path(folder) / f"judges-{name}"
    for number, left_out in enumerate(parts):
        own = np.random.SeedSequence((seed, len(parts), number)).generate_state(1)
        train(
            "lesion",
            data=data,
            data_dir=data_dir,
            run=home,
            preset=preset,
            overrides=changes,
            steps=steps,
            seed=int(own[0]),
            precision="float32",
            resume=True,
            folder=f"judge_{number}",
            split=split,
            patients=[patient for patient in source.patients if patient not in left_out],
        )
    places = tuple(StageDirectory(home / f"judge_{number}") for number in range(len(parts)))
    return Judges(source, tuple(map(tuple, parts)), places)


def _found(directory: StageDirectory, images: np.ndarray, label: str) -> np.ndarray:
    stage = load_stage(directory)
    assert isinstance(stage, LesionStage)
    starts = runtime.progress(range(0, len(images), IMAGES_AT_ONCE), label=label, unit="batch")
    parts = [np.asarray(stage.segment(images[start : start + IMAGES_AT_ONCE])) for start in starts]
    return np.concatenate(parts)[..., 0].astype(np.uint8)
