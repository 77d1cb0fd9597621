"""Mean scores of a study's rows with their intervals, beside what was published."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tf_medsynth.reports.figures import BLUE, GREY, VERMILLION, Chart

_RESOLUTION = 200
_DECADES = 100.0
"""Values that differ by more than this factor are shown on a logarithmic axis."""
_TITLES = {
    "whole_lesion": "Whole-lesion Dice",
    "legacy_dice": "Dice of label codes, as published",
    "legacy_mse": "MSE of label codes, as published",
    "registration_shift_px": "Shift between modalities, px",
    "ms_ssim": "MS-SSIM with real images",
    "fid": "Frechet distance to real images",
    "kid": "Kernel distance to real images",
}


def study_plot(facts: Mapping[str, Any], measures: Sequence[str]) -> Chart:
    """A panel a measure: rows from top to bottom, mean and 95 % interval where there is one, a dot a seed.

    A row without a measure leaves its place in that panel empty.

    Args:
        facts: of a study, with ``rows`` that have ``about``, ``mean``, ``by_seed`` and ``reference``.
        measures: panels from left to right.
    """
    rows = facts["rows"]
    figure = Figure(
        figsize=(1.6 + 2.6 * len(measures), 0.9 + 0.3 * len(rows)), dpi=_RESOLUTION, layout="constrained"
    )
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    published = [_panel(axes, rows, name) for axes, name in zip(panels, measures, strict=True)]
    panels[0].set_yticks(range(len(rows)), [f"{name}  {row['about']}" for name, row in rows.items()])
    panels[0].invert_yaxis()
    panels[0].tick_params(axis="y", length=0, labelsize=6)
    handles, labels = panels[published.index(True) if any(published) else 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower right", ncols=len(labels), fontsize=6, frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return Chart(buffer.getvalue(), _describe(rows, measures[0]))


def _panel(axes: Axes, rows: Mapping[str, Any], measure: str) -> bool:
    """Draws one measure; True where a published value is among it."""
    measured = {place: row for place, row in enumerate(rows.values()) if measure in row["mean"]}
    for place, row in measured.items():
        mean, first = row["mean"][measure], place == min(measured)
        known = math.isfinite(mean["low"])
        spread = [[mean["estimate"] - mean["low"]], [mean["high"] - mean["estimate"]]] if known else None
        axes.errorbar(
            mean["estimate"], place, xerr=spread, fmt="o", color=BLUE, markersize=4, capsize=2,
            linewidth=1.2, label="mean, 95 % interval" if first else None,
        )  # fmt: skip
        seeds = [scores[measure] for scores in row["by_seed"].values()]
        axes.plot(
            seeds, [place + 0.25] * len(seeds), "|", color=GREY, markersize=4,
            label="each seed" if first else None,
        )  # fmt: skip
    printed = [(r["reference"][measure], k) for k, r in enumerate(rows.values()) if measure in r["reference"]]
    if printed:
        axes.plot(
            *zip(*printed, strict=True), "D", markerfacecolor="none", markeredgecolor=VERMILLION,
            markersize=4, linestyle="", label="published",
        )  # fmt: skip
    shown = [row["mean"][measure]["estimate"] for row in measured.values()] + [value for value, _ in printed]
    if min(shown, default=0.0) > 0.0 and max(shown) > _DECADES * min(shown):
        axes.set_xscale("log")
    axes.set_title(_TITLES.get(measure, measure.replace("_", " ")), loc="left", fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.5)
    axes.tick_params(axis="x", labelsize=6)
    return bool(printed)


def _describe(rows: Mapping[str, Any], measure: str) -> str:
    told = (
        f"{name} {mean['estimate']:.3f}"
        + (f" ({mean['low']:.3f} to {mean['high']:.3f})" if math.isfinite(mean["low"]) else "")
        for name, row in rows.items()
        if (mean := row["mean"].get(measure))
    )
    return f"{_TITLES.get(measure, measure)} of rows with 95 % interval: {'; '.join(told)}."
