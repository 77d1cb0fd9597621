"""The report of a run: gathered from its directory, drawn by `evaluation.report`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.bounds import ReportConfig
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.families import STAGES
from tf_medsynth.config.records import StepLine, Whereabouts, domain_of
from tf_medsynth.config.study_records import EvaluationRecord
from tf_medsynth.evaluation import likeness
from tf_medsynth.metrics.coverage import Coverage
from tf_medsynth.reports import tables
from tf_medsynth.reports.page import render_report
from tf_medsynth.reports.report_data import Finding, Gallery, GateCounts, Origin, ReportData
from tf_medsynth.runs import certificates
from tf_medsynth.runs.commands import generation_command, training_commands
from tf_medsynth.runs.lineage import code
from tf_medsynth.runs.report_galleries import real_gallery, synthetic_gallery
from tf_medsynth.runs.run_directory import StageDirectory, stage_directory

_IDENTITY = (
    "preset",
    "data",
    "data_fingerprint",
    "seed",
    "precision",
    "image_size",
    "fingerprint",
    "upstream",
)
_PLAIN_NAMES = ("run", "runs", "out")
_AGAIN = "Remove it, and make it again."
_REPORT = "medsynth report --run RUN --out report.html"


@dataclasses.dataclass(frozen=True)
class ReportResult:
    """A written report."""

    out: Path
    failed: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"out": str(self.out), "failed_findings": self.failed}

    def render(self) -> str:
        """One line for a person."""
        failed = f"; {self.failed} findings did not hold" if self.failed else ""
        return f"report -> {self.out}{failed}"


def report(
    *,
    run: Path | str,
    out: Path | str,
    studies: Sequence[Path | str] = (),
    config: ReportConfig | None = None,
) -> ReportResult:
    """Writes one self-contained HTML page about a run.

    Args:
        run: a run directory with at least one trained stage; what else is there is shown: evaluation,
            certificates of the run and of the set generated from it last.
        out: the ``.html`` file.
        studies: folders of finished studies.
        config: what findings are held against.

    Raises:
        MedSynthError: nothing trained in `run`, a folder without a study, or `out` is no HTML file.
    """
    run, out = runtime.local_path(run, "run"), Path(out)
    check("--out is an .html file", out.suffix.lower() == ".html", out=str(out))
    runtime.check_new_file(out)
    check("a report needs a run directory", run.is_dir(), run=str(run))
    stages = [d for d in (stage_directory(run, name) for name in STAGES) if (d.path / "config.json").exists()]
    check("this run holds no trained stage", bool(stages), "Run medsynth train first.", run=str(run))
    data = _gather(run, stages, [Path(folder) for folder in studies], config or ReportConfig())
    failed = sum(f.held is False for f in data.findings)
    failed += sum(f.held is False for e in (*data.certificates, *data.studies) for f in e.findings)
    return ReportResult(render_report(data, out), failed)


def _gather(
    run: Path, stages: Sequence[StageDirectory], studies: Iterable[Path], config: ReportConfig
) -> ReportData:
    generated = _record(run / "generated.json", Whereabouts)
    evaluation = _record(run / "evaluation.json", EvaluationRecord)
    summary = generated.get("summary", {})
    domain = domain_of(stages[-1].config(), "Train it again.")
    with runtime.of_file(run / "generated.json", _AGAIN):
        for cells in (summary["coverage"][k] for k in ("before", "after") if summary):
            Coverage.from_dict((1, 1), cells, domain.label.classes)
    folders = [*([Path(generated["out"])] if generated else []), run]
    certified = certificates.certificates(*folders, bounds=config)
    studied, steps = certificates.studies(studies), _steps(run / "steps.jsonl")
    curves, warnings = {d.name: _curves(d) for d in stages}, {d.name: _warnings(d) for d in stages}
    origins = _origins(stages, summary)
    return ReportData(
        title=title_of(run, stages[-1].config()),
        classes=domain.label.classes,
        summary=_summary(stages, summary),
        findings=_findings(stages, summary, evaluation, config, domain),
        warnings=warnings,
        galleries=_galleries(stages, generated, origins),
        tables=tables.evaluation_tables(evaluation) if evaluation else [],
        certificates=certified,
        uncertified=certificates.missing_kinds(certified, domain),
        studies=studied,
        gates=_gates(summary),
        coverage={k: summary["coverage"][k] for k in ("before", "after")} if summary else None,
        curves=curves,
        trained={d.name: _facts(d) for d in stages},
        steps=steps,
        commands=[*training_commands(stages), *([origins["gates"].command] if summary else []), _REPORT],
        origins=origins,
    )


def title_of(run: Path, config: Mapping[str, Any]) -> str:
    """What tells this run from others: its folder, or the one it stands in, its data and its preset."""
    folder = run.resolve()
    name = folder.name if folder.name not in _PLAIN_NAMES or not folder.parent.name else folder.parent.name
    preset = f", preset {config['preset']}" if "preset" in config else ""
    return f"Synthetic patients of {name}: {config['data'].rsplit('/', 1)[0]}{preset}"


def _origins(stages: Sequence[StageDirectory], summary: Mapping[str, Any]) -> dict[str, Origin]:
    """What makes each part of the page again."""
    data = {"data": str(stages[-1].config().get("data_fingerprint", ""))}
    origins = {
        f"training of {stage.name}": Origin(command, {**data, "run": str(stage.config()["fingerprint"])})
        for stage, command in zip(stages, training_commands(stages), strict=True)
    }
    if summary:
        made = {"model": summary["model_hash"], "labels": summary["labels"]["fingerprint"]}
        origins["gates"] = origins["coverage"] = Origin(generation_command(summary), made)
        evaluate = "tf_medsynth.audits.evaluate.evaluate(run=RUN, synthetic=OUT)"
        origins["metrics"] = Origin(evaluate, {**data, **made})
    return origins


def _summary(stages: Sequence[StageDirectory], summary: Mapping[str, Any]) -> str:
    config, written = stages[-1].config(), code()
    text = (
        f"Stages {', '.join(d.name for d in stages)} trained on {config['data']} (fingerprint "
        f"{config['data_fingerprint']}), {len(config['patients'])} training patients, images of "
        f"{config['image_size'][0]} x {config['image_size'][1]} px; page drawn by version "
        f"{written['tf_medsynth']}, sources {written['sources']}."
    )
    if summary:
        text += (
            f" {summary['count']} samples were accepted of {summary['candidates']} candidates, "
            f"model {summary['model_hash']}, seed {summary['seed']}."
        )
    return text


def _findings(
    stages: Sequence[StageDirectory],
    summary: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    config: ReportConfig,
    domain: Domain,
) -> list[Finding]:
    findings = [
        Finding(
            f"stage {d.name} is trained to its end",
            "yes" if d.finished() else "no",
            "yes",
            bool(d.finished()),
        )
        for d in stages
    ]
    if summary:
        accepted = summary["scores"]["accepted"]
        contour = accepted["contour_mae"].get("max")
        shift = accepted["registration_shift_px"].get("max")
        settings = summary["settings"]
        findings += [
            Finding.at_most(
                "every accepted outline is closed (error)", contour, settings["contour"]["max_mae"]
            ),
        ]
        if len(domain.modalities) > 1:
            claim = "every accepted patient is registered (px)"
            findings.append(Finding.at_most(claim, shift, settings["registration_px"]))
    if "structure" in evaluation:
        findings.append(likeness.closed_outlines(evaluation["structure"], config.closed_outlines))
    if "quality" in evaluation:
        findings += likeness.sharpness(evaluation["quality"], config.sharpness)
    if "diversity" in evaluation:
        findings += likeness.diversity(evaluation["diversity"], config.diversity)
    if "lesion" in evaluation:
        findings += likeness.lesions(evaluation["lesion"], config)
    return findings


def _gates(summary: Mapping[str, Any]) -> GateCounts | None:
    if not summary:
        return None
    return GateCounts(summary["candidates"], summary["count"], summary["rejected"], summary["failed"])


def _galleries(
    stages: Sequence[StageDirectory], generated: Mapping[str, Any], origins: Mapping[str, Origin]
) -> list[Gallery]:
    galleries = [real_gallery(stages[-1].config())]
    if generated and Path(generated["out"]).is_dir():
        synthetic = synthetic_gallery(Path(generated["out"]), origins["gates"])
        galleries += [synthetic] if synthetic else []
    return galleries


def _curves(directory: StageDirectory) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    columns = runtime.read_columns(directory.path / "metrics.csv", "step", _AGAIN)
    steps = np.array(columns.pop("step", []))
    weights = directory.config()["settings"]["weights"]
    return {
        name: (steps, np.array(values))
        for name, values in columns.items()
        if steps.size and (weights.get(name) or name not in weights)
    }


def _facts(directory: StageDirectory) -> dict[str, Any]:
    config = directory.config()
    facts = {key: config[key] for key in _IDENTITY if config.get(key) not in (None, [], {})}
    facts["training patients"] = len(config["patients"])
    return {**facts, "training": config["settings"]["training"], "weights": config["settings"]["weights"]}


def _steps(file: Path) -> list[dict[str, Any]]:
    """Each step once, as it was when it took longest: a repeated call finds most of them done."""
    longest: dict[str, StepLine] = {}
    for step in runtime.read_lines(file, StepLine, "Remove the line."):
        if step["seconds"] >= longest.get(step["verb"], step)["seconds"]:
            longest[step["verb"]] = step
    return [dict(step) for step in longest.values()]


def _record(file: Path, schema: type[Mapping[str, Any]]) -> dict[str, Any]:
    return dict(runtime.read_record(file, schema, _AGAIN)) if file.exists() else {}


def _warnings(directory: StageDirectory) -> list[str]:
    file = directory.path / "warnings.txt"
    return runtime.read_text(file, _AGAIN).splitlines() if file.exists() else []
