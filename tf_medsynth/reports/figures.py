"""Charts for the report as PNG bytes: drawn for a phone's width, readable by the colour-blind."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.metrics.coverage import PLACES, SIZES
from tf_medsynth.metrics.intervals import Interval

BLUE, VERMILLION, GREY, INK = "#0072B2", "#D55E00", "#767676", "#1a1a1a"

PALETTE = (BLUE, VERMILLION, "#009E73", "#CC79A7", "#56B4E9", "#E69F00", INK)
"""Colours of Okabe and Ito, told apart by the colour-blind too; each has a marker or dashes of its own."""

_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_RESOLUTION = 200
_STYLE_SIZE = 8
_SMOOTHED_FROM = 40


class Chart(NamedTuple):
    """A PNG picture and the sentence that says what it shows."""

    png: bytes
    description: str


def loss_chart(name: str, steps: ArrayLike, values: ArrayLike) -> Chart:
    """One logged term over the training steps, with a running median where it is long.

    Values that are not finite are left out of the line, marked on the axis, and counted in the
    description.

    Args:
        name: of the term, as logged.
        steps: `(n,)`, ascending.
        values: `(n,)`.
    """
    at, term = np.asarray(steps, np.float64), np.asarray(values, np.float64)
    check(
        "a curve needs as many steps as values, one or more",
        at.shape == term.shape and at.ndim == 1 and at.size > 0,
        name=name,
        steps=at.shape,
        values=term.shape,
    )
    finite = np.isfinite(term)
    figure, axes = _figure(1.9, 1.4)
    long = int(finite.sum()) >= _SMOOTHED_FROM
    axes.plot(
        at[finite],
        term[finite],
        color=GREY if long else BLUE,
        linewidth=0.5 if long else 1.2,
        marker="o" if finite.sum() == 1 else "",
        markersize=3,
    )
    if long:
        axes.plot(at[finite], _running_median(term[finite]), color=BLUE, linewidth=1.6)
    for place in at[~finite]:
        axes.axvline(place, color=VERMILLION, linewidth=0.6, linestyle=":")
    axes.set_xlabel("step")
    return Chart(_png(figure), _describe_curve(name, at, term, finite))


def coverage_chart(region: str, before: NDArray[np.int64], after: NDArray[np.int64]) -> Chart:
    """Counts of one region's labels by size (rows) and place (columns), before and after the gates.

    Args:
        region: its name.
        before: `(7, 9)` counts, a row of `metrics.coverage.Coverage.counts`.
        after: same.
    """
    pair = {"before": before, "after": after}
    figure, placeholder = _figure(3.4, 3.6)
    placeholder.remove()
    top = max(1, *(int(table.max()) for table in pair.values()))
    for number, (title, table) in enumerate(pair.items(), start=1):
        axes = figure.add_subplot(2, 1, number)
        shown = np.ma.masked_equal(np.log1p(table), 0)
        axes.imshow(shown, cmap="cividis", vmin=0, vmax=np.log1p(top), aspect="auto")
        for (size, place), count in np.ndenumerate(table):
            light = np.log1p(count) > 0.6 * np.log1p(top)
            if count:
                axes.text(
                    place,
                    size,
                    str(count),
                    ha="center",
                    va="center",
                    fontsize=6.5,
                    color="black" if light else "white",
                )
        axes.set_title(f"{title}: {int(table.sum())}", loc="left", fontsize=_STYLE_SIZE)
        axes.set_xticks(range(len(PLACES)), [_initials(place) for place in PLACES])
        axes.set_yticks(range(len(SIZES)), SIZES)
        axes.tick_params(length=0, labelsize=_STYLE_SIZE - 1)
    lost = int(((pair["before"] > 0) & (pair["after"] == 0)).sum())
    labels = [int(table.sum()) for table in pair.values()]
    cells = [np.count_nonzero(table) for table in pair.values()]
    return Chart(
        _png(figure),
        f"{region.replace('_', '-')}: {labels[0]} labels before and {labels[1]} after the gates, in "
        f"{cells[0]} and {cells[1]} cells of size by place; {lost} cells emptied.",
    )


def gates_chart(accepted: int, rejected: Mapping[str, int]) -> Chart:
    """What became of the candidates, as bars with their counts: accepted, or rejected and why.

    Args:
        accepted: candidates.
        rejected: candidates by the reason that decided, each counted once.
    """
    names: Sequence[str] = ["accepted", *rejected]
    counts = [accepted, *rejected.values()]
    figure, axes = _figure(3.4, 0.5 + 0.3 * len(names))
    bars = axes.barh(range(len(names)), counts, color=[BLUE, *[VERMILLION] * len(rejected)])
    for bar in list(bars)[1:]:
        bar.set_hatch("///")
        bar.set_edgecolor("white")
    axes.bar_label(bars, padding=2, fontsize=_STYLE_SIZE)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("candidates")
    told = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in zip(names, counts, strict=True))
    return Chart(_png(figure), f"Candidates: {told}.")


def intervals_chart(
    measure: str, rows: Mapping[str, Interval], groups: Mapping[str, str] | None = None
) -> Chart:
    """Each row's estimate with its interval, one below the other; groups differ in colour and marker.

    Args:
        measure: what is estimated.
        rows: intervals by name, drawn from the top.
        groups: group of each row; rows of one group look alike.
    """
    check("a chart of intervals needs rows", bool(rows), measure=measure)
    kinds = list(dict.fromkeys((groups or {}).get(name, "") for name in rows))
    figure, axes = _figure(3.4, 0.75 + 0.24 * len(rows) + 0.15 * len(kinds))
    for place, (name, interval) in enumerate(rows.items()):
        number = kinds.index((groups or {}).get(name, ""))
        look: dict[str, Any] = {
            "color": PALETTE[number % len(PALETTE)],
            "marker": _MARKERS[number % len(_MARKERS)],
        }
        if np.isfinite([interval.low, interval.high]).all():
            axes.plot([interval.low, interval.high], [place, place], color=look["color"], linewidth=1.6)
        axes.plot([interval.estimate], [place], **look, markersize=5, linestyle="")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", linewidth=0.4, color="#d0d0d0")
    axes.set_axisbelow(True)
    axes.set_xlabel(measure)
    if len(kinds) > 1:
        _legend(figure, [(kind or "other", PALETTE[n % 7], _MARKERS[n % 7]) for n, kind in enumerate(kinds)])
    told = "; ".join(
        f"{name}: {i.estimate:.3g}" + (f" ({i.low:.3g} to {i.high:.3g})" if np.isfinite(i.low) else "")
        for name, i in rows.items()
    )
    return Chart(_png(figure), f"{measure}. {told}.")


def distribution_chart(measure: str, groups: Mapping[str, ArrayLike]) -> Chart:
    """The share of each group's values up to any number, as steps; groups differ in colour and dashes.

    Args:
        measure: what the values are, with their unit.
        groups: `(n,)` values by name; those that are not finite are left out.
    """
    known = {name: np.asarray(values, np.float64) for name, values in groups.items()}
    known = {name: np.sort(values[np.isfinite(values)]) for name, values in known.items()}
    known = {name: values for name, values in known.items() if len(values)}
    check("a distribution needs finite values", bool(known), measure=measure)
    figure, axes = _figure(3.4, 2.1)
    for number, (name, values) in enumerate(known.items()):
        axes.step(
            values[[0, *range(len(values))]],  # from 0 on: a single value is a line too
            np.arange(len(values) + 1) / len(values),
            where="post",
            color=PALETTE[number % len(PALETTE)],
            linestyle=("-", "--", ":", "-.")[number % 4],
            linewidth=1.5,
            label=f"{name} (n = {len(values)})",
        )
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(measure)
    axes.set_ylabel("share of samples", fontsize=_STYLE_SIZE - 1)
    axes.legend(fontsize=_STYLE_SIZE - 1, frameon=False, loc="lower right")
    told = "; ".join(
        f"{name}: median {np.median(v):.3g}, 95 % below {np.quantile(v, 0.95):.3g}, n = {len(v)}"
        for name, v in known.items()
    )
    return Chart(_png(figure), f"{measure}. {told}.")


def _legend(figure: Figure, entries: Sequence[tuple[str, str, str]]) -> None:
    handles = [
        Line2D([], [], color=colour, marker=marker, linewidth=1.6, markersize=5, label=name)
        for name, colour, marker in entries
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=2, fontsize=_STYLE_SIZE - 1, frameon=False
    )


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of its own, outside pyplot: nothing global is touched."""
    figure = Figure(figsize=(width, height), dpi=_RESOLUTION, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=_STYLE_SIZE - 1)
    axes.xaxis.label.set_fontsize(_STYLE_SIZE - 1)
    axes.locator_params(axis="both", nbins=3)
    return figure, axes


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _running_median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    window = max(5, len(values) // 20) | 1
    padded = np.pad(values, window // 2, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, window), axis=-1)


def _describe_curve(name: str, at: NDArray, term: NDArray, finite: NDArray) -> str:
    bad = int((~finite).sum())
    unknown = f" {bad} values are not finite." if bad else ""
    if not finite.any():
        return f"{name}: no finite value in {at.size} steps."
    known = term[finite]
    return (
        f"{name}: {known[0]:.3g} at step {at[finite][0]:.0f}, {known[-1]:.3g} at step {at[finite][-1]:.0f}; "
        f"lowest {known.min():.3g}, highest {known.max():.3g}.{unknown}"
    )


def _initials(place: str) -> str:
    return "".join(word[0] for word in place.split()).upper()
