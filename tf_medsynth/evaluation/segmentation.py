"""What a segmentor finds against the labels: overlap, surfaces, pixels, slices and boxes of the whole lesion.

A case is one slice, or the volume of one patient. Where a case has no lesion there is nothing to agree
with, and its scores are NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.metrics import overlap
from tf_medsynth.metrics.arrays import known_mean
from tf_medsynth.metrics.boxes import Objects, mean_average_precision, mean_iou
from tf_medsynth.metrics.classification import area_under_curve, binary_accuracy, sensitivity, specificity
from tf_medsynth.metrics.lesion_instances import lesion_boxes
from tf_medsynth.metrics.surface import hausdorff_95, surface_dice

Scores = NDArray[np.float64]

SURFACE_TOLERANCE = 2.0
"""mm of a volume, px of a slice: outlines this near are the same to `surface_dice`."""

_PIXELS = ("sensitivity", "specificity", "accuracy", "auc")
_SLICES = ("slice_sensitivity", "slice_specificity", "slice_accuracy", "slice_auc")
_BOXES = ("box_map", "box_iou")
_LEGACY = ("legacy_dice", "legacy_mse")


def surface_names(unit: str) -> tuple[str, str]:
    """Names of both distances between surfaces in `unit`, mm or px."""
    return f"hd95_{unit}", f"surface_dice_at_{SURFACE_TOLERANCE:g}_{unit}"


def measure_names(unit: str, classes: Sequence[str]) -> tuple[str, ...]:
    """Names of what `patient_scores` answers in `unit`, mm or px."""
    return (*_overlap_names(classes), *_LEGACY, *surface_names(unit), *_PIXELS, *_SLICES, *_BOXES)


def patient_scores(
    found: ArrayLike,
    probability: ArrayLike,
    label: ArrayLike,
    classes: Sequence[str],
    spacing: Sequence[float] | None = None,
) -> dict[str, float]:
    """`measure_names` of one patient, or of one sample.

    Args:
        found: `(n, H, W)` integer class codes, in all slices from the first to the last.
        probability: same shape, of any lesion, in [0, 1].
        label: same shape, class codes.
        classes: names of the codes, what is not labelled first.
        spacing: mm between slices, rows and columns: the slices make one volume, scored in mm. None
            takes every slice for itself, in px, and averages.

    Returns:
        Dice and intersection over union of the whole lesion and of each class; the papers' two
        scores, means over slices; `case_scores`, `slice_detection` and `box_detection`.
    """
    codes, sure, wanted = np.asarray(found), np.asarray(probability), np.asarray(label)
    cases = (codes, sure, wanted) if spacing is None else (codes[None], sure[None], wanted[None])
    pair, count = (cases[0], cases[2]), len(classes)
    values = (
        overlap.whole_lesion_dice(*pair, count),
        overlap.whole_lesion_iou(*pair, count),
        *overlap.dice_per_class(*pair, count).T,
        *overlap.iou_per_class(*pair, count).T,
        overlap.legacy_dice(codes, wanted, count),
        overlap.legacy_mse(codes, wanted, count),
    )
    each = dict(zip((*_overlap_names(classes), *_LEGACY), values, strict=True)) | case_scores(*cases, spacing)
    means: dict[str, float] = {name: known_mean(scores) for name, scores in each.items()}
    return means | slice_detection(codes, sure, wanted) | box_detection(codes, sure, wanted)


def _overlap_names(classes: Sequence[str]) -> tuple[str, ...]:
    return ("whole_lesion", "whole_lesion_iou", *classes[1:], *(f"{name}_iou" for name in classes[1:]))


def case_scores(
    found: ArrayLike, probability: ArrayLike, label: ArrayLike, spacing: Sequence[float] | None = None
) -> dict[str, Scores]:
    """Surfaces and pixels of the whole lesion of each case, `(B,)` each; NaN where it has no lesion.

    ``hd95`` is NaN too where a lesion was missed whole, which Dice, surface Dice and sensitivity of 0
    say. ``sensitivity``, ``specificity`` and ``accuracy`` count the pixels of the case, those
    outside the organ too; ``auc`` ranks them by probability.

    Args:
        found: `(B, H, W)` or `(B, D, H, W)` class codes.
        probability: same shape, of any lesion.
        label: same shape.
        spacing: mm along each axis, or None for px.
    """
    seen, wanted = np.asarray(found) > 0, np.asarray(label) > 0
    distance = hausdorff_95(seen, wanted, spacing)
    surfaces = (
        np.where(np.isfinite(distance), distance, np.nan),
        surface_dice(seen, wanted, SURFACE_TOLERANCE, spacing),
    )
    cases = zip(seen, np.asarray(probability), wanted, strict=True)
    pixels = np.array([_decision(a, p, b) if b.any() else [np.nan] * 4 for a, p, b in cases])
    unit = "px" if spacing is None else "mm"
    return dict(zip((*surface_names(unit), *_PIXELS), (*surfaces, *pixels.T), strict=True))


def slice_detection(found: ArrayLike, probability: ArrayLike, label: ArrayLike) -> dict[str, float]:
    """Are slices with a lesion told from slices without? NaN where all slices are of one kind.

    A slice is called one with a lesion where any pixel is; its score for ``slice_auc`` is the mean
    probability of its pixels, since a single sure pixel is easily found in any slice.

    Args:
        found: `(n, H, W)` class codes.
        probability: same shape, of any lesion.
        label: same shape.
    """
    seen, wanted = ((np.asarray(codes) > 0).max(axis=(1, 2)) for codes in (found, label))
    mean = np.asarray(probability, np.float64).mean(axis=(1, 2))
    told = _decision(seen, mean, wanted) if wanted.any() and not wanted.all() else [np.nan] * 4
    return dict(zip(_SLICES, told, strict=True))


def box_detection(found: ArrayLike, probability: ArrayLike, label: ArrayLike) -> dict[str, float]:
    """Boxes round the lesions found, against those of the label; NaN where it has none.

    ``box_map`` is the average precision at an IoU of 0.5 of lesions as one class, ``box_iou`` the
    mean overlap of a lesion's box with the best one found.

    Args: as `slice_detection`.
    """
    wanted = np.asarray(label) > 0
    detections = lesion_boxes(np.asarray(found) > 0, probability)
    objects = [Objects(held.boxes, held.classes) for held in lesion_boxes(wanted, wanted)]
    values = mean_average_precision(detections, objects), mean_iou(detections, objects)
    return dict(zip(_BOXES, values, strict=True))


def _decision(seen: NDArray[Any], probability: NDArray[Any], wanted: NDArray[Any]) -> list[float]:
    """Sensitivity, specificity, accuracy and area under the curve."""
    called, truth = seen.ravel().astype(np.float64), wanted.ravel()
    told = [score(called, truth) for score in (sensitivity, specificity, binary_accuracy)]
    return [*told, area_under_curve(probability.ravel(), truth)]
