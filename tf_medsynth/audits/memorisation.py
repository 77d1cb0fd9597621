"""The certificate of memorisation: is a sample a copy of a training patient?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.audits.audit import Kind
from tf_medsynth.config.base import check
from tf_medsynth.data.patients import check_apart, hashes_of, patient_hash
from tf_medsynth.evaluation.features import Extractor
from tf_medsynth.evaluation.memorisation import DescribedSet, described, memorisation
from tf_medsynth.runs.origin import known_origin
from tf_medsynth.runs.samples import Samples

TRAINING, HELD_OUT = "train", "test"


def measure(
    target: Samples, against: Samples | None, seed: int, extractor: Extractor | None = None
) -> dict[str, Any]:
    """Distances of the target to the training split of `against`, judged by its test split.

    Args:
        target: any set.
        against: of a prepared dataset, read as the target's generator read its own, where that is known.
        seed: of the bootstrap.
        extractor: of features; without one they are not compared.

    Returns:
        As `evaluation.memorisation`, with the distances of each sample under ``rows`` instead;
        ``extractor``, None without one; ``patients_not_compared``: how many the generator was trained on
        whom the training split does not hold, None where nobody says whom it was trained on.

    Raises:
        MedSynthError: `against` has no training and test patients, or the generator saw a held-out one.
    """
    training, heldout = _splits(against)
    channels = target.domain.channel_names()
    held, others = (described(one.batches(), extractor, channels) for one in (training, heldout))
    missing = _not_compared(target, held, others)
    drawn = described(target.batches(), extractor, channels)
    found = memorisation(drawn, held, others, seed=seed, progress=runtime.progress)
    found["extractor"] = None if extractor is None else extractor.describe()
    found["patients_not_compared"] = missing
    spaces = found["spaces"]
    columns = {name: (space.pop("distance"), space.pop("nearest_patient")) for name, space in spaces.items()}
    for space in spaces.values():
        space.pop("nearest")
    named = {name for _, nearest in columns.values() for name in nearest if name is not None}
    hashes = {name: patient_hash(name) for name in named}  # a certificate lies beside what is published
    found["rows"] = [
        {
            "sample": str(key),
            **{f"{name}_distance": distance[row] for name, (distance, _) in columns.items()},
            **{f"{name}_nearest": hashes.get(nearest[row]) for name, (_, nearest) in columns.items()},
            "copy": any(
                distance[row] is not None and distance[row] < spaces[name]["threshold"]
                for name, (distance, _) in columns.items()
            ),
        }
        for row, key in enumerate(drawn.keys if drawn.keys is not None else ())
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
    extractor, missing = certificate["extractor"], certificate["patients_not_compared"]
    if extractor is not None:
        lines.append(f"features of {extractor['name']}, sha256 {extractor['sha256']}")
    if missing:
        lines.append(f"NOT COMPARED: {missing} patients whom the generator saw are not in the training split")
    lines.append(
        f"membership inference: AUC {told['auc']:.3f} [{told['low']:.3f}, {told['high']:.3f}]; 0.5 is no leak"
    )
    return lines


def _splits(against: Samples | None) -> tuple[Samples, Samples]:
    splits = {} if against is None else against.splits
    check(
        "copies are looked for in the training split, and judged by the test split, of a prepared dataset",
        {TRAINING, HELD_OUT} <= splits.keys(),
        "Give --against DATASET --data-dir DIR, without :SPLIT.",
        against=None if against is None else against.name,
        splits=sorted(splits),
    )
    return splits[TRAINING], splits[HELD_OUT]


def _not_compared(target: Samples, training: DescribedSet, heldout: DescribedSet) -> int | None:
    """How many patients the generator saw who are not in `training`; None where it is not known."""
    origin = known_origin(target)
    if origin is None:
        return None
    names = [set() if one.patients is None else set(one.patients.tolist()) for one in (training, heldout)]
    check_apart(
        names[1],
        hashes_of(origin),
        "what a copy is can only be told by patients whom the generator never saw",
        "Give the dataset that it was trained on, split as it was then.",
    )
    return len(set(origin["patient_hashes"]) - set(map(patient_hash, names[0])))


KIND = Kind(measure, render, needs_against=True, takes_features=True)
