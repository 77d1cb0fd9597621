"""What a study says: mean scores with intervals, differences between rows, and claims held or not.

A row was trained from several seeds and each training was scored on the same test patients. Patients
and seeds are redrawn together, the same for every row, so a difference is between pairs: what a hard
patient or a lucky seed does to both rows cancels. With few of either, an interval is too narrow: six
patients cannot tell how patients differ.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.config.studies import Claim
from tf_medsynth.metrics.intervals import Interval, seed_interval

Values = NDArray[np.float64]

RESAMPLES = 10_000
CONFIDENCE = 0.95
HELD, NOT_HELD, UNDECIDED, NOT_RUN = "held", "not held", "undecided", "not run"


class Redrawn(NamedTuple):
    """Mean scores of rows, as measured and as redrawn.

    Attributes:
        names: rows.
        means: `(R,)`.
        draws: `(B, R)`; one draw of patients and seeds is the same for all rows.
        seeds, patients: how many there were to draw from.
    """

    names: tuple[str, ...]
    means: Values
    draws: Values
    seeds: int
    patients: int

    def column(self, name: str) -> int:
        """Place of a row."""
        return self.names.index(name)


def redraw(scores: Mapping[str, ArrayLike], resamples: int = RESAMPLES, seed: int = 0) -> Redrawn:
    """Bootstrap of the mean of each row over patients and seeds.

    Args:
        scores: `(seeds, patients)` of each row, all of one shape. A patient with a score that is not
            a number in any row is left out of all of them.
        resamples: draws.
        seed: names the draws.

    Raises:
        MedSynthError: no rows, shapes that differ, or no patient with a score.
    """
    check("a comparison needs rows", bool(scores))
    shapes: dict[str, Any] = {name: np.shape(values) for name, values in scores.items()}
    check("rows are scored on the same seeds and patients", len(set(shapes.values())) == 1, **shapes)
    table = np.stack([np.asarray(values, np.float64) for values in scores.values()])
    check("scores have the axes (seeds, patients)", table.ndim == 3, shape=table.shape[1:])
    table = table[:, :, np.isfinite(table).all(axis=(0, 1))]
    check("some patient has a score in every row", table.size > 0, rows=list(scores))
    _, seeds, patients = table.shape
    rng = np.random.default_rng(seed)
    of_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), resamples) / seeds
    of_patients = rng.multinomial(patients, np.full(patients, 1 / patients), resamples) / patients
    draws = np.einsum("bs,rsp,bp->br", of_seeds, table, of_patients, optimize=True)
    return Redrawn(tuple(scores), table.mean(axis=(1, 2)), draws, seeds, patients)


def mean_of(redrawn: Redrawn, name: str) -> Interval:
    """Mean of a row with its interval; `n` is the number of patients."""
    column = redrawn.column(name)
    return _interval(float(redrawn.means[column]), redrawn.draws[:, column], redrawn.patients)


def difference(redrawn: Redrawn, name: str, other: str) -> Interval:
    """How far the mean of a row lies above another's, with the interval of the paired difference."""
    one, two = redrawn.column(name), redrawn.column(other)
    gap = redrawn.draws[:, one] - redrawn.draws[:, two]
    return _interval(float(redrawn.means[one] - redrawn.means[two]), gap, redrawn.patients)


def verdict(claim: Claim, redrawn: Redrawn) -> dict[str, Any]:
    """Whether a claim held: its interval lies above 0, below it, or on both sides.

    One seed, or one patient, decides nothing.

    Returns:
        ``claim``, ``origin``, ``verdict`` (held, not held, undecided or not run), ``words`` and, where
        it was run, ``rows`` compared, ``gap`` (above 0 is in favour), ``low`` and ``high``.
    """
    if _rows_missing(claim, redrawn.names):
        return _not_run(claim, redrawn.names)
    means = dict(zip(redrawn.names, redrawn.means, strict=True))
    draws = dict(zip(redrawn.names, redrawn.draws.T, strict=True))
    measured = _interval(float(_gap(claim, means)), _gap(claim, draws), redrawn.patients)
    single = [name for name, n in (("seed", redrawn.seeds), ("patient", redrawn.patients)) if n < 2]
    return _judged(claim, means, measured, single)


def seed_verdict(claim: Claim, values: Mapping[str, ArrayLike]) -> dict[str, Any]:
    """Whether a claim on one value a seed held, by Student's interval of what seeds say of it.

    Args:
        values: `(seeds,)` of each row, the same seeds in the same order.

    Returns:
        As `verdict`; ``low`` and ``high`` are NaN from one seed.
    """
    if _rows_missing(claim, values):
        return _not_run(claim, values)
    table = {name: np.asarray(row, np.float64) for name, row in values.items()}
    measured = seed_interval(_gap(claim, table))
    means = {name: row.mean() for name, row in table.items()}
    return _judged(claim, means, measured, ["seed"] if measured.n < 2 else [])


