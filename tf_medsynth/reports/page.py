"""One self-contained HTML page from `ReportData`: no network, no scripts, readable on a phone."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from tf_medsynth.metrics.coverage import CellChange, Coverage
from tf_medsynth.reports.figures import Chart, coverage_chart, gates_chart, loss_chart
from tf_medsynth.reports.gallery import class_colours, png, sample_tiles
from tf_medsynth.reports.report_data import Evidence, Finding, Gallery, GateCounts, Origin, ReportData
from tf_medsynth.reports.tables import Table, number, percent
from tf_medsynth.runtime import atomic_path

__all__ = [
    "Evidence",
    "Finding",
    "Gallery",
    "GateCounts",
    "Origin",
    "ReportData",
    "Table",
    "render_report",
    "report_html",
]

_TEMPLATE = "report.html.j2"
_ORDER = {False: 0, None: 1, True: 2}


class _Picture(NamedTuple):
    name: str
    source: str  # data URI
    alternative: str


class _Row(NamedTuple):
    title: str
    tiles: list[_Picture]


def render_report(data: ReportData, out: Path | str) -> Path:
    """The path `out`, at which the whole page now is: written beside it first, then moved.

    Args:
        data: what to show.
        out: HTML file to write; an existing one is replaced.
    """
    page = report_html(data)
    with atomic_path(out) as partial:
        partial.write_text(page, encoding="utf-8")
    return Path(out)


def report_html(data: ReportData) -> str:
    """The page as text: the same for the same data, down to the byte."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tf_medsynth.evaluation"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(_TEMPLATE).render(
        data=data,
        findings=_sorted(data.findings),
        failures=_failures(data),
        counts=_counts(data.findings),
        warnings={stage: lines for stage, lines in data.warnings.items() if lines},
        galleries=[(gallery, _rows(gallery)) for gallery in data.galleries],
        evidence={
            "certificates": [_shown(evidence) for evidence in data.certificates],
            "studies": [_shown(evidence) for evidence in data.studies],
        },
        colours={_spelled(name): _css(rgb) for name, rgb in class_colours(data.classes).items()},
        gates=None if data.gates is None else _gates(data.gates),
        coverage=None if data.coverage is None else _coverage(data.coverage, data.classes),
        curves={stage: _curves(terms) for stage, terms in data.curves.items()},
        trained={stage: list(_flat(facts)) for stage, facts in data.trained.items()},
        steps=_steps(data) if data.steps else None,
    )


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    """What failed first, then what is undecided."""
    return sorted(findings, key=lambda finding: _ORDER[finding.held])


def _counts(findings: Sequence[Finding]) -> dict[bool | None, int]:
    return {held: sum(f.held is held for f in findings) for held in (True, False, None)}


def _failures(data: ReportData) -> list[tuple[str, Finding]]:
    """Failed verdicts of certificates and studies, each with where it stands."""
    places = [("certificates", e) for e in data.certificates] + [("studies", e) for e in data.studies]
    return [(place, finding) for place, e in places for finding in e.findings if finding.held is False]


def _shown(evidence: Evidence) -> dict[str, Any]:
    return {
        "title": evidence.title,
        "summary": evidence.summary,
        "counts": _counts(evidence.findings),
        "findings": _sorted(evidence.findings),
        "tables": evidence.tables,
        "charts": [_picture(name, chart) for name, chart in evidence.charts],
        "origin": evidence.origin,
    }


def _rows(gallery: Gallery) -> list[_Row]:
    samples = sample_tiles(
        gallery.images,
        gallery.structure_map,
        gallery.background_mask,
        gallery.lesion_label,
        gallery.domain,
    )
    return [
        _Row(title, [_Picture(t.name, _uri(png(t.pixels)), f"{t.name} of: {title}") for t in tiles])
        for title, tiles in zip(gallery.titles, samples, strict=True)
    ]


def _gates(gates: GateCounts) -> dict[str, Any]:
    chart = gates_chart(gates.accepted, gates.rejected)
    rows = [
        [
            _spelled(reason),
            str(gates.rejected.get(reason, 0)),
            str(gates.failed.get(reason, 0)) if gates.failed else number(None),
        ]
        for reason in dict.fromkeys([*gates.rejected, *gates.failed])
    ]
    return {
        "rate": percent(gates.accepted / gates.candidates if gates.candidates else None),
        "chart": _picture("gates", chart),
        "table": Table("Each gate", ["gate", "rejected for it", "candidates that fail it"], rows),
    }


def _coverage(tables: Mapping[str, Mapping[str, Any]], classes: Sequence[str]) -> dict[str, Any]:
    # Counts alone are drawn: the image size, by which sizes were binned, is no longer needed.
    before, after = (Coverage.from_dict((1, 1), tables[name], classes) for name in ("before", "after"))
    regions = before.regions
    drawn = [k for k in range(len(regions)) if before.counts[k].any() or after.counts[k].any()]
    return {
        "cells": (before.occupied(), after.occupied()),
        "kept": percent(after.share_of(before)),
        "charts": [
            _picture(regions[k], coverage_chart(regions[k], before.counts[k], after.counts[k])) for k in drawn
        ],
        "absent": [_spelled(region) for k, region in enumerate(regions) if k not in drawn],
        "emptied": _emptied(after.changes_from(before)),
    }


def _emptied(changes: list[CellChange]) -> Table:
    """A row a region with the cells that held labels before and hold none after."""
    lost: dict[str, list[CellChange]] = {}
    for change in changes:
        if change.before and not change.after:
            lost.setdefault(change.region, []).append(change)
    rows = [
        [
            _spelled(region),
            str(len(cells)),
            str(sum(cell.before for cell in cells)),
            "; ".join(f"{cell.size} {cell.place} ({cell.before})" for cell in cells),
        ]
        for region, cells in lost.items()
    ]
    return Table("Cells that the gates emptied", ["region", "cells", "labels", "which (labels)"], rows)


def _curves(terms: Mapping[str, tuple[Any, Any]]) -> list[_Picture]:
    return [_picture(name, loss_chart(name, *curve)) for name, curve in terms.items()]


def _steps(data: ReportData) -> Table:
    rows = [
        [
            str(step["verb"]),
            _duration(step["seconds"]),
            number(step.get("peak_memory_mib"), 0),
            ", ".join(f"{key} {value}" for key, value in _flat(step.get("detail") or {})),
        ]
        for step in data.steps
    ]
    return Table("Each step", ["step", "time", "peak memory, MiB", "what"], rows)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _spelled(name: str) -> str:
    return name.replace("non_enhancing", "non-enhancing").replace("_", " ")


def _flat(facts: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested facts as (dotted key, text) pairs."""
    if not isinstance(facts, Mapping):
        yield prefix, ", ".join(map(str, facts)) if isinstance(facts, (list, tuple)) else str(facts)
        return
    for key, value in facts.items():
        yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))


def _picture(name: str, chart: Chart) -> _Picture:
    return _Picture(name, _uri(chart.png), chart.description)


def _uri(file: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(file).decode("ascii")


def _css(rgb: tuple[int, int, int]) -> str:
    return f"rgb({rgb[0]} {rgb[1]} {rgb[2]})"
