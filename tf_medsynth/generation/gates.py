"""The tests a sample must pass, and the scores they judge.

Scores are plain dictionaries of floats, ready for a record; `None` stands for a score that could
not be measured (a constant image has no position), and `None` never passes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_medsynth.config.generation import GenerationConfig, LesionGate
from tf_medsynth.imaging.registration import pairwise_shifts
from tf_medsynth.metrics.arrays import as_grey

CONTOUR = "contour"
LABEL = "label"
REGISTRATION = "registration"
LESION_WHOLE = "lesion_whole"
LESION_CLASS = "lesion_class"
LESION_FOUND = "lesion_found"
MEMORISED = "memorised"
PROPORTION = "proportion"
REASONS: tuple[str, ...] = (
    CONTOUR,
    LABEL,
    LESION_WHOLE,
    LESION_CLASS,
    LESION_FOUND,
    REGISTRATION,
    MEMORISED,
    PROPORTION,
)
"""Every reason to reject a candidate, in the order in which they are tested."""


def reasons_for(modalities: Sequence[str]) -> tuple[str, ...]:
    """The reasons that can reject a candidate: one modality has nothing to register."""
    return tuple(r for r in REASONS if r != REGISTRATION or len(modalities) > 1)


DECIMALS = 6
"""Scores are kept, and judged, to this many decimals."""


def dice(predicted: np.ndarray, wanted: np.ndarray) -> float | None:
    """Dice score in [0, 1] of two boolean arrays of one shape; None where both are empty."""
    total = int(predicted.sum()) + int(wanted.sum())
    return 2.0 * int((predicted & wanted).sum()) / total if total else None


def lesion_scores(
    segmented: np.ndarray, lesion_label: np.ndarray, modalities: Sequence[str], classes: Sequence[str]
) -> dict[str, Any]:
    """Agreement of the guides' segmentations with the label a sample was made from.

    Args:
        segmented: `(H, W, M)` integer class codes, one guide a modality.
        lesion_label: `(H, W)` integer class codes.
        modalities: names of the M guides.
        classes: names of the codes, what is not labelled first.

    Returns:
        ``lesion_dice``: whole-lesion Dice, mean over the guides; ``lesion_dice_by_modality``; and
        ``lesion_dice_by_class``: mean over the guides, for the classes present in the label. An
        empty label has no agreement: None and empty dictionaries, and ``lesion_found_px``, the pixels
        of lesion found in spite of it, mean over the guides; None where the label shows a lesion.
    """
    if not lesion_label.any():
        found = rounded(float(np.count_nonzero(segmented)) / segmented.shape[-1])
        return {
            "lesion_dice": None,
            "lesion_dice_by_modality": {},
            "lesion_dice_by_class": {},
            "lesion_found_px": found,
        }
    guides = [segmented[..., number] for number in range(len(modalities))]
    whole = [dice(guide > 0, lesion_label > 0) for guide in guides]
    by_class = {
        name: _mean(dice(guide == code, lesion_label == code) for guide in guides)
        for code, name in enumerate(classes)
        if code and (lesion_label == code).any()
    }
    return {
        "lesion_dice": _mean(whole),
        "lesion_dice_by_modality": dict(zip(modalities, map(rounded, whole), strict=True)),
        "lesion_dice_by_class": by_class,
        "lesion_found_px": None,
    }


def registration_scores(images: np.ndarray, modalities: Sequence[str]) -> dict[str, Any]:
    """Measured shift in px between the modalities of `(H, W, M * C)` `images`: all pairs, and the worst.

    Args:
        images: in [0, 1], modality after modality.
        modalities: names of the M; one has nothing to register.

    Returns:
        ``registration_shift_px``: largest over the pairs, None where any pair cannot be measured;
        ``registration_pair``: the pair it belongs to.
    """
    if len(modalities) == 1:
        return {"registration_shift_px": None, "registration_pair": None}
    grey = as_grey(images, images.shape[-1] // len(modalities))
    lengths = np.hypot(*pairwise_shifts(grey).T)
    pairs = itertools.combinations(modalities, 2)
    shifts = {f"{a}-{b}": float(length) for (a, b), length in zip(pairs, lengths, strict=True)}
    pair = max(shifts, key=lambda name: math.inf if math.isnan(shifts[name]) else shifts[name])
    return {"registration_shift_px": rounded(shifts[pair]), "registration_pair": pair}


def contour_passes(contour_mae: float | None, settings: GenerationConfig) -> bool:
    """Whether the map's filled outline and the mask agree.

    Source: Qu et al., Algorithm 3.
    Deviates: its pseudocode repeats while the error is small; the prose and this test keep those.
    """
    return contour_mae is not None and contour_mae <= settings.contour.max_mae


def registration_passes(scores: Mapping[str, Any], settings: GenerationConfig) -> bool:
    """Whether the worst pair of modalities is within the allowed shift."""
    shift = scores["registration_shift_px"]
    return shift is not None and shift <= settings.registration_px


def lesion_failures(
    scores: Mapping[str, Any], lesion_pixels: Mapping[str, int], gate: LesionGate
) -> list[str]:
    """The lesion reasons a sample fails for: none, whole, class or both; found, where the label is empty."""
    if scores["lesion_dice"] is None:
        return [LESION_FOUND] if scores["lesion_found_px"] >= gate.class_pixels else []
    judged = [
        score
        for name, score in scores["lesion_dice_by_class"].items()
        if lesion_pixels[name] >= gate.class_pixels
    ]
    failures = [LESION_WHOLE] if scores["lesion_dice"] < gate.whole_threshold else []
    return failures + ([LESION_CLASS] if any(s < gate.class_threshold for s in judged) else [])


def rounded(value: float | None) -> float | None:
    """`value` to `DECIMALS` decimals, None where it is not a finite number."""
    return None if value is None or not math.isfinite(value) else round(float(value), DECIMALS)


def _mean(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return rounded(sum(known) / len(known)) if known else None
