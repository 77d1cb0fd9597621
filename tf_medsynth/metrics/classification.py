"""Scores of a two-class decision: accuracy, sensitivity, specificity, and the area under the ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from tf_medsynth.config.base import check


def binary_accuracy(scores: ArrayLike, positive: ArrayLike, threshold: float = 0.5) -> float:
    """Share of samples on the right side of `threshold`, in [0, 1].

    Args:
        scores: `(n,)`, finite, higher for positives; at the threshold counts as positive.
        positive: `(n,)` booleans, the truth.
        threshold: in the scores' units.
    """
    array, truth = _pair(scores, positive)
    return float(((array >= threshold) == truth).mean())


def sensitivity(scores: ArrayLike, positive: ArrayLike, threshold: float = 0.5) -> float:
    """Share of the positives that are called positive, in [0, 1]; NaN where there are none.

    Args: as `binary_accuracy`.
    """
    array, truth = _pair(scores, positive)
    return float((array[truth] >= threshold).mean()) if truth.any() else float("nan")


def specificity(scores: ArrayLike, positive: ArrayLike, threshold: float = 0.5) -> float:
    """Share of the negatives that are called negative, in [0, 1]; NaN where there are none.

    Args: as `binary_accuracy`.
    """
    array, truth = _pair(scores, positive)
    return float((array[~truth] < threshold).mean()) if not truth.all() else float("nan")


def area_under_curve(scores: ArrayLike, positive: ArrayLike) -> float:
    """Chance that a positive scores above a negative (ties count half), in [0, 1]; NaN if one is missing.

    Args: as `binary_accuracy`.

    Source: Mann and Whitney's U over the number of pairs; ties take their mean rank.
    """
    array, truth = _pair(scores, positive)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    ranks = stats.rankdata(array)
    u = float(ranks[truth].sum()) - positives * (positives + 1) / 2
    return u / (positives * negatives)


def _pair(scores: ArrayLike, positive: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    array, truth = np.asarray(scores, np.float64), np.asarray(positive).astype(bool)
    check(
        "one finite score and one truth a sample",
        array.ndim == 1 and array.shape == truth.shape and bool(np.isfinite(array).all()),
        scores=array.shape,
        positive=truth.shape,
    )
    check("at least 1 sample is needed", array.size > 0)
    return array, truth
