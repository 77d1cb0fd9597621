"""What an evaluation says of likeness to real patients, held against one bound that counts both ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tf_medsynth.config.bounds import ReportConfig
from tf_medsynth.evaluation.findings import Finding


def closed_outlines(structure: Mapping[str, Any], bound: float) -> Finding:
    """Of the group ``structure``: maps with a closed outline beside real ones."""
    rates = structure["contour_pass_rate"]
    note = f"{rates['generated']:.3g} of maps, {rates['real']:.3g} of real ones"
    claim = "unfiltered maps with a closed outline, of real"
    return Finding.alike(claim, share_of(rates["generated"], rates["real"]), bound, note)


def sharpness(quality: Mapping[str, Any], bound: float) -> Iterator[Finding]:
    """Of the group ``quality``: each modality; a network that invents fine structure is too sharp."""
    for name, value in quality["laplacian_ratio"].items():
        yield Finding.alike(f"sharpness of {name}, of real", value, bound)


def diversity(found: Mapping[str, Any], bound: float) -> Iterator[Finding]:
    """Of the group ``diversity``: how unlike each other samples are, beside real patients, by modality."""
    real, synthetic = found["real"]["mean"], found["synthetic"]["mean"]
    for name in real:
        unlike = share_of(1.0 - synthetic[name], 1.0 - real[name])
        yield Finding.alike(f"dissimilarity of pairs in {name}, of real", unlike, bound)


def lesions(found: Mapping[str, Any], bounds: ReportConfig) -> Iterator[Finding]:
    """Of the group ``lesion``: the judge finds them, and no more easily than real ones."""
    synthetic = found["synthetic"]
    whole = synthetic["whole_lesion"]["per_slice"]
    yield Finding.at_least("whole-lesion Dice by an independent judge", whole, bounds.lesion_dice)
    beside = found.get("real", {}).get("whole_lesion", {}).get("per_slice")
    claim = "the same Dice, of what the judge reaches on real patients"
    yield Finding.alike(claim, share_of(whole, beside), bounds.lesion_likeness)


def share_of(value: float | None, real: float | None) -> float | None:
    """`value` as a share of the real one; None where that is 0 or either is unknown."""
    return None if value is None or not real else value / real
