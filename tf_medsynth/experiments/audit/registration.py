"""The certificate of registration: do the modalities of a sample lie on one another?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tf_medsynth.evaluation.registration import registration_shifts
from tf_medsynth.experiments.audit import Kind
from tf_medsynth.experiments.audit.samples import Samples


def measure(target: Samples, against: Samples | None, seed: int) -> dict[str, Any]:
    """Shifts between modalities of both sets; `seed` is not used: nothing is drawn."""
    found = {"shift_px": registration_shifts(target.images, target.modalities)}
    if against is not None:
        found["against_shift_px"] = registration_shifts(against.images, against.modalities)
    return found


def render(certificate: Mapping[str, Any]) -> list[str]:
    """One line a set."""
    found = [certificate[name] for name in ("shift_px", "against_shift_px") if name in certificate]
    return [f"median {shift['median']:.2f} px, 95th percentile {shift['p95']:.2f} px" for shift in found]


KIND = Kind(measure, render, most=(1000, 1000))
