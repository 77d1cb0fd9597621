"""From the results of a study's units to ``study.json``, ``table.md`` and ``plot.png``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.base import fingerprint
from tf_medsynth.config.studies import CLAIMS, StudyRow
from tf_medsynth.evaluation import studies
from tf_medsynth.metrics.intervals import seed_interval
from tf_medsynth.reports.study_plot import study_plot
from tf_medsynth.reports.study_tables import quality_markdown, study_markdown
from tf_medsynth.runs.lineage import code
from tf_medsynth.studies.runner import Done, Unit

RECORD, TABLE, PLOT = "study.json", "table.md", "plot.png"
KEPT = ("amounts", "presentations", "steps", "batch_size", "as_row")
"""Of a row's results, what its record repeats, as the first seed has it."""
JUDGED = ("whole_lesion", "legacy_dice")
"""Scores that claims are judged by: the usual Dice, and the one that the papers print."""


def summarise(
    kind: str,
    rows: Sequence[StudyRow],
    units: Sequence[Unit],
    done: Done,
    out: Path,
) -> dict[str, Any]:
    """What the study says, also written to `out`."""
    header = {
        "study": kind,
        "fingerprint": fingerprint([unit.config for unit in units]),
        "config": _common(units),
        "cases_are": "test patients" if kind == "availability" else "samples",
    }
    return conclude(header, rows, done.results, done.time, out)


def conclude(
    header: Mapping[str, Any],
    rows: Sequence[StudyRow],
    results: Sequence[Mapping[str, Any]],
    time: Callable[[], Mapping[str, Any]],
    out: Path,
) -> dict[str, Any]:
    """Means, intervals and verdicts of results, written to `out` below what `header` says of them.

    Args:
        results: of each row and seed, one, or several of other patients.
        time: what was taken, asked for when all else is known.
    """
    by_row = {row.name: [r for r in results if r["row"] == row.name] for row in rows}
    redrawn = {
        name: studies.redraw(scores_of({row: by_row[row] for row in scored}, name))
        for name, scored in measures_of(by_row).items()
    }
    claims = CLAIMS[header["study"]]
    judged = [*JUDGED, *(claim.measure for claim in claims if claim.measure)]
    facts: dict[str, Any] = {
        **header,
        "seeds": sorted({r["seed"] for r in results}),
        "cases": sorted({patient for r in results for patient in r["patients"]}),
        "rows": {row.name: _row_facts(row, by_row[row.name], redrawn) for row in rows},
        "against_row_1": _against(redrawn, "1"),
        "verdicts": {
            name: [
                studies.verdict(claim, redrawn[name])
                for claim in claims
                if claim.measure == name or (not claim.measure and name in JUDGED)
            ]
            for name in redrawn
            if name in judged
        },
        "learning_curve": learning_curve(by_row, redrawn),
        "code": code(),
    }
    facts |= _plotted(facts, [name for name in dict.fromkeys(judged) if name in redrawn], out)
    facts["time"] = dict(time())
    _write(facts, study_markdown(facts), out)
    return facts


def _plotted(facts: Mapping[str, Any], measures: Sequence[str], out: Path) -> dict[str, str]:
    """Writes the picture; its name, and the sentence for those who cannot see it."""
    plot = study_plot(facts, measures)
    with runtime.atomic_path(out / PLOT) as partial:
        partial.write_bytes(plot.png)
    return {"plot": PLOT, "plot_description": plot.description}


def _write(facts: Mapping[str, Any], table: str, out: Path) -> None:
    runtime.write_json(out / RECORD, facts)
    with runtime.atomic_path(out / TABLE) as partial:
        partial.write_text(table, encoding="utf-8")


def summarise_quality(
    rows: Sequence[StudyRow],
    units: Sequence[Unit],
    done: Done,
    out: Path,
) -> dict[str, Any]:
    """What a study of quality says, also written to `out`: values with Student's interval over seeds."""
    by_row = {row.name: [r for r in done.results if r["row"] == row.name] for row in rows}
    config = {key: value for key, value in units[0].config.items() if key not in ("row", "seed")}
    shown = {}
    for row in rows:
        by_seed = {str(r["seed"]): r["mean"] for r in by_row[row.name]}
        shown[row.name] = {
            "about": row.about,
            "reference": dict(row.reference),
            "n": min(r["n"] for r in by_row[row.name]),
            "mean": {
                name: _interval(seed_interval([mean[name] for mean in by_seed.values()]))
                for name in next(iter(by_seed.values()))
                if all(mean[name] is not None for mean in by_seed.values())
            },
            "by_seed": by_seed,
        }
    by_measure = _by_measure(shown)
    facts: dict[str, Any] = {
        "study": "quality",
        "fingerprint": fingerprint([unit.config for unit in units]),
        "config": config,
        "seeds": sorted({unit.seed for unit in units}),
        "rows": shown,
        "verdicts": {
            name: [
                studies.seed_verdict(claim, values) for claim in CLAIMS["quality"] if claim.measure == name
            ]
            for name, values in by_measure.items()
            if any(claim.measure == name for claim in CLAIMS["quality"])
        },
        "code": code(),
    }
    facts |= _plotted(facts, list(by_measure), out)
    facts["time"] = done.time()
    _write(facts, quality_markdown(facts), out)
    return facts


