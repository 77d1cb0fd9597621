"""Simulated patients, an organ each: brains imaged by the equations of the scanner, photographed retinas."""

from __future__ import annotations

from pathlib import Path

from tf_medsynth.config.base import check
from tf_medsynth.phantoms import cohort, fundus

__all__ = ["ORGANS", "phantom"]

ORGANS = {"brain": cohort.phantom, "retina": fundus.phantom}
"""What writes a cohort of an organ."""


def phantom(*, patients: int, size: int, seed: int, out: Path, organ: str = "brain") -> list[Path]:
    """Folders, or photographs, of a synthetic cohort, one a patient, written under `out`.

    Args:
        patients: how many.
        size: px; see the function of the organ in `ORGANS`.
        seed: names the cohort, >= 0.
        out: made where it is missing.
        organ: key of `ORGANS`.

    Raises:
        MedSynthError: unknown organ, or what the function of the organ raises.
    """
    check("there are phantoms of some organs", organ in ORGANS, f"Known: {', '.join(ORGANS)}.", organ=organ)
    return ORGANS[organ](patients=patients, size=size, seed=seed, out=out)
