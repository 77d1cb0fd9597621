"""The verb `demo`: the pipeline from nothing, on the embedded cohort."""

from __future__ import annotations

from pathlib import Path

from pipelines.pipeline import PipelineResult, pipeline


def demo(*, out: Path | str, seed: int = 0) -> PipelineResult:
    """Runs the pipeline on the phantom cohort; finished steps of an earlier call are skipped.

    Args:
        out: the demo's folder: ``cohort``, ``data``, ``run``, ``synthetic``, ``report.html``,
            ``saved_models``, ``lineage``.
        seed: of the cohort, the trainings and the samples.
    """
    return pipeline("run", out=out, seed=seed)
