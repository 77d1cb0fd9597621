"""The certificate of memorisation: is a sample a copy of a training patient?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.evaluation.memorisation import ImageSet, memorisation
from tf_medsynth.experiments.audit import Kind
from tf_medsynth.experiments.audit.samples import Samples

TRAINING, HELD_OUT = "train", "test"


def measure(target: Samples, against: Samples | None, seed: int) -> dict[str, Any]:
    """Distances of the target to the training split of `against`, judged by its test split.

    Returns:
        As `evaluation.memorisation`, with the distances of each sample under ``rows`` instead.

    Raises:
        MedSynthError: `against` has no training and test patients.
    """
    training, heldout = _splits(against)
    found = memorisation(
        ImageSet(target.images, target.lesion_label), training, heldout, seed=seed, progress=runtime.progress
    )
    spaces = found["spaces"]
    columns = {name: (space.pop("distance"), space.pop("nearest_patient")) for name, space in spaces.items()}
    for space in spaces.values():
        space.pop("nearest")
    found["rows"] = [
        {
            "sample": str(key),
            **{f"{name}_distance": distance[row] for name, (distance, _) in columns.items()},
            **{f"{name}_nearest": nearest[row] for name, (_, nearest) in columns.items()},
            "copy": any(
                distance[row] is not None and distance[row] < spaces[name]["threshold"]
                for name, (distance, _) in columns.items()
            ),
        }
        for row, key in enumerate(target.keys)
    ]
    return found


def render(certificate: Mapping[str, Any]) -> list[str]:
    """One line a space, and membership."""
    counts, told = certificate["counts"], certificate["membership"]
    lines = [
        f"{counts['samples']} samples against {counts['training_patients']} training patients; "
        f"threshold from {counts['heldout_patients']} held-out patients"
    ]
    for name, space in certificate["spaces"].items():
        lines.append(
            f"{name}: {space['copies']} of {space['judged']} samples ({space['copy_share']:.1%}) nearer than "
            f"{space['threshold']:.3f}, as {certificate['false_alarm']:.0%} of held-out slices are; median "
            f"{space['samples']['median']:.3f}, held out {space['heldout']['median']:.3f}"
        )
    lines.append(
        f"membership inference: AUC {told['auc']:.3f} [{told['low']:.3f}, {told['high']:.3f}]; 0.5 is no leak"
    )
    return lines


def _splits(against: Samples | None) -> tuple[ImageSet, ImageSet]:
    splits = None if against is None else against.splits
    check(
        "copies are looked for in the training split, and judged by the test split, of a prepared dataset",
        against is not None
        and against.patients is not None
        and splits is not None
        and {TRAINING, HELD_OUT} <= set(splits.tolist()),
        "Give --against DATASET --data-dir DIR, without :SPLIT.",
        against=None if against is None else against.name,
        splits=None if splits is None else sorted(set(splits.tolist())),
    )
    assert against is not None and splits is not None
    parts = (against.take(splits == name) for name in (TRAINING, HELD_OUT))
    first, second = (ImageSet(part.images, part.lesion_label, part.patients) for part in parts)
    return first, second


KIND = Kind(measure, render, needs_against=True)
