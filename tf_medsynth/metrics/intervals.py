"""How sure a number is: confidence intervals over seeds, and over patients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from tf_medsynth.config.base import check


class Interval(NamedTuple):
    """An estimate with its confidence interval; `low` and `high` are NaN where `n` is 1."""

    estimate: float
    low: float
    high: float
    n: int  # independent units: seeds, or patients


def seed_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Mean of one value a seed with Student's interval; from one seed there is none.

    Args:
        values: `(n,)`, one finished run each, all finite.
        confidence: share of such intervals that hold the truth, if values are about normal.
    """
    array = _values(values, confidence)
    mean, n = float(array.mean()), len(array)
    if n == 1:
        return Interval(mean, np.nan, np.nan, 1)
    half = float(stats.t.ppf(0.5 + confidence / 2, n - 1) * array.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def patient_interval(
    values: ArrayLike,
    patients: ArrayLike,
    statistic: Callable[[Any], Any] = np.mean,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """`statistic` of all values with a percentile bootstrap interval that redraws whole patients.

    Slices of one patient are not independent, so patients are drawn, each with all its slices. From
    one patient there is no interval, and from three it is a rough one.

    Args:
        values: `(n,)`, one a slice, all finite: leave empty labels out first.
        patients: `(n,)`, name of the patient each value belongs to.
        statistic: array to number.
        confidence: share of the bootstrap distribution inside.
        resamples: draws.
        seed: names the draws.
    """
    array, names = _values(values, confidence), np.asarray(patients)
    check(
        "each value needs its patient", names.shape == array.shape, values=array.shape, patients=names.shape
    )
    check("resamples must be at least 1", resamples >= 1, resamples=resamples)
    groups = [np.flatnonzero(names == name) for name in np.unique(names)]
    estimate = float(statistic(array))
    if len(groups) == 1:
        return Interval(estimate, np.nan, np.nan, 1)
    draws = np.random.default_rng(seed).integers(len(groups), size=(resamples, len(groups)))
    redrawn = [statistic(array[np.concatenate([groups[g] for g in draw])]) for draw in draws]
    low, high = np.quantile(redrawn, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Interval(estimate, float(low), float(high), len(groups))


def _values(values: ArrayLike, confidence: float) -> np.ndarray:
    array = np.asarray(values, np.float64)
    check(
        "an interval needs one axis of at least 1 value",
        array.ndim == 1 and array.size > 0,
        shape=array.shape,
    )
    unknown = int((~np.isfinite(array)).sum())
    check(
        "an interval needs finite values",
        unknown == 0,
        "Leave them out, and say how many.",
        not_finite=unknown,
    )
    check("confidence must lie between 0 and 1", 0 < confidence < 1, confidence=confidence)
    return array
