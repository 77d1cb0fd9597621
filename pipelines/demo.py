"""The verb `demo`: the pipeline from nothing, on the embedded cohort."""

from __future__ import annotations

from pathlib import Path

from pipelines.pipeline import PipelineResult, pipeline

BOUNDS = {"blessing.closed_outlines": 0.6}
"""Two minutes of stage S close fewer outlines than a model for others must (0.8); gates drop the rest."""


def demo(*, out: Path | str, seed: int = 0) -> PipelineResult:
    """Runs the pipeline on the phantom cohort; finished steps of an earlier call are skipped.

    Args:
        out: the demo's folder: ``cohort``, ``data``, ``run``, ``synthetic``, ``report.html``,
            ``saved_models``, ``lineage``.
        seed: of the cohort, the trainings and the samples.
    """
    return pipeline("run", out=out, seed=seed, overrides=BOUNDS)
