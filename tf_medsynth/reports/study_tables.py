"""What a study found as tables and sentences, for ``table.md`` and the report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tf_medsynth.evaluation.segmentation import SURFACE_TOLERANCE, surface_names
from tf_medsynth.evaluation.studies import NOT_RUN
from tf_medsynth.reports.tables import UNKNOWN, Table, as_markdown, number, percent, spelled

_HEADINGS = {
    "whole_lesion": "whole-lesion Dice",
    "legacy_dice": "code Dice",
    "legacy_mse": "code MSE",
    "registration_shift_px": "shift between modalities, px",
    "contour_mae": "open outlines, MAE",
    "ms_ssim": "MS-SSIM with real",
    "fid": "FID",
    "kid": "KID",
}

_FURTHER = {
    **{
        title: [name]
        for unit in ("mm", "px")
        for title, name in zip(
            (f"HD95, {unit}", f"surface Dice at {SURFACE_TOLERANCE:g} {unit}"),
            surface_names(unit),
            strict=True,
        )
    },
    "pixels: sensitivity / specificity / accuracy": ["sensitivity", "specificity", "accuracy"],
    "pixels: AUC": ["auc"],
    "slices: sensitivity / specificity / accuracy": [
        "slice_sensitivity",
        "slice_specificity",
        "slice_accuracy",
    ],
    "slices: AUC": ["slice_auc"],
    "boxes: mAP@0.5 / IoU": ["box_map", "box_iou"],
}
"""Columns of the second table behind those of overlap, and the measures whose means each shows."""


def study_table(facts: Mapping[str, Any]) -> Table:
    """A row a row: its means with 95 % intervals, its difference to row 1, and what was published."""
    rows = facts["rows"]
    found = list(dict.fromkeys(name for row in rows.values() for name in row["mean"]))
    shown = [name for name in _HEADINGS if name in found] or found
    printed = [name for name in shown if any(name in row["reference"] for row in rows.values())]
    gaps = facts["against_row_1"].get(shown[0], {})
    columns = ["row", "what", *(f"{_HEADINGS.get(name, name)} (95 %)" for name in shown)]
    columns += ["against row 1"] * bool(gaps)
    columns += [f"published {_HEADINGS.get(name, name)}" for name in printed]
    body = []
    for name, row in rows.items():
        cells = [name, row["about"], *(_spread(row["mean"].get(measure)) for measure in shown)]
        if gaps:
            cells.append(_spread(gaps[name], signed=True) if name in gaps else UNKNOWN)
        body.append([*cells, *(number(row["reference"].get(measure)) for measure in printed)])
    seeds, cases = len(facts["seeds"]), len(facts["cases"])
    few = " Of so few an interval is too narrow." if min(seeds, cases) < 10 else ""
    return Table(
        f"Study {facts['study']}",
        columns,
        body,
        f"Mean over {cases} {facts['cases_are']} and {seeds} seeds; intervals redraw both, the same for "
        f"every row.{few} Code Dice and MSE are the papers' own scores, of label codes taken as numbers; "
        f"what was published is of other data and sizes.{_post_processing(facts)}",
    )


def further_measures_table(facts: Mapping[str, Any]) -> Table | None:
    """Means of every other measure of segmentation, a row a row; None where there is none.

    Args:
        facts: of a study; a row may lack measures of others.
    """
    rows = {name: row.get("mean", {}) for name, row in facts["rows"].items()}
    known = dict.fromkeys(name for mean in rows.values() for name in mean)
    possible = _overlap_columns(known) | _FURTHER
    columns = {title: names for title, names in possible.items() if known.keys() & set(names)}
    if not columns:
        return None
    body = [
        [row, *(" / ".join(number(_estimate(mean, name)) for name in names) for names in columns.values())]
        for row, mean in rows.items()
    ]
    return Table(
        "Further measures",
        ["row", *columns],
        body,
        "Means; intervals are in study.json. Distances are between surfaces of the whole lesion, of cases in "
        "which every row found one; sensitivity, specificity, accuracy and AUC are of all pixels, lesion "
        "or not, then of slices with and without a lesion; boxes stand round each lesion of a slice.",
    )


def _overlap_columns(known: Iterable[str]) -> dict[str, list[str]]:
    """Those of the whole lesion and of each class, which are the measures that have an IoU beside them."""
    names = list(known)
    classes = [name for name in names if f"{name}_iou" in names and name != "whole_lesion"]
    return {
        "whole-lesion IoU": ["whole_lesion_iou"],
        **{f"{spelled(name)} Dice / IoU": [name, f"{name}_iou"] for name in classes},
    }


def _estimate(mean: Mapping[str, Any], name: str) -> Any:
    return mean[name]["estimate"] if name in mean else None


def quality_study_table(facts: Mapping[str, Any]) -> Table:
    """A row a row of a study of quality: mean over seeds, n, and what was published."""
    rows = facts["rows"]
    names = list(dict.fromkeys(name for row in rows.values() for name in row["mean"]))
    printed = [name for name in names if any(name in row["reference"] for row in rows.values())]
    body = [
        [
            key,
            row["about"],
            str(row["n"]),
            *(_known_spread(row["mean"].get(name)) for name in names),
            *(number(row["reference"].get(name)) for name in printed),
        ]
        for key, row in rows.items()
    ]
    extractor = facts["config"]["extractor"]
    seen = f"features of {extractor['name']} ({extractor['sha256'][:12]})" if extractor else "no extractor"
    return Table(
        "Study quality",
        ["row", "what", "n", *(_HEADINGS.get(n, n) for n in names), *(f"published {n}" for n in printed)],
        body,
        f"{facts['config']['measure']}; {seen}; {len(facts['seeds'])} seeds draw the halves. Only values of "
        "one n and one extractor compare; published values are of others. Read each beside the row of two "
        f"real halves.{_post_processing(facts)}",
    )


def _post_processing(facts: Mapping[str, Any]) -> str:
    """What was done to the drawn images of every row alike, with a space before it; or nothing."""
    words = facts.get("config", {}).get("post_processing")
    return f" {words}" if words else ""


def _known_spread(interval: Mapping[str, float] | None) -> str:
    if interval is None:
        return UNKNOWN
    if math.isnan(interval["low"]):
        return f"{interval['estimate']:.4g}"
    return f"{interval['estimate']:.4g} ({interval['low']:.4g} to {interval['high']:.4g})"


def quality_markdown(facts: Mapping[str, Any]) -> str:
    """The table of a study of quality, and its verdicts."""
    return "\n\n".join([as_markdown(quality_study_table(facts)), *_claims(facts)]) + "\n"


def _claims(facts: Mapping[str, Any]) -> Iterator[str]:
    """A list of verdicts for each measure."""
    for measure, verdicts in facts["verdicts"].items():
        run = [v for v in verdicts if v["verdict"] != NOT_RUN]
        lines = [f"- {v['words']}" + (" [our aim]" if v["origin"] == "aim" else "") for v in run]
        if len(run) < len(verdicts):
            rest = "; ".join(v["claim"] for v in verdicts if v["verdict"] == NOT_RUN)
            lines.append(f"- {NOT_RUN}, for want of rows: {rest}.")
        if lines:
            yield f"### Claims, by {_HEADINGS.get(measure, measure)}\n\n" + "\n".join(lines)


def study_markdown(facts: Mapping[str, Any]) -> str:
    """The table, the verdicts, the learning curve, what was skipped, and what the study took."""
    further = further_measures_table(facts)
    parts = [*(as_markdown(table) for table in (study_table(facts), further) if table), *_claims(facts)]
    curve = facts["learning_curve"]
    if curve:
        by_number = sorted(curve["points"].values(), key=lambda point: point["patients"])
        points = [f"{p['patients']:g} patients {number(p['whole_lesion'])}" for p in by_number]
        lines = [f"- {worth['words']}" for worth in curve["worth"].values()]
        heading = "### How many real patients is it worth?\n\nReal patients alone: "
        parts.append("\n\n".join([heading + ", ".join(points) + ".", *(["\n".join(lines)] if lines else [])]))
    chosen = [
        f"- row {name}: its real slices are of every patient, since less than one whole patient was asked for"
        for name, row in facts["rows"].items()
        if row.get("amounts", {}).get("real", {}).get("chosen_by") == "slices"
    ]
    skipped = [f"- row {name}: skipped, {why}" for name, why in facts.get("skipped", {}).items()]
    splits = []
    if facts.get("splits"):
        splits.append(
            f"- pooled from {len(facts['splits'])} studies, each of another split of the patients and "
            "another generator, which its test patients share"
        )
    twins = [
        f"- row {name}: of the same settings as row {row['as_row']}, whose scores it shows"
        for name, row in facts["rows"].items()
        if row.get("as_row")
    ]
    remarks = [*splits, *chosen, *twins, *skipped]
    if remarks:
        parts.append("### Read with care\n\n" + "\n".join(remarks))
    time = facts["time"]
    parts.append(
        f"This call took {time['wall']:.0f} s: {time['training']:.0f} s training, "
        f"{time['evaluation']:.0f} s evaluation, {percent(time['wasted_share'])} beside them."
    )
    return "\n\n".join(parts) + "\n"


def _spread(interval: Mapping[str, float] | None, signed: bool = False) -> str:
    if interval is None:
        return UNKNOWN
    digits = "+.3f" if signed else ".3f"
    return f"{interval['estimate']:{digits}} ({interval['low']:{digits}} to {interval['high']:{digits}})"
