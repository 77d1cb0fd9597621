"""The verb `pipeline`: runs the pipeline on this machine, or writes it for a cluster."""

from __future__ import annotations

import dataclasses
import importlib.util
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.pipeline import PipelineConfig
from tf_medsynth.types import MedSynthError


@dataclasses.dataclass(frozen=True)
class PipelineResult:
    """What a pipeline left behind, or where it was written for a cluster.

    Attributes:
        out: the pipeline's folder, or the YAML file.
        samples: published synthetic samples.
        candidates: they were chosen from.
        blessed: the verdict on the model; None where none was asked for.
        reasons: that spoke against it.
        pushed: the SavedModel version, where there is one.
        seconds: wall-clock time.
    """

    out: Path
    samples: int = 0
    candidates: int = 0
    blessed: bool | None = None
    reasons: tuple[str, ...] = ()
    pushed: Path | None = None
    seconds: float = 0.0

    @property
    def exit_status(self) -> int:
        """1 where the model was not blessed, else 0."""
        return int(self.blessed is False)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        pushed = str(self.pushed) if self.pushed else None
        return {**dataclasses.asdict(self), "out": str(self.out), "pushed": pushed}

    def render(self) -> str:
        """A few lines for a person."""
        if self.blessed is None:
            return f"pipeline -> {self.out}"
        verdict = [f"Blessed and pushed: {self.pushed}"]
        if not self.blessed:
            verdict = ["Not blessed, nothing pushed:", *(f"  {reason}" for reason in self.reasons)]
        return "\n".join(
            [
                f"{self.samples} synthetic patients ({self.candidates} candidates) in {self.seconds:.0f} s.",
                *verdict,
                f"Open {self.out / 'report.html'}; what made what: {self.out / 'lineage/lineage.md'}",
                "Load with: import tfds_builders, tensorflow_datasets as tfds; "
                f'tfds.load("medsynth_synthetic", data_dir="{self.out / "synthetic"}")',
            ]
        )


def pipeline(
    action: Literal["run", "compile"],
    *,
    out: Path | str,
    manual_dir: Path | str | None = None,
    schema: Path | str | None = None,
    image: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    **settings: Any,
) -> PipelineResult:
    """Runs the pipeline on this machine, or compiles it for Kubeflow Pipelines and Vertex AI.

    A finished step is recognised and skipped, a stopped training goes on: run the same again.

    Args:
        action: run or compile.
        out: the pipeline's folder; to compile, the ``.yaml`` file.
        manual_dir: folder of patients; without one, a phantom cohort is made.
        schema: ``statistics/schema.json`` of an earlier run, which the data must keep.
        image: container image of the steps on a cluster; it has this package with extra ``pipeline``.
        overrides: see `PipelineConfig.assign`.
        settings: other values of `PipelineConfig`, e.g. ``seed``.

    Raises:
        MedSynthError: before any work: unknown settings, no such folder, a missing library; later: a
            component failed, with its name and its own error.
    """
    check("a pipeline can be run or compiled", action in ("run", "compile"), action=action)
    config = PipelineConfig().assign({**settings, **(overrides or {})})
    if action == "run":
        runtime.check_tensorflow()
    check(
        "pipelines need Kubeflow Pipelines",
        importlib.util.find_spec("kfp") is not None,
        "Install it with pip install 'tf_medsynth[pipeline]'.",
        kfp=None,
    )
    if action == "compile":
        return _compile(Path(out), str(manual_dir or ""), str(schema or ""), image, config)
    if manual_dir is not None:
        place = runtime.local_path(manual_dir, "manual_dir")
        check("manual_dir must be there, a folder", place.is_dir(), manual_dir=str(manual_dir))
    if schema is not None:
        _check_schema(runtime.local_path(schema, "schema"))
    place = runtime.local_path(out, "out", literal=True)
    runtime.check_writable(place)
    return _run(place, manual_dir, schema, config)


def _check_schema(file: Path) -> None:
    """Raises here what StatisticsGen would only tell when the patients are prepared."""
    from tf_medsynth.data.statistics import read_schema

    check("schema must be there, a file", file.is_file(), schema=str(file))
    read_schema(file)


def _compile(
    out: Path, manual_dir: str, schema: str, image: str | None, config: PipelineConfig
) -> PipelineResult:
    check("--out is a .yaml file", out.suffix == ".yaml", out=str(out))
    runtime.check_new_file(out)
    from kfp.compiler import Compiler

    from pipelines.components import IMAGE
    from pipelines.training import build_pipeline

    values = {"settings": config.to_dict(), "manual_dir": manual_dir, "schema_file": schema}
    with runtime.atomic_path(out) as partial:
        Compiler().compile(build_pipeline(image or IMAGE), str(partial), pipeline_parameters=values)
    return PipelineResult(out)


def _run(
    out: Path, manual_dir: Path | str | None, schema: Path | str | None, config: PipelineConfig
) -> PipelineResult:
    from kfp import local

    from pipelines.training import build_pipeline
    from tf_medsynth.runs.lineage import failure

    watch, start = runtime.Stopwatch(), time.time()
    out.mkdir(parents=True, exist_ok=True)
    root = out.resolve()
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(root / ".kfp"), raise_on_error=True)
    try:
        build_pipeline(titled=False)(
            root=str(root),
            settings=config.to_dict(),
            manual_dir=str(Path(manual_dir).resolve()) if manual_dir else "",
            schema_file=str(Path(schema).resolve()) if schema else "",
        )
    except RuntimeError as error:
        name, reason = failure(root, start) or ("(unnamed)", "it ended before it began, see its output above")
        raise MedSynthError(f"component {name} of the pipeline failed: {reason}") from error
    return _result(out, watch.seconds)


def _result(out: Path, seconds: float) -> PipelineResult:
    from tf_medsynth.evaluation.blessing import read_blessing
    from tf_medsynth.runs.lineage import read_lineage

    summary = runtime.read_json(out / "synthetic" / "summary.json")
    verdict = read_blessing(out / "run" / "blessing.json")
    records = {record["step"]: record for record in read_lineage(out)}
    pushed = out / records["pusher"]["outputs"]["pushed"]["uri"] if verdict.blessed else None
    return PipelineResult(
        out,
        summary["count"],
        summary["candidates"],
        verdict.blessed,
        tuple(verdict.reasons),
        pushed,
        seconds,
    )
