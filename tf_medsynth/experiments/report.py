"""The report of a run: gathered from its directory, drawn by `evaluation.report`."""

from __future__ import annotations

import csv
import dataclasses
import heapq
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.config.presets import STAGES
from tf_medsynth.data.batches import with_structure
from tf_medsynth.data.slices import READ_IN_ORDER, SliceSource
from tf_medsynth.evaluation import tables
from tf_medsynth.evaluation.report import render_report
from tf_medsynth.evaluation.report_data import Finding, Gallery, GateCounts, ReportData
from tf_medsynth.experiments.generate import source_of
from tf_medsynth.experiments.run_directory import StageDirectory, stage_directory

_SHOWN = 6
_ARRAYS = ("images", "structure_map", "background_mask", "lesion_label")
_IDENTITY = ("preset", "data", "seed", "precision", "image_size", "patients", "fingerprint", "upstream")


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


def report(*, run: Path | str, out: Path | str) -> ReportResult:
    """Writes one self-contained HTML page about a run.

    Args:
        run: a run directory with at least one trained stage; what else is there is shown.
        out: the ``.html`` file.

    Raises:
        MedSynthError: nothing trained in `run`, or `out` is no HTML file.
    """
    run, out = Path(run), Path(out)
    check("--out is an .html file", out.suffix.lower() == ".html", out=str(out))
    check("--out is a file, not a folder", not out.is_dir(), out=str(out))
    runtime.check_writable(out.absolute().parent)
    check("a report needs a run directory", run.is_dir(), run=str(run))
    stages = [d for d in (stage_directory(run, name) for name in STAGES) if (d.path / "config.json").exists()]
    check("this run holds no trained stage", bool(stages), "Run medsynth train first.", run=str(run))
    data = _gather(run, stages)
    return ReportResult(render_report(data, out), sum(f.held is False for f in data.findings))


def _gather(run: Path, stages: Sequence[StageDirectory]) -> ReportData:
    generated = _json(run / "generated.json")
    evaluation = _json(run / "evaluation.json")
    summary = generated.get("summary", {})
    return ReportData(
        title=f"Synthetic patients of run {run.resolve().name}",
        summary=_summary(stages, summary),
        findings=_findings(stages, summary, evaluation),
        warnings={d.name: _lines(d.path / "warnings.txt") for d in stages},
        galleries=_galleries(stages, generated),
        tables=tables.evaluation_tables(evaluation) if evaluation else [],
        gates=_gates(summary),
        coverage={k: summary["coverage"][k] for k in ("before", "after")} if summary else None,
        curves={d.name: _curves(d) for d in stages},
        trained={d.name: _facts(d) for d in stages},
        steps=_steps(run / "steps.jsonl"),
        commands=_commands(stages, summary),
    )


def _summary(stages: Sequence[StageDirectory], summary: Mapping[str, Any]) -> str:
    config = stages[-1].config()
    text = (
        f"Stages {', '.join(d.name for d in stages)} trained on {config['data']}, "
        f"{len(config['patients'])} training patients, images of {config['image_size'][0]} x "
        f"{config['image_size'][1]} px."
    )
    if summary:
        text += (
            f" {summary['count']} samples were accepted of {summary['candidates']} candidates, "
            f"model {summary['model_hash']}, seed {summary['seed']}."
        )
    return text


