"""Patients by a hash of their name, and folds that keep a patient whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from tf_medsynth.config.base import check
from tf_medsynth.config.families.lesion import LesionSettings
from tf_medsynth.config.persons import split_group


def patient_hash(name: str) -> str:
    """A 32-digit hexadecimal name, the same for the same patient everywhere.

    It keeps names out of what is passed on. It is no secret from someone who has the list of names:
    such a list can be hashed as well, which is how a shared patient is found.
    """
    return hashlib.sha256(f"medsynth patient {name}".encode()).hexdigest()[:32]


def patient_hashes(names: Iterable[str]) -> list[str]:
    """Hashes of `names`, sorted, so that their order tells nothing."""
    return sorted({patient_hash(name) for name in names})


def person_hashes(names: Iterable[str]) -> list[str]:
    """Hashes of the persons behind `names`, sorted: one person's scans of two years have one."""
    return sorted({_person_hash(name) for name in names})


def hashes_of(facts: Mapping[str, Any]) -> list[str]:
    """Hashes of the patients, and of the persons where they are told, of a record of training data."""
    return [*facts["patient_hashes"], *facts.get("person_hashes", ())]


def check_apart(names: Iterable[str], hashes: Iterable[str], rule: str, remedy: str = "") -> None:
    """Raises where a patient of `names`, or the person, is among those `hashes`, and says who.

    Raises:
        MedSynthError: a shared patient or person.
    """
    known = set(hashes)
    shared = sorted(name for name in set(names) if known & {patient_hash(name), _person_hash(name)})
    check(rule, not shared, remedy, shared_patients=shared)


def left_out_patients(names: Iterable[str], settings: LesionSettings) -> list[str]:
    """The patients whom stage L leaves out of its fold, sorted: whole persons, whatever the order of names.

    One person at least is left out, and one is trained on; of a single person nobody.
    """
    fold = sorted(set(names))[settings.fold :: settings.folds]
    persons = sorted({split_group(name) for name in fold}, key=patient_hash)
    count = max(1, round(settings.held_out * len(persons))) if settings.held_out else 0
    chosen = set(persons[: min(count, len(persons) - 1)])
    return [name for name in fold if split_group(name) in chosen]


def patient_folds(names: Iterable[str], folds: int) -> list[list[str]]:
    """The patients in `folds` parts of about equal number: every `folds`-th person of the sorted list.

    Raises:
        MedSynthError: fewer persons than folds.
    """
    persons: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        persons.setdefault(split_group(name), []).append(name)
    kept = list(persons.values())
    check("every fold needs a patient", 1 <= folds <= len(kept), patients=len(kept), folds=folds)
    return [[name for person in kept[fold::folds] for name in person] for fold in range(folds)]


def _person_hash(name: str) -> str:
    return patient_hash(f"person {split_group(name)}")
