"""The groups of measures of an evaluation, by name: what each takes of both sets, and what it answers."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tf_medsynth.audits import measured as sets
from tf_medsynth.audits.measured import Arrays, Measured
from tf_medsynth.config.evaluation import EvaluationSettings
from tf_medsynth.evaluation.distribution import distribution_quality
from tf_medsynth.evaluation.diversity import diversity
from tf_medsynth.evaluation.features import Extractor
from tf_medsynth.evaluation.lesion import lesion_agreement
from tf_medsynth.evaluation.quality import image_quality
from tf_medsynth.evaluation.realism import real_or_synthetic
from tf_medsynth.evaluation.registration import registration_shifts
from tf_medsynth.evaluation.segmentation import slice_detection
from tf_medsynth.evaluation.structure import structure_quality
from tf_medsynth.generation import Synthesiser
from tf_medsynth.metrics.arrays import as_grey
from tf_medsynth.runs.judges import IMAGES_AT_ONCE
from tf_medsynth.stages.guides import LesionStage


@dataclasses.dataclass(frozen=True)
class Task:
    """What the groups measure, and with what.

    Attributes:
        measured: both sets.
        synthesiser: draws real maps again; None without a run.
        judge: reads lesions; None leaves out ``lesion``.
        extractor: gives features; None leaves out ``distribution``.
        settings: how much is measured.
        seed: of every draw.
    """

    measured: Measured
    synthesiser: Synthesiser | None
    judge: LesionStage | None
    extractor: Extractor | None
    settings: EvaluationSettings
    seed: int


def _structure(task: Task) -> dict[str, Any]:
    drawn, training = task.measured.drawn, task.measured.real["train"]["structure_map"]

    def beside(real: Arrays) -> dict[str, Any]:
        return structure_quality(
            drawn["structure_map"],
            drawn["background_mask"],
            real["structure_map"],
            real["background_mask"],
            training,
        )

    return {
        "structure": beside(task.measured.real["test"]),
        "structure_all_patients": beside(task.measured.everyone),
    }


def _quality(task: Task) -> dict[str, Any]:
    # Both sides show a lesion in every slice, however many of each set have none.
    drawn = sets.with_lesion(task.measured.drawn)

    def beside(real: Arrays) -> dict[str, Any]:
        shown = sets.with_lesion(real)
        images, inside = shown["images"], sets.organ(shown["images"])
        same = _on_own_maps(task, shown)
        names = task.measured.domain.channel_names()
        return image_quality(images, same, drawn["images"], inside, sets.drawn_organ(drawn), names)

    return {
        "quality": beside(task.measured.real["test"]),
        "quality_all_patients": beside(task.measured.everyone),
    }


def _registration(task: Task) -> dict[str, Any]:
    most, domain = task.settings.registered, task.measured.domain

    def shifts(images: np.ndarray) -> dict[str, Any]:
        return registration_shifts(as_grey(images, domain.channels), domain.modalities)

    return {
        "registration": {
            "synthetic": shifts(task.measured.drawn["images"][:most]),
            "real": shifts(sets.spread(task.measured.real["test"]["images"], most)),
        }
    }


def _realism(task: Task) -> dict[str, Any]:
    real = task.measured.everyone
    drawn = task.measured.drawn["images"]
    return {"realism": real_or_synthetic(real["images"], real["patient"], drawn, seed=task.seed)}


def _lesion(task: Task) -> dict[str, Any]:
    judge, drawn = task.judge, task.measured.drawn
    assert judge is not None
    everyone = task.measured.real["test"]
    shown = everyone["lesion_label"].any(axis=(1, 2, 3))
    own = sets.with_lesion(everyone)
    real, synthetic = (_found(judge, images["images"]) for images in (everyone, drawn))
    found, probability = (part[shown] for part in real)
    agreement = functools.partial(lesion_agreement, classes=task.measured.domain.label.classes)
    ceiling = agreement(found, own["lesion_label"], own["patient"], probability=probability)
    answer = {
        "real": {**ceiling, "slices": _told_apart(*real, everyone)},
        "synthetic": {
            **agreement(synthetic[0], drawn["lesion_label"], real_ceiling=ceiling, probability=synthetic[1]),
            "slices": _told_apart(*synthetic, drawn),
        },
    }
    same = _on_own_maps(task, own)
    if same is not None:
        found, probability = _found(judge, same)
        answer["own_maps"] = agreement(found, own["lesion_label"], own["patient"], ceiling, probability)
    return {"lesion": answer}


def _told_apart(found: np.ndarray, probability: np.ndarray, held: Arrays) -> dict[str, Any]:
    """Slices with a lesion against those without, and how many there are of each."""
    label = held["lesion_label"][..., 0]
    shown = int(label.any(axis=(1, 2)).sum())
    counts = {"with_lesion": shown, "without_lesion": len(label) - shown}
    return counts | slice_detection(found[..., 0], probability[..., 0], label)


def _distribution(task: Task) -> dict[str, Any]:
    extractor, most = task.extractor, task.settings.feature_samples
    assert extractor is not None
    names: list[np.ndarray] = []
    splits: list[str] = []

    def real_images() -> Any:
        for images, patients, split in task.measured.real_batches(most):
            names.append(patients)
            splits.extend([split] * len(images))
            yield images

    channels = task.measured.domain.channel_names()
    real = extractor.features(real_images(), channels)
    drawn = extractor.features(task.measured.drawn_batches(most), channels)
    patients, tests = np.concatenate(names), np.array(splits) == "test"

    def beside(rows: np.ndarray) -> dict[str, Any]:
        return {
            name: distribution_quality(
                real[name][rows], patients[rows], drawn[name], task.settings.neighbours, task.seed
            )
            for name in real
        }

    answer = {
        "extractor": extractor.describe(),
        "neighbours": task.settings.neighbours,
        "all_patients": beside(np.ones(len(patients), bool)),
    }
    if len(np.unique(patients[tests])) > 1:
        answer["test_patients"] = beside(tests)
    return {"distribution": answer}


def _diversity(task: Task) -> dict[str, Any]:
    real, drawn = task.measured.everyone, task.measured.drawn["images"]
    found = diversity(
        real["images"],
        real["patient"],
        drawn,
        task.settings.pairs,
        task.seed,
        modalities=task.measured.domain.channel_names(),
    )
    return {"diversity": found}


def _on_own_maps(task: Task, real: Arrays) -> np.ndarray | None:
    """Every real slice drawn again from its own map, mask and label; None without networks."""
    if task.synthesiser is None:
        return None
    index = np.arange(len(real["images"]), dtype=np.int64)
    return task.synthesiser.render(
        real["structure_map"], real["background_mask"], real["lesion_label"], task.seed, index
    )


def _found(judge: LesionStage, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class codes and the probability of a lesion, `(n, H, W, 1)` each."""
    parts = [
        judge.segment_surely(images[i : i + IMAGES_AT_ONCE]) for i in range(0, len(images), IMAGES_AT_ONCE)
    ]
    found, probability = (
        np.concatenate([np.asarray(part) for part in of]) for of in zip(*parts, strict=True)
    )
    return found, probability


GROUPS: Mapping[str, Callable[[Task], dict[str, Any]]] = {
    "structure": _structure,
    "quality": _quality,
    "registration": _registration,
    "realism": _realism,
    "lesion": _lesion,
    "distribution": _distribution,
    "diversity": _diversity,
}
"""Functions of a `Task`, each answering the keys it adds to the evaluation."""
