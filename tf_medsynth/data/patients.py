"""Patients by a hash of their name, and folds that keep a patient whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from tf_medsynth.config.base import check


def patient_hash(name: str) -> str:
    """A 32-digit hexadecimal name, the same for the same patient everywhere.

    It keeps names out of what is passed on. It is no secret from someone who has the list of names:
    such a list can be hashed as well, which is how a shared patient is found.
    """
    return hashlib.sha256(f"medsynth patient {name}".encode()).hexdigest()[:32]


def patient_hashes(names: Iterable[str]) -> list[str]:
    """Hashes of `names`, sorted, so that their order tells nothing."""
    return sorted({patient_hash(name) for name in names})


def check_apart(names: Iterable[str], hashes: Iterable[str], rule: str, remedy: str = "") -> None:
    """Raises where a patient of `names` is among those `hashes`, and says who.

    Raises:
        MedSynthError: a shared patient.
    """
    known = set(hashes)
    shared = sorted(name for name in set(names) if patient_hash(name) in known)
    check(rule, not shared, remedy, shared_patients=shared)


def patient_folds(names: Iterable[str], folds: int) -> list[list[str]]:
    """The patients in `folds` parts of about equal number: every `folds`-th of the sorted list.

    Raises:
        MedSynthError: fewer patients than folds.
    """
    kept: Sequence[str] = sorted(set(names))
    check("every fold needs a patient", 1 <= folds <= len(kept), patients=len(kept), folds=folds)
    return [list(kept[fold::folds]) for fold in range(folds)]