def _rows_missing(claim: Claim, names: Collection[str]) -> bool:
    return claim.row not in names or not any(name in names for name in claim.others)


def _not_run(claim: Claim, names: Collection[str]) -> dict[str, Any]:
    missing = [name for name in (claim.row, *claim.others) if name not in names]
    words = f"{NOT_RUN}: {claim.text} (rows {', '.join(missing)})"
    return {"claim": claim.text, "origin": claim.origin, "verdict": NOT_RUN, "words": words}


def _gap(claim: Claim, values: Mapping[str, ArrayLike]) -> Values:
    """How far each value of the row is in favour, in the least favourable of the comparisons."""
    sign = 1.0 if claim.side == "above" else -1.0
    row = np.asarray(values[claim.row], np.float64)
    rest = np.stack([np.asarray(values[name], np.float64) for name in claim.others if name in values])
    gaps: Values = (sign * (row - claim.factor * rest) - claim.margin).min(axis=0)
    return gaps


def _judged(
    claim: Claim, means: Mapping[str, float], measured: Interval, single: Sequence[str]
) -> dict[str, Any]:
    """What is said of a claim; `single` names what there was but one of, which decides nothing."""
    found = HELD if measured.low > 0 else NOT_HELD if measured.high < 0 else UNDECIDED
    found = UNDECIDED if single else found
    others = [name for name in claim.others if name in means]
    return {
        "claim": claim.text,
        "origin": claim.origin,
        "verdict": found,
        "rows": [claim.row, *others],
        "gap": measured.estimate,
        "low": measured.low,
        "high": measured.high,
        "words": _words(found, claim, means, others, measured, single),
    }


def _words(
    found: str,
    claim: Claim,
    means: Mapping[str, float],
    others: Sequence[str],
    measured: Interval,
    single: Sequence[str],
) -> str:
    shown = ", ".join(f"{name}: {means[name]:.3f}" for name in (claim.row, *others))
    spread = f", 95 % {measured.low:+.3f} to {measured.high:+.3f}" if np.isfinite(measured.low) else ""
    partial = (
        f" Of rows {', '.join(claim.others)} only these were run." if len(others) < len(claim.others) else ""
    )
    alone = (
        f" One {' and one '.join(single)} cannot decide it: how far they differ is unknown." if single else ""
    )
    favour = f" (in favour by {measured.estimate:+.3f}{spread})"
    return f"{found}: {claim.text}. Means {shown}{favour}.{partial}{alone}"


def worth_in_patients(
    redrawn: Redrawn, curve: Mapping[str, float], targets: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """How many real patients, by the learning curve of real data alone, score as each target does.

    The curve joins the rows' means by straight lines, made not to fall. Where a target lies above the
    curve's end, or below its start, the answer is a bound.

    Args:
        curve: number of real patients of each row of the curve, at least two numbers.
        targets: rows to read off.

    Returns:
        For each target ``patients`` (None where it is beyond the curve), ``low`` and ``high`` (95 %,
        None likewise) and ``words``.
    """
    check("a learning curve needs two numbers of patients", len(set(curve.values())) >= 2, curve=dict(curve))
    names = sorted(curve, key=lambda name: curve[name])
    counts = np.array([curve[name] for name in names], np.float64)
    columns = [redrawn.column(name) for name in names]
    answer = {}
    for target in targets:
        column = redrawn.column(target)
        measured = _patients_at(counts, redrawn.means[columns], redrawn.means[column])
        drawn = np.array([_patients_at(counts, draw[columns], draw[column]) for draw in redrawn.draws])
        low = float(np.quantile(drawn, 0.5 - CONFIDENCE / 2, method="lower"))
        high = float(np.quantile(drawn, 0.5 + CONFIDENCE / 2, method="higher"))
        shown = [_bounded(value, counts) for value in (measured, low, high)]
        answer[target] = {
            "patients": _inside(measured, counts),
            "low": _inside(low, counts),
            "high": _inside(high, counts),
            "words": f"row {target} scores as {shown[0]} real patients alone (95 % {shown[1]} to {shown[2]})",
        }
    return answer


def _patients_at(counts: Values, scores: Values, target: float) -> float:
    """Patients at which the curve reaches `target`; infinite above its end, 0 below its start."""
    rising = np.maximum.accumulate(scores)
    if target > rising[-1]:
        return float("inf")
    if target < rising[0]:
        return 0.0
    return float(np.interp(target, rising, counts))


def _inside(value: float, counts: Values) -> float | None:
    return value if counts[0] <= value <= counts[-1] else None


def _bounded(value: float, counts: Values) -> str:
    if value > counts[-1]:
        return f"more than {counts[-1]:g}"
    return f"fewer than {counts[0]:g}" if value < counts[0] else f"{value:.1f}"


def _interval(estimate: float, draws: Values, n: int) -> Interval:
    low, high = np.quantile(draws, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return Interval(estimate, float(low), float(high), n)