def _findings(
    stages: Sequence[StageDirectory], summary: Mapping[str, Any], evaluation: Mapping[str, Any]
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
        contour = accepted["contour_mae"]["max"]
        shift = accepted["registration_shift_px"]["max"]
        settings = summary["settings"]
        findings += [
            Finding.at_most(
                "every accepted outline is closed (error)", contour, settings["contour"]["max_mae"]
            ),
            Finding.at_most("every accepted patient is registered (px)", shift, settings["registration_px"]),
        ]
    if "structure" in evaluation:
        closed = evaluation["structure"]["contour_pass_rate"]["generated"]
        findings.append(Finding.at_least("unfiltered maps with a closed outline", closed, 0.8))
    if "quality" in evaluation:
        sharpness = evaluation["quality"]["laplacian_ratio"].items()
        findings += [Finding.at_least(f"sharpness of {m}, of real", value, 0.85) for m, value in sharpness]
    if "lesion" in evaluation:
        whole = evaluation["lesion"]["synthetic"]["whole_lesion"]["per_slice"]
        findings.append(Finding.at_least("whole-lesion Dice by an independent judge", whole, 0.87))
    return findings


def _gates(summary: Mapping[str, Any]) -> GateCounts | None:
    if not summary:
        return None
    return GateCounts(summary["candidates"], summary["count"], summary["rejected"], summary["failed"])


def _galleries(stages: Sequence[StageDirectory], generated: Mapping[str, Any]) -> list[Gallery]:
    galleries = [_real_gallery(stages[-1].config())]
    if generated and Path(generated["out"]).is_dir():
        synthetic = _synthetic_gallery(Path(generated["out"]))
        galleries += [synthetic] if synthetic else []
    return galleries


def _real_gallery(config: Mapping[str, Any]) -> Gallery:
    source = source_of(config, "train")
    picked = list(_largest_lesions(source).values())
    batch: dict[str, Any] = {name: np.stack([e[name] for e in picked]) for name in ("images", "lesion_label")}
    batch["index"] = np.arange(len(picked), dtype=np.int64)
    operators = OperatorConfig.from_dict(config["operators"])
    made = {name: np.asarray(value) for name, value in with_structure(operators, 0)(batch).items()}
    return Gallery(
        "Real training slices",
        [e["patient"].decode() for e in picked],
        images=made["images"],
        structure_map=made["structure_map"],
        background_mask=made["background_mask"],
        lesion_label=made["lesion_label"],
        note="Some of the training patients, each by the slice with the most lesion.",
    )


def _largest_lesions(source: SliceSource) -> dict[str, dict[str, Any]]:
    """The slice with the most lesion of a few patients, evenly spaced in the sorted list."""
    spaced = np.linspace(0, len(source.patients) - 1, min(_SHOWN, len(source.patients))).astype(int)
    wanted = {source.patients[i] for i in spaced}
    largest: dict[str, dict[str, Any]] = {}
    for example in source.examples(names=True).as_numpy_iterator():
        name, size = example["patient"].decode(), int((example["lesion_label"] > 0).sum())
        if name in wanted and size >= largest.get(name, {"size": 0})["size"]:
            largest[name] = {**example, "size": size}
    return largest


def _synthetic_gallery(data_dir: Path) -> Gallery | None:
    folders = sorted((data_dir / "medsynth_synthetic").glob("*/dataset_info.json"))
    if not folders:
        return None
    dataset = tfds.builder_from_directory(folders[-1].parent).as_dataset(
        split="train", read_config=READ_IN_ORDER
    )
    picked = heapq.nsmallest(_SHOWN, dataset.as_numpy_iterator(), key=lambda e: int(e["sample_index"]))
    arrays: dict[str, Any] = {name: np.stack([e[name] for e in picked]) for name in _ARRAYS}
    return Gallery(
        "Synthetic patients",
        [f"k = {int(e['sample_index'])}" for e in picked],
        note="The first accepted samples, not chosen.",
        **arrays,
    )


def _curves(directory: StageDirectory) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    with (directory.path / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    if len(rows) < 2:
        return {}
    values = np.array(rows[1:], dtype=float)
    weights = directory.config()["settings"]["weights"]
    return {
        name: (values[:, 0], values[:, i])
        for i, name in enumerate(rows[0])
        if i and (weights.get(name) or name not in weights)
    }


def _facts(directory: StageDirectory) -> dict[str, Any]:
    config = directory.config()
    facts = {key: config[key] for key in _IDENTITY if config.get(key)}
    return {**facts, "training": config["settings"]["training"], "weights": config["settings"]["weights"]}


def _commands(stages: Sequence[StageDirectory], summary: Mapping[str, Any]) -> list[str]:
    lines = []
    for directory in stages:
        config = directory.config()
        name = config["data"].rsplit("/", 1)[0]
        lines.append(
            f"medsynth train {directory.name} --data {name} --data-dir DATA --run RUN "
            f"--preset {config['preset']} --seed {config['seed']}"
        )
    if summary:
        lines.append(
            f"medsynth generate --run RUN --count {summary['count']} --seed {summary['seed']} --out OUT"
        )
    return [*lines, "medsynth report --run RUN --out report.html"]


def _steps(file: Path) -> list[dict[str, Any]]:
    """Each step once, as it was when it took longest: a repeated call finds most of them done."""
    longest: dict[str, dict[str, Any]] = {}
    for line in _lines(file):
        step = json.loads(line)
        if step["seconds"] >= longest.get(step["verb"], step)["seconds"]:
            longest[step["verb"]] = step
    return list(longest.values())


def _json(file: Path) -> dict[str, Any]:
    return runtime.read_json(file, "Remove it, and make it again.") if file.exists() else {}


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