def _by_measure(rows: Mapping[str, Any]) -> dict[str, dict[str, list[float]]]:
    """Values of every seed in order, by measure and row; a row that lacks one in some seed is left out."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row["mean"]))
    return {
        name: {
            key: [row["by_seed"][seed][name] for seed in sorted(row["by_seed"], key=int)]
            for key, row in rows.items()
            if name in row["mean"]
        }
        for name in names
    }


def measures_of(by_row: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[str]]:
    """Measures, and the rows that have each: taken of every patient, and known of one in all his results."""
    found: dict[str, list[str]] = {}
    for row, results in by_row.items():
        scores = [own for result in results for own in result["patients"].values()]
        for name in (name for name in scores[0] if all(name in own for own in scores)):
            found.setdefault(name, []).append(row)
    return {
        name: rows for name, rows in found.items() if _is_known(name, [r for k in rows for r in by_row[k]])
    }


def _is_known(name: str, results: Sequence[Mapping[str, Any]]) -> bool:
    scores = [(patient, own[name]) for result in results for patient, own in result["patients"].items()]
    return {patient for patient, value in scores if value is None} < {patient for patient, _ in scores}


def scores_of(by_row: Mapping[str, Sequence[Mapping[str, Any]]], measure: str) -> dict[str, np.ndarray]:
    """``(seeds, patients)`` of each row, seeds and patients in order, NaN where there is none."""
    return {
        row: np.array(
            [
                [np.nan if scores[measure] is None else scores[measure] for _, scores in sorted(of.items())]
                for _, of in sorted(patients_by_seed(results).items())
            ]
        )
        for row, results in by_row.items()
    }


def patients_by_seed(results: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """Scores of every patient that a row was tested on, by seed."""
    found: dict[int, dict[str, Any]] = {}
    for result in results:
        found.setdefault(int(result["seed"]), {}).update(result["patients"])
    return found


def learning_curve(
    by_row: Mapping[str, Sequence[Mapping[str, Any]]], redrawn: Mapping[str, studies.Redrawn]
) -> dict[str, Any] | None:
    """How many real patients each mixed row is worth; None without two rows of real patients alone.

    Rows whose real slices were chosen by slices say nothing of having few patients, and are left out.
    """
    if "whole_lesion" not in redrawn:
        return None
    curve, targets = {}, []
    for row, results in by_row.items():
        amounts = results[0].get("amounts", {})
        if set(amounts) == {"real"} and amounts["real"]["chosen_by"] != "slices":
            curve[row] = float(np.mean([len(r["amounts"]["real"]["patients"]) for r in results]))
        elif "synthetic" in amounts:
            targets.append(row)
    if len(set(curve.values())) < 2:
        return None
    means = redrawn["whole_lesion"]
    points = {
        row: {"patients": n, "whole_lesion": means.means[means.column(row)]} for row, n in curve.items()
    }
    return {"points": points, "worth": studies.worth_in_patients(means, curve, targets)}


def _row_facts(
    row: StudyRow, results: Sequence[Mapping[str, Any]], redrawn: Mapping[str, studies.Redrawn]
) -> dict[str, Any]:
    by_seed = patients_by_seed(results)
    own = [name for name, means in redrawn.items() if row.name in means.names]
    return {
        "about": row.about,
        "overrides": dict(row.overrides),
        "reference": dict(row.reference),
        **{name: results[0][name] for name in KEPT if name in results[0]},
        "mean": {name: _interval(studies.mean_of(redrawn[name], row.name)) for name in own},
        "by_seed": {
            str(seed): {name: _known_mean(patients, name) for name in own}
            for seed, patients in by_seed.items()
        },
        "patients": {str(seed): patients for seed, patients in by_seed.items()},
    }


def _against(redrawn: Mapping[str, studies.Redrawn], base: str) -> dict[str, Any]:
    """Paired difference of every row to `base`, by measure; empty where `base` was not run."""
    return {
        name: {row: _interval(studies.difference(means, row, base)) for row in means.names if row != base}
        for name, means in redrawn.items()
        if base in means.names
    }


def _interval(interval: Any) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


def _known_mean(patients: Mapping[str, Mapping[str, Any]], name: str) -> float:
    return float(np.mean([scores[name] for scores in patients.values() if scores[name] is not None]))


def _common(units: Sequence[Unit]) -> dict[str, Any]:
    own = {"row", "seed", "settings", "synthetic"}
    first = {key: value for key, value in units[0].config.items() if key not in own}
    synthetic = next((u.config["synthetic"] for u in units if u.config.get("synthetic")), None)
    segmentor = units[0].config.get("settings", {})
    return {**first, "settings": segmentor, "synthetic": synthetic}
