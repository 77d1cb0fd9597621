"""Bootstrap of ratios of sums: means, rates and pooled errors, of one set and of two beside each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.metrics.intervals import Interval

Floats = NDArray[np.float64]


def ratio_replicates(
    numerator: ArrayLike, denominator: ArrayLike, units: ArrayLike, resamples: int = 2000, seed: int = 0
) -> tuple[Floats, Floats]:
    """Each column's ``sum(numerator) / sum(denominator)``, `(F,)`, and its bootstrap replicates `(R, F)`.

    Whole units are redrawn, each with all its rows. A mean is the ratio whose denominator is 1 where
    the value is known. NaN where a denominator sums to 0.

    Args:
        numerator: `(n, F)` finite numbers.
        denominator: same shape, not negative.
        units: `(n,)` names of what is independent: the patient of each row, or the row itself.
        resamples: R.
        seed: names the draws.

    Raises:
        MedSynthError: shapes that do not fit, or values that are not finite.
    """
    tops, bottoms, names = np.asarray(numerator, float), np.asarray(denominator, float), np.asarray(units)
    check(
        "a ratio needs two (n, F) arrays and a unit for each row",
        tops.ndim == 2 and tops.shape == bottoms.shape and names.shape == tops.shape[:1] and len(names) > 0,
        numerator=tops.shape,
        denominator=bottoms.shape,
        units=names.shape,
    )
    check("a ratio needs finite values", bool(np.isfinite(tops).all() and np.isfinite(bottoms).all()))
    check("resamples must be at least 1", resamples >= 1, resamples=resamples)
    kept, place = np.unique(names, return_inverse=True)
    count, columns = len(kept), tops.shape[1]
    sums = np.zeros((count, 2 * columns))
    np.add.at(sums, place, np.concatenate([tops, bottoms], axis=1))
    rng = np.random.default_rng(seed)
    replicates = np.empty((resamples, 2 * columns))
    for number in range(resamples):  # one at a time: with many units all draws would not fit into memory
        replicates[number] = np.bincount(rng.integers(count, size=count), minlength=count) @ sums
    whole = sums.sum(axis=0)
    return _divided(whole[:columns], whole[columns:]), _divided(
        replicates[:, :columns], replicates[:, columns:]
    )


def interval_of(estimate: float, replicates: ArrayLike, units: int, confidence: float = 0.95) -> Interval:
    """Percentile interval of bootstrap replicates; unknown where there is one unit, or most are NaN.

    Args:
        estimate: of the data themselves.
        replicates: `(R,)`; those in which the quantity is not defined are left out.
        units: independent units redrawn.
    """
    check("confidence must lie between 0 and 1", 0 < confidence < 1, confidence=confidence)
    array = np.asarray(replicates, float)
    known = array[np.isfinite(array)]
    if units < 2 or len(known) < len(array) / 2 or not np.isfinite(estimate):
        return Interval(float(estimate), np.nan, np.nan, units)
    low, high = np.quantile(known, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Interval(float(estimate), float(low), float(high), units)


def _divided(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
