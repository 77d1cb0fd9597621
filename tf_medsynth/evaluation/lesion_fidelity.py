"""Does a synthetic image carry the lesion of its label? Judges of real patients, calibrated on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.metrics.arrays import as_label_pair
from tf_medsynth.metrics.bootstrap import interval_of, ratio_replicates
from tf_medsynth.metrics.intervals import Interval
from tf_medsynth.metrics.lesion_instances import centroid_distance, lesion_instances

WHOLE = "whole_lesion"
MEASURES = (
    "dice",
    "area_error",
    "area_bias",
    "centroid_px",
    "missed_lesions",
    "hallucinated_lesions",
    "missed_slices",
    "hallucinated_slices",
)
VERDICTS = {
    "as_real": "not told apart from real images",
    "below_real": "judges find the lesion less well than in real images",
    "above_real": "judges find the lesion better than in real images: lesions easier than real ones",
    "unknown": "too little to say",
}

Scores = dict[str, dict[str, NDArray[np.float64]]]
_AT_ONCE = 512


def sample_scores(
    found: ArrayLike, label: ArrayLike, classes: Sequence[str], least_pixels: int = 5, reach: int = 2
) -> Scores:
    """Agreement of one answer with one label for each slice: ``{group: {score: (n,)}}``.

    Groups are the whole lesion and each class. Scores: ``dice``; ``wanted`` and ``found``, areas in
    pixels; ``centroid_px``; ``lesions``, ``missed`` and ``hallucinated`` of `lesion_instances`. NaN
    where not defined: the Dice of an empty label, a centre of nothing.

    Args:
        found: `(n, H, W)` integer class codes seen in the images.
        label: same shape, the codes the images were made from.
        classes: names of the codes, what is not labelled first.
        least_pixels, reach: of `lesion_instances`.
    """
    seen, wanted = np.asarray(found), np.asarray(label)
    as_label_pair(seen, wanted, len(classes))
    check("labels are (n, H, W)", seen.ndim == 3, shape=seen.shape)
    parts = [
        _scores(
            seen[start : start + _AT_ONCE], wanted[start : start + _AT_ONCE], classes, least_pixels, reach
        )
        for start in range(0, len(seen), _AT_ONCE)
    ]
    return {
        group: {name: np.concatenate([part[group][name] for part in parts]) for name in scores}
        for group, scores in parts[0].items()
    }


def lesion_fidelity(
    found: ArrayLike,
    label: ArrayLike,
    real_found: ArrayLike,
    real_label: ArrayLike,
    real_patients: ArrayLike,
    real_judges: ArrayLike,
    *,
    classes: Sequence[str],
    least_pixels: int = 5,
    reach: int = 2,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """How well judges find the labels in synthetic images, beside how well they do in real ones.

    The K judges were trained on real patients whom the generator never saw; each real slice is judged
    by the one that did not train on its patient. No score can be read alone: the real one beside it is
    the calibration. A score above it means lesions that are easier than real ones, not better images.

    Measures, each for the whole lesion and every class: ``dice``, mean over slices that show it;
    ``area_error`` and ``area_bias``, absolute and signed difference in area over the area wanted, both
    summed over slices; ``centroid_px``; ``missed_lesions``, a share of the lesions;
    ``hallucinated_lesions``, number on a slice whose label is not empty; ``missed_slices``, the share
    of slices that show the lesion where nothing was found; ``hallucinated_slices``, the share of
    slices without it where it was.

    Args:
        found: `(K, n, H, W)` integer class codes, each judge's answer on the synthetic images.
        label: `(n, H, W)`, what those images were made from.
        real_found: `(m, H, W)`, on real slices, by a judge that never saw the patient.
        real_label: same shape.
        real_patients: `(m,)` names.
        real_judges: `(m,)` numbers below K, who judged each real slice.
        classes: names of the codes, what is not labelled first.
        least_pixels, reach: of `lesion_instances`.
        resamples, seed: of the bootstrap, which redraws real patients and synthetic samples; it does
            not redraw judges, whose spread stands under ``by_judge``.

    Returns:
        ``{group: {measure: {"synthetic", "real", "difference": interval, ...}}}`` under ``groups``,
        ``ratio`` beside the difference of Dice; ``by_judge``, ``sizes`` (what the labels are like),
        ``counts``, ``settings``, ``verdict`` (a key of `VERDICTS`), and ``rows``: one a synthetic
        sample, means over judges.

    Raises:
        MedSynthError: shapes or codes that do not fit, fewer than two real patients.
    """
    answers, wanted = np.asarray(found), np.asarray(label)
    names, who = np.asarray(real_patients), np.asarray(real_judges)
    _check(answers, wanted, np.asarray(real_label), names, who)
    synthetic = [sample_scores(answer, wanted, classes, least_pixels, reach) for answer in answers]
    real = sample_scores(real_found, real_label, classes, least_pixels, reach)
    units = np.tile(np.arange(len(wanted)), len(answers))
    sides = {}
    for side, parts, owners, draw in (
        ("synthetic", synthetic, units, seed),
        ("real", [real], names, seed + 1),
    ):
        tables = [_table(scores, least_pixels) for scores in parts]
        tops, bottoms = (np.concatenate([table[n] for table in tables]) for n in (0, 1))
        sides[side] = (*ratio_replicates(tops, bottoms, owners, resamples, draw), len(np.unique(owners)))
    groups = _groups(sides, list(real))
    return {
        "verdict": _verdict(groups[WHOLE]["dice"]["difference"]),
        "counts": {
            "judges": len(answers),
            "samples": len(wanted),
            "real_slices": len(names),
            "real_patients": len(np.unique(names)),
        },
        "groups": groups,
        "by_judge": _by_judge(synthetic, real, who, least_pixels),
        "sizes": {"synthetic": _sizes(wanted), "real": _sizes(np.asarray(real_label))},
        "settings": {"least_pixels": least_pixels, "reach_px": reach, "resamples": resamples, "seed": seed},
        "rows": _rows(synthetic),
    }


def _check(answers: NDArray, wanted: NDArray, real: NDArray, names: NDArray, who: NDArray) -> None:
    check(
        "each judge answers for every sample: (K, n, H, W) and (n, H, W)",
        answers.ndim == 4 and answers.shape[1:] == wanted.shape,
        found=answers.shape,
        label=wanted.shape,
    )
    check(
        "each real slice needs its patient and its judge",
        names.shape == who.shape == real.shape[:1],
        slices=real.shape[:1],
        patients=names.shape,
        judges=who.shape,
    )
    check(
        "judges are numbered below their count",
        set(who.tolist()) <= set(range(len(answers))),
        judges=len(answers),
        numbers=sorted(set(who.tolist())),
    )
    patients = len(np.unique(names))
    check("calibration needs at least 2 real patients", patients >= 2, patients=patients)


def _scores(seen: NDArray, wanted: NDArray, classes: Sequence[str], least: int, reach: int) -> Scores:
    answer: Scores = {}
    for code, group in enumerate((WHOLE, *classes[1:])):
        a, b = (seen == code, wanted == code) if code else (seen > 0, wanted > 0)
        found, area = (mask.sum(axis=(1, 2)).astype(float) for mask in (a, b))
        shared = (a & b).sum(axis=(1, 2))
        dice = np.where(area > 0, 2.0 * shared / np.maximum(found + area, 1), np.nan)
        counts = {name: n.astype(float) for name, n in lesion_instances(a, b, least, reach).items()}
        areas = {"wanted": area, "found": found, "centroid_px": centroid_distance(a, b)}
        answer[group] = {"dice": dice, **areas, **counts}
    return answer


def _table(scores: Scores, least: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Numerators and denominators `(n, groups x measures)` of every measure of every slice."""
    pairs = [pair for of_group in scores.values() for pair in _ratios(of_group, least)]
    return np.stack([top for top, _ in pairs], axis=1), np.stack([bottom for _, bottom in pairs], axis=1)


