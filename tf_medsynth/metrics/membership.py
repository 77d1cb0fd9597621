"""Copies and leaks, told from distances: the threshold of a copy, and who was in the training set."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from tf_medsynth.config.base import check
from tf_medsynth.metrics.intervals import Interval

CONFIDENCE = 0.95
"""Of the bound for the next patient."""


def copy_threshold(heldout: ArrayLike, patients: ArrayLike, false_alarm: float) -> float:
    """The distance below which at most a share `false_alarm` of real, held-out images lies.

    Slices of a patient lie near or far together, and the next patient may lie nearer than the few
    that were seen. So the threshold is the lesser of two: that quantile of all images; and a bound
    above which, at `CONFIDENCE`, the same quantile of one more patient lies (Student's prediction
    interval of the patients' own quantiles, in logarithms). One patient gives the first only.

    Args:
        heldout: `(n,)` distance of images of patients who are not in the training set to the nearest
            image of it. With fewer than ``1 / false_alarm`` of them their least distance is taken.
        patients: `(n,)` names.
        false_alarm: in (0, 1).

    Raises:
        MedSynthError: no distances, or such as are not finite; `false_alarm` out of range.
    """
    by_patient = _by_patient(heldout, patients, "held-out")
    check("false_alarm must lie between 0 and 1", 0.0 < false_alarm < 1.0, false_alarm=false_alarm)
    pooled = _quantile(np.concatenate(list(by_patient.values())), false_alarm)
    own = np.array([_quantile(distances, false_alarm) for distances in by_patient.values()])
    if len(own) == 1 or not own.min() > 0:  # a copy among the held-out: nothing lies below 0
        return pooled
    logs = np.log(own)
    spread = logs.std(ddof=1) * np.sqrt(1 + 1 / len(own))
    bound = np.exp(logs.mean() - stats.t.ppf(CONFIDENCE, len(own) - 1) * spread)
    return min(pooled, float(bound))


def membership_auc(
    training: ArrayLike,
    training_patients: ArrayLike,
    heldout: ArrayLike,
    heldout_patients: ArrayLike,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Chance that a training image lies nearer to the synthetic set than a held-out one; 0.5 is no leak.

    The interval is a percentile bootstrap that redraws training and held-out patients, each with all
    images; `n` counts both. It is NaN where either set has one patient.

    Args:
        training: `(n,)` distance of each training image to the nearest synthetic one.
        training_patients: `(n,)` names.
        heldout: `(m,)` distance of each held-out real image, likewise.
        heldout_patients: `(m,)` names.
        confidence: share of the bootstrap distribution inside.
        resamples: draws.
        seed: names the draws.

    Raises:
        MedSynthError: distances that are missing or not finite, no patient to each, a patient in both.

    Source: Mann and Whitney's U; ties count half.
    """
    sets = [
        _by_patient(training, training_patients, "training"),
        _by_patient(heldout, heldout_patients, "held-out"),
    ]
    shared = sorted(set(sets[0]) & set(sets[1]))
    check("no patient may be both in training and held out", not shared, patients=shared)
    members, others = (list(one.values()) for one in sets)
    wins = np.array([[_wins(member, other) for other in others] for member in members])
    sizes = [np.array([len(values) for values in one]) for one in (members, others)]
    estimate = float(wins.sum() / (sizes[0].sum() * sizes[1].sum()))
    n = len(members) + len(others)
    if min(len(members), len(others)) == 1:
        return Interval(estimate, np.nan, np.nan, n)
    random = np.random.default_rng(seed)
    weights = [random.multinomial(len(one), np.full(len(one), 1 / len(one)), resamples) for one in sets]
    redrawn = np.einsum("rp,pq,rq->r", weights[0], wins, weights[1])
    redrawn /= (weights[0] @ sizes[0]) * (weights[1] @ sizes[1])
    low, high = np.quantile(redrawn, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Interval(estimate, float(low), float(high), n)


def _quantile(distances: NDArray[np.float64], share: float) -> float:
    return float(np.quantile(distances, share, method="lower"))


def _wins(member: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Pairs in which the member is nearer; equal counts half."""
    ordered = np.sort(other)
    below = np.searchsorted(ordered, member, "left").sum()
    through = np.searchsorted(ordered, member, "right").sum()
    return float(len(member) * len(other) - (below + through) / 2)


def _by_patient(distances: ArrayLike, patients: ArrayLike, name: str) -> dict[str, NDArray[np.float64]]:
    values, names = _distances(distances, name), np.asarray(patients).astype(str)
    check(
        f"each {name} image needs its patient",
        names.shape == values.shape,
        images=values.shape,
        patients=names.shape,
    )
    return {str(one): values[names == one] for one in np.unique(names)}


def _distances(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    check(
        f"{name} distances are finite, at least 1",
        array.ndim == 1 and array.size > 0 and bool(np.isfinite(array).all()),
        shape=array.shape,
    )
    return array
