"""Overlap of lesion labels: Dice and IoU by class and of the whole lesion, and the papers' own scores.

Empty labels: where the label holds no pixel of a class there is nothing to agree with, so its Dice
or IoU is NaN and averages leave it out, whatever was predicted. A lesion predicted on an empty label is
therefore invisible here by design; `evaluation.lesion` counts those apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.metrics.arrays import as_label_pair

Scores = NDArray[np.float64]

LEGACY_SMOOTHING = 1e-5


def dice_per_class(predicted: ArrayLike, label: ArrayLike, num_classes: int) -> Scores:
    """Dice of each lesion class of each sample, `(B, num_classes - 1)` float64 in [0, 1] or NaN.

    Column ``k - 1`` is class code ``k``; the background has none.

    Args:
        predicted: `(B, ...)` integer class codes.
        label: same shape; NaN is returned for the classes it does not hold.
        num_classes: background included.
    """
    found, wanted = as_label_pair(predicted, label, num_classes)
    return np.stack([_dice(found == code, wanted == code) for code in range(1, num_classes)], axis=-1)


def whole_lesion_dice(predicted: ArrayLike, label: ArrayLike, num_classes: int) -> Scores:
    """Dice of all lesion classes taken as one, for each sample: `(B,)` float64 in [0, 1] or NaN.

    Args:
        predicted: `(B, ...)` integer class codes.
        label: same shape; NaN is returned where it is empty.
        num_classes: background included.
    """
    found, wanted = as_label_pair(predicted, label, num_classes)
    return _dice(found > 0, wanted > 0)


def iou_per_class(predicted: ArrayLike, label: ArrayLike, num_classes: int) -> Scores:
    """Intersection over union of each lesion class, `(B, num_classes - 1)` in [0, 1] or NaN.

    Args: as `dice_per_class`.
    """
    return iou(dice_per_class(predicted, label, num_classes))


def whole_lesion_iou(predicted: ArrayLike, label: ArrayLike, num_classes: int) -> Scores:
    """Intersection over union of all lesion classes taken as one, `(B,)` in [0, 1] or NaN.

    Args: as `whole_lesion_dice`.
    """
    return iou(whole_lesion_dice(predicted, label, num_classes))


def iou(dice: ArrayLike) -> Any:
    """Intersection over union from Dice of the same pair: ``d / (2 - d)``, of any shape."""
    values = np.asarray(dice, np.float64)
    return values / (2.0 - values)


def pooled_dice_per_class(predicted: ArrayLike, label: ArrayLike, num_classes: int) -> Scores:
    """Dice of each lesion class over the pixels of all samples together, `(num_classes - 1,)`.

    Large lesions count for more than in the mean of `dice_per_class`; empty samples take part, so a
    lesion predicted on one lowers the score.
    """
    found, wanted = as_label_pair(predicted, label, num_classes)
    return dice_per_class(found.reshape(1, -1), wanted.reshape(1, -1), num_classes)[0]


def pooled_whole_lesion_dice(predicted: ArrayLike, label: ArrayLike, num_classes: int) -> float:
    """Dice of all lesion classes taken as one over the pixels of all samples together, or NaN."""
    found, wanted = as_label_pair(predicted, label, num_classes)
    return float(_dice((found > 0).reshape(1, -1), (wanted > 0).reshape(1, -1))[0])


def legacy_dice(predicted: ArrayLike, label: ArrayLike, num_classes: int) -> Scores:
    """The papers' Dice of the class codes taken as numbers, `(B,)`; average it to compare with them.

    ``(2 sum(ab) + 1e-5) / (sum(a^2) + sum(b^2) + 1e-5)`` for codes a and b: oedema taken for
    enhancing tumour costs less than for background, and two empty maps score 1.

    Source: Qu et al., Table 1 and the code behind it.
    """
    found, wanted = _as_numbers(predicted, label, num_classes)
    shared = 2.0 * (found * wanted).sum(axis=1) + LEGACY_SMOOTHING
    return np.asarray(shared / ((found**2 + wanted**2).sum(axis=1) + LEGACY_SMOOTHING))


def legacy_mse(predicted: ArrayLike, label: ArrayLike, num_classes: int) -> Scores:
    """The papers' mean squared difference of the class codes taken as numbers, `(B,)`.

    Empty samples count, and are most of a brain: hence the small values they print.

    Source: Qu et al., Table 1 and the code behind it.
    """
    found, wanted = _as_numbers(predicted, label, num_classes)
    return np.asarray(((found - wanted) ** 2).mean(axis=1))


def _dice(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> Scores:
    """`(B,)` Dice of two boolean `(B, N)`, NaN where `wanted` is empty."""
    size = wanted.sum(axis=1)
    shared = 2.0 * (found & wanted).sum(axis=1)
    return np.where(size > 0, shared / np.maximum(found.sum(axis=1) + size, 1), np.nan)


def _as_numbers(predicted: ArrayLike, label: ArrayLike, num_classes: int) -> tuple[Scores, Scores]:
    found, wanted = as_label_pair(predicted, label, num_classes)
    return found.astype(np.float64), wanted.astype(np.float64)