def _ratios(s: Mapping[str, NDArray], least: int) -> list[tuple[NDArray, NDArray]]:
    """In the order of `MEASURES`."""
    wanted, found = s["wanted"], s["found"]
    shown, large = (wanted > 0).astype(float), (wanted >= least).astype(float)
    return [
        _mean(s["dice"]),
        (np.abs(found - wanted) * shown, wanted),
        ((found - wanted) * shown, wanted),
        _mean(s["centroid_px"]),
        (s["missed"], s["lesions"]),
        (s["hallucinated"] * shown, shown),
        (large * (found == 0), large),
        ((1 - shown) * (found >= least), 1 - shown),
    ]


def _mean(values: NDArray) -> tuple[NDArray, NDArray]:
    known = np.isfinite(values)
    return np.where(known, values, 0.0), known.astype(float)


def _groups(sides: Mapping[str, tuple[NDArray, NDArray, int]], names: Sequence[str]) -> dict[str, Any]:
    (made, made_draws, made_units), (real, real_draws, real_units) = sides["synthetic"], sides["real"]
    units = min(made_units, real_units)
    answer: dict[str, Any] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, ratio_draws = made / real, made_draws / real_draws
    for g, group in enumerate(names):
        answer[group] = {}
        for k, measure in enumerate(MEASURES, start=g * len(MEASURES)):
            facts = {
                "synthetic": interval_of(made[k], made_draws[:, k], made_units),
                "real": interval_of(real[k], real_draws[:, k], real_units),
                "difference": interval_of(made[k] - real[k], made_draws[:, k] - real_draws[:, k], units),
            }
            if measure == "dice":
                facts["ratio"] = interval_of(ratio[k], ratio_draws[:, k], units)
            answer[group][measure] = {name: interval._asdict() for name, interval in facts.items()}
    return answer


