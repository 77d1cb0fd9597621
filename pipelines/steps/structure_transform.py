"""StructureTransform: the operators that turn images into structure maps, settled for all stages."""

from __future__ import annotations

from typing import Any

from pipelines.step import Artifact, pipeline_step


def settle_operators(
    root: str, settings: dict[str, Any], examples: Artifact, anomalies: Artifact, transform: Artifact
) -> None:
    """One file of operators for all stages."""
    from tf_medsynth.runs.transform import structure_transform

    inputs = {"examples": examples, "anomalies": anomalies}
    with pipeline_step("structure-transform", root, settings, inputs) as step:
        result = structure_transform(
            data=examples.metadata["data"],
            data_dir=step.root / "data",
            out=step.root / "transform",
            preset=step.config.preset,
            overrides=step.config.shared_overrides(),
        )
        step.record.skipped = result.skipped
        step.made("transform", transform, result.file, result.fingerprint)
