"""Do the samples carry the lesion of their label? Agreement with an independent segmentor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.evaluation.segmentation import box_detection, case_scores
from tf_medsynth.metrics import overlap
from tf_medsynth.metrics.arrays import known_mean
from tf_medsynth.metrics.intervals import patient_interval

HIGH_AGREEMENT = 0.9


def lesion_agreement(
    predicted: ArrayLike,
    label: ArrayLike,
    patients: ArrayLike | None = None,
    real_ceiling: Mapping[str, Any] | None = None,
    probability: ArrayLike | None = None,
    *,
    classes: Sequence[str],
) -> dict[str, Any]:
    """Agreement of a segmentor's answer with the labels, pooled, per slice and per patient.

    The segmentor must share neither seed nor patients with the guides that trained the generator: a
    guide's own score is no evidence. No score can be read alone either: put this function's answer
    for the same segmentor on real test patients in `real_ceiling`. Above it means lesions that are
    easier than real ones, not better images.

    Args:
        predicted: `(n, H, W)` or `(n, H, W, 1)` integer class codes found in the images.
        label: same shape, the codes the images were made from.
        patients: `(n,)` names; None for samples that belong to nobody.
        real_ceiling: an earlier answer, for real images.
        probability: same shape as `label`, of any lesion.
        classes: names of the codes, what is not labelled first.

    Returns:
        ``{"whole_lesion": scores, "classes": {name: scores}}`` with ``scores`` = ``{"pooled",
        "per_slice", "per_patient", "slices"}`` of Dice and ``iou``, ``{"pooled", "per_slice"}``
        (empty labels excluded); ``whole_lesion`` also has
        ``by_patient``, ``interval`` (95 %, over patients) and ``share_at_least_0.9``. Beside them
        ``legacy_dice`` and ``legacy_mse`` (means over all slices), ``empty_labels``, and
        ``hallucinated``: the share of those on which a lesion was found. With `probability` also
        ``measures``: `case_scores` averaged over the slices with a lesion, `box_detection`, and
        ``missed``, the share of those slices in which nothing was found. With `real_ceiling` also
        ``real_ceiling`` and ``of_ceiling``, the ratio of whole-lesion scores to it.
    """
    predicted, label = np.asarray(predicted), np.asarray(label)
    count = len(classes)
    whole = overlap.whole_lesion_dice(predicted, label, count)
    names = None if patients is None else np.asarray(patients)
    check(
        "each slice needs its patient",
        names is None or names.shape == whole.shape,
        slices=len(whole),
        patients=None if names is None else names.shape,
    )
    by_class, pooled = (
        overlap.dice_per_class(predicted, label, count),
        overlap.pooled_dice_per_class(predicted, label, count),
    )
    by_patient = _whole_by_patient(predicted, label, names, count)
    found_any, empty = _any_lesion(predicted), ~_any_lesion(label)
    answer: dict[str, Any] = {
        "whole_lesion": {
            **_scores(whole, overlap.pooled_whole_lesion_dice(predicted, label, count), by_patient),
            "by_patient": by_patient,
            "interval": _interval(whole, names),
            f"share_at_least_{HIGH_AGREEMENT}": known_mean(
                np.where(np.isnan(whole), np.nan, whole >= HIGH_AGREEMENT)
            ),
        },
        "classes": {
            name: _scores(by_class[:, k], pooled[k], _class_by_patient(predicted, label, names, k, count))
            for k, name in enumerate(classes[1:])
        },
        "legacy_dice": float(overlap.legacy_dice(predicted, label, count).mean()),
        "legacy_mse": float(overlap.legacy_mse(predicted, label, count).mean()),
        "empty_labels": int(empty.sum()),
        "hallucinated": known_mean(found_any[empty]),
    }
    if probability is not None:
        answer["measures"] = _measures(predicted, np.asarray(probability), label)
    if real_ceiling is not None:
        answer["real_ceiling"] = dict(real_ceiling)
        answer["of_ceiling"] = _ratios(answer["whole_lesion"], real_ceiling["whole_lesion"])
    return answer


def _scores(per_slice: NDArray[np.float64], pooled: float, by_patient: Mapping[str, float]) -> dict[str, Any]:
    return {
        "iou": {"pooled": overlap.iou(float(pooled)), "per_slice": known_mean(overlap.iou(per_slice))},
        "pooled": float(pooled),
        "per_slice": known_mean(per_slice),
        "per_patient": known_mean(list(by_patient.values())),
        "slices": int((~np.isnan(per_slice)).sum()),
    }


def _measures(
    predicted: NDArray[Any], probability: NDArray[Any], label: NDArray[Any]
) -> dict[str, float | int]:
    found, sure, wanted = (array.reshape(array.shape[:3]) for array in (predicted, probability, label))
    scores = case_scores(found, sure, wanted)
    return {
        **{name: known_mean(values) for name, values in scores.items()},
        **box_detection(found, sure, wanted),
        "missed": known_mean(~_any_lesion(found)[_any_lesion(wanted)]),
    }


def _whole_by_patient(
    predicted: NDArray[Any], label: NDArray[Any], names: NDArray[Any] | None, count: int
) -> dict[str, float]:
    """Pooled whole-lesion Dice of each patient: the score of the volume its slices make."""
    return {
        str(name): overlap.pooled_whole_lesion_dice(predicted[names == name], label[names == name], count)
        for name in ([] if names is None else np.unique(names))
    }


def _class_by_patient(
    predicted: NDArray[Any], label: NDArray[Any], names: NDArray[Any] | None, column: int, count: int
) -> dict[str, float]:
    return {
        str(name): overlap.pooled_dice_per_class(predicted[names == name], label[names == name], count)[
            column
        ]
        for name in ([] if names is None else np.unique(names))
    }


def _interval(whole: NDArray[np.float64], names: NDArray[Any] | None) -> list[float] | None:
    """95 % bootstrap bounds of the per-slice mean over patients; None without patients or lesions."""
    known = ~np.isnan(whole)
    if names is None or not known.any():
        return None
    interval = patient_interval(whole[known], names[known])
    return [interval.low, interval.high]


def _any_lesion(label: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray((label.reshape(len(label), -1) > 0).any(axis=1))


def _ratios(scores: Mapping[str, Any], ceiling: Mapping[str, Any]) -> dict[str, float]:
    """Each whole-lesion score over the real one; NaN where the real one is 0 or unknown."""
    return {
        key: scores[key] / ceiling[key] if ceiling[key] > 0 else float("nan")
        for key in ("pooled", "per_slice")
    }