def _verdict(difference: Mapping[str, float]) -> str:
    interval = Interval(**difference)  # type: ignore[arg-type]
    if np.isnan(interval.low):
        return "unknown"
    return "above_real" if interval.low > 0 else "below_real" if interval.high < 0 else "as_real"


def _by_judge(synthetic: list[Scores], real: Scores, who: NDArray, least: int) -> list[dict[str, Any]]:
    """Whole-lesion measures of every judge, on the samples and on the patients it did not train on."""
    answer = []
    for judge, scores in enumerate(synthetic):
        own = {name: values[who == judge] for name, values in real[WHOLE].items()}
        sides = {"synthetic": _ratios(scores[WHOLE], least), "real": _ratios(own, least)}
        summed = {
            side: {
                measure: float(top.sum() / bottom.sum()) if bottom.sum() > 0 else float("nan")
                for measure, (top, bottom) in zip(MEASURES, pairs, strict=True)
            }
            for side, pairs in sides.items()
        }
        answer.append({"judge": judge, "real_slices": int((who == judge).sum()), **summed})
    return answer


def _sizes(label: NDArray) -> dict[str, float]:
    """Share of slices that show a lesion, and quartiles of its area in pixels where they do."""
    area = (label > 0).sum(axis=(1, 2))
    shown = area[area > 0]
    low, middle, high = np.quantile(shown, [0.25, 0.5, 0.75]) if len(shown) else [np.nan] * 3
    return {
        "with_lesion": float((area > 0).mean()),
        "quartile": low,
        "median": middle,
        "upper_quartile": high,
    }


def _rows(synthetic: list[Scores]) -> list[dict[str, float]]:
    """One a sample: whole-lesion scores and the Dice of each class, means over judges."""
    columns = {name: [s[WHOLE][name] for s in synthetic] for name in synthetic[0][WHOLE]}
    columns |= {
        f"dice_{group}": [s[group]["dice"] for s in synthetic] for group in synthetic[0] if group != WHOLE
    }
    means = {name: _known_mean(np.stack(values)) for name, values in columns.items()}
    return [{name: float(values[n]) for name, values in means.items()} for n in range(len(means["dice"]))]


def _known_mean(values: NDArray) -> NDArray:
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
