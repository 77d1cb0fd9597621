"""Certificates and studies as their JSON files hold them, ready for the report: nothing is measured here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tf_medsynth.config.bounds import ReportConfig
from tf_medsynth.evaluation.lesion_fidelity import VERDICTS
from tf_medsynth.evaluation.studies import NOT_RUN
from tf_medsynth.metrics.intervals import Interval
from tf_medsynth.reports.certificate_tables import certificate_tables
from tf_medsynth.reports.figures import Chart, distribution_chart, intervals_chart
from tf_medsynth.reports.plain_tables import as_interval, plain_tables, shown, spelled
from tf_medsynth.reports.report_data import Evidence, Finding, Origin
from tf_medsynth.reports.study_tables import further_measures_table
from tf_medsynth.reports.tables import UNKNOWN, Table, number

_HELD = {
    **dict.fromkeys(("held", "passed", "pass", "as_real", "yes"), True),
    **dict.fromkeys(("not held", "failed", "fail", "below_real", "above_real", "no"), False),
}
_VERDICT_KEYS = ("verdict", "passed", "holds", "held")
_HEADER = ("kind", "target", "against", "seed", "size", "samples", "samples_in_target", "model_hash", "words")
_ROWS = "rows"
_MOST_CHARTS = 4


def certificate_evidence(
    certificate: Mapping[str, Any], hashes: Mapping[str, str], bounds: ReportConfig | None = None
) -> Evidence:
    """A certificate as `audits.audit` wrote it.

    Args:
        certificate: the file's values: what was audited, what was found, ``rows`` of single samples.
        hashes: what names it, e.g. that of the file.
        bounds: what its numbers are held against where it gives no verdict.
    """
    kind = str(certificate.get("kind", "unknown"))
    found = {key: value for key, value in certificate.items() if key not in (*_HEADER, *_VERDICT_KEYS)}
    rows = {key: found.pop(key) for key in list(found) if key.endswith(_ROWS) and _is_rows(found[key])}
    known = certificate_tables(certificate)
    return Evidence(
        title=f"{kind.capitalize()}",
        summary=_audited(certificate),
        findings=[*_verdicts(certificate, kind), *_judged(certificate, kind, bounds or ReportConfig())],
        tables=known if known is not None else plain_tables(_beside(found), kind.capitalize()),
        charts=_distributions(rows),
        origin=Origin(_audit_command(certificate, kind), hashes),
    )


def study_evidence(study: Mapping[str, Any], hashes: Mapping[str, str]) -> Evidence:
    """A study as its ``study.json`` holds it.

    Args:
        study: ``study``, ``rows`` with the ``mean`` interval of each measure, ``verdicts`` of claims by
            measure, ``skipped`` rows, ``against_row_1``, ``learning_curve``.
        hashes: what names it.
    """
    name, rows = str(study.get("study", "study")), study.get("rows", {})
    measures = list(dict.fromkeys(measure for row in rows.values() for measure in row.get("mean", {})))
    judged = list(study.get("verdicts", {})) or measures[:1]
    return Evidence(
        title=f"Study: {name}",
        summary=_studied(study),
        findings=list(_claims(study)),
        tables=list(_study_tables(study, rows, judged)),
        charts=[
            (spelled(measure), intervals_chart(spelled(measure), _means(rows, measure), _groups(rows)))
            for measure in judged
            if _means(rows, measure)
        ],
        origin=Origin(_study_command(study, name), hashes),
    )


def _audited(certificate: Mapping[str, Any]) -> str:
    text = f"{certificate.get('samples', UNKNOWN)} samples"
    total = certificate.get("samples_in_target")
    if total and total != certificate.get("samples"):
        text += f" of {total}, evenly spread"
    size = certificate.get("size")
    text += f", {size[0]} x {size[1]} px" if size else ""
    text += ", beside another set" if certificate.get("against") else ", with nothing beside them"
    return f"{text}; seed {certificate.get('seed', UNKNOWN)}. {certificate.get('words', '')}".strip()


def _verdicts(certificate: Mapping[str, Any], kind: str) -> Iterator[Finding]:
    """Verdicts at the top, and those one level below."""
    places = {"": certificate} | {k: v for k, v in certificate.items() if isinstance(v, Mapping)}
    for place, values in places.items():
        for key in _VERDICT_KEYS:
            if isinstance(values.get(key), (str, bool)):
                said = values[key]
                held = said if isinstance(said, bool) else _HELD.get(said)
                words = str(values.get("words", "")) if place else ""
                yield Finding(
                    ", ".join(filter(None, (kind, spelled(place)))),
                    VERDICTS.get(said, spelled(shown(said))) if isinstance(said, str) else shown(said),
                    "",
                    held,
                    words,
                )


def _judged(certificate: Mapping[str, Any], kind: str, bounds: ReportConfig) -> Iterator[Finding]:
    """What the numbers of a certificate without words say."""
    if kind == "registration" and isinstance(certificate.get("shift_px"), Mapping):
        claim = "shift of the worst pair of modalities, 95th percentile (px)"
        yield Finding.at_most(claim, certificate["shift_px"].get("p95"), bounds.registration_px)
    if kind != "memorisation":
        return
    for name, space in certificate.get("spaces", {}).items():
        claim = f"share of samples that lie as near to a training slice as a copy does, by {spelled(name)}"
        note = f"{space.get('copies', UNKNOWN)} of {space.get('judged', UNKNOWN)} samples; the bound is the "
        note += "share of held-out real slices that would be called copies"
        yield Finding.at_most(claim, space.get("copy_share"), certificate["false_alarm"], note)
    told = certificate.get("membership", {})
    if _is_number(told.get("low")) and _is_number(told.get("high")):
        auc = shown([told.get("auc"), told["low"], told["high"], 0])
        claim = "nobody can tell by the samples who was trained on (membership inference, AUC)"
        yield Finding(claim, auc, "0.5 inside", told["low"] <= 0.5 <= told["high"])


def _beside(found: Mapping[str, Any]) -> dict[str, Any]:
    """Measures of the audited set and of the one ``beside`` it, key by key."""
    other = found.get("beside")
    own = {key: value for key, value in found.items() if key != "beside"}
    for key, value in other.items() if isinstance(other, Mapping) else ():
        own[key] = {"audited set": own[key], "beside": value} if key in own else {"beside": value}
    return own


def _claims(study: Mapping[str, Any]) -> Iterator[Finding]:
    for measure, claims in study.get("verdicts", {}).items():
        for claim in (claim for claim in claims if claim.get("verdict") != NOT_RUN):
            said = str(claim.get("verdict", "undecided"))
            gap = [claim.get("gap"), claim.get("low"), claim.get("high"), 0]
            measured = f"gap {shown(gap)}" if _is_number(claim.get("gap")) else said
            origin = f", claimed by {claim['origin']}" if claim.get("origin") else ""
            words = f"{claim.get('claim', '')} (by {spelled(measure)}{origin})"
            yield Finding(words, measured, "above 0", _HELD.get(said), str(claim.get("words", "")))


def _studied(study: Mapping[str, Any]) -> str:
    seeds, cases = study.get("seeds", []), study.get("cases", [])
    config = study.get("config", {})
    text = f"{len(study.get('rows', {}))} rows, seeds {', '.join(map(str, seeds)) or UNKNOWN}, "
    text += f"{len(cases)} {study.get('cases_are', 'cases')}"
    if study.get("splits"):
        text += f" of {len(study['splits'])} splits"
    if config.get("data"):
        text += f", trained on {config['data']} ({len(config.get('patients', []))} patients)"
    return f"{text}. Intervals are 95 %, over patients and seeds. {study.get('words', '')}".strip()


def _study_tables(
    study: Mapping[str, Any], rows: Mapping[str, Any], judged: Sequence[str]
) -> Iterator[Table]:
    against = study.get("against_row_1", {})
    columns = ["row", "what"]
    columns += [
        text
        for m in judged
        for text in (spelled(m), f"{spelled(m)} against row 1", f"{spelled(m)}, published")
    ]
    body = []
    for name, row in rows.items():
        cells = [name, str(row.get("about", ""))]
        for measure in judged:
            cells += [
                shown(row.get("mean", {}).get(measure)),
                shown(against.get(measure, {}).get(name)),
                number(row.get("reference", {}).get(measure)),
            ]
        body.append(cells)
    if body:
        yield _without_empty(Table("Rows", columns, body, "Published values are others' and on other data."))
    further = further_measures_table(study) if body else None
    if further:
        yield further
    untried = {
        str(claim.get("claim", "")): [str(claim.get("claim", "")), str(claim.get("words", ""))]
        for claims in study.get("verdicts", {}).values()
        for claim in claims
        if claim.get("verdict") == NOT_RUN
    }
    if untried:
        yield Table(
            "Claims that were not tried, for want of rows", ["claim", "in words"], list(untried.values())
        )
    if study.get("skipped"):
        missing = [[name, str(why)] for name, why in study["skipped"].items()]
        yield Table("Rows that were not run", ["row", "why"], missing)
    for target, worth in ((study.get("learning_curve") or {}).get("worth") or {}).items():
        yield Table("Worth in real patients", ["row", "in words"], [[target, str(worth.get("words", ""))]])


def _without_empty(table: Table) -> Table:
    """The table without columns of which nothing is known."""
    kept = [n for n in range(len(table.columns)) if any(row[n] not in (UNKNOWN, "") for row in table.rows)]
    rows = [[row[n] for n in kept] for row in table.rows]
    return Table(table.title, [table.columns[n] for n in kept], rows, table.note)


def _means(rows: Mapping[str, Any], measure: str) -> dict[str, Interval]:
    found = {name: as_interval(row.get("mean", {}).get(measure)) for name, row in rows.items()}
    return {name: interval for name, interval in found.items() if interval is not None}


def _groups(rows: Mapping[str, Any]) -> dict[str, str]:
    """What is told apart by colour and marker: how a row mixes, where it does."""
    return {name: spelled(str(row.get("overrides", {}).get("mix.mixing", ""))) for name, row in rows.items()}


def _distributions(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[tuple[str, Chart]]:
    """A chart a score of single samples, those of the other set in the same."""
    if not rows:
        return []
    scores = [key for key, value in next(iter(rows.values()))[0].items() if _is_number(value)]
    charts = []
    for score in scores[:_MOST_CHARTS]:
        groups = {_side(key): [_float(row.get(score)) for row in some] for key, some in rows.items()}
        if any(math.isfinite(value) for values in groups.values() for value in values):
            charts.append((spelled(score), distribution_chart(spelled(score), groups)))
    return charts


def _side(key: str) -> str:
    return spelled(key.removesuffix(_ROWS).strip("_")) or "audited set"


def _audit_command(certificate: Mapping[str, Any], kind: str) -> str:
    against = " --against TRAINING" if certificate.get("against") else ""
    features = " --features FILE" if certificate.get("extractor") else ""
    return f"medsynth audit {kind} TARGET{against}{features}"


def _study_command(study: Mapping[str, Any], name: str) -> str:
    rows = " ".join(study.get("rows", {}))
    return f"medsynth study {name} --rows {rows} --seeds {len(study.get('seeds', []))} --run RUN --out OUT"


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _float(value: Any) -> float:
    return float(value) if _is_number(value) else float("nan")
