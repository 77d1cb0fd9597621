"""StatisticsGen, SchemaGen and ExampleValidator in one: what the data hold, and whether they may be used."""

from __future__ import annotations

from typing import Any

from pipelines.step import Artifact, pipeline_step


def describe(
    root: str, schema_file: str, settings: dict[str, Any], examples: Artifact, outputs: dict[str, Artifact]
) -> None:
    """Statistics, schema and anomalies of a prepared data set, against an earlier schema if one is given."""
    from tf_medsynth.runs.statistics import statistics

    given = {"schema_file": schema_file}
    with pipeline_step("statistics-gen", root, settings, {"examples": examples}, given) as step:
        result = statistics(
            data=examples.metadata["data"],
            data_dir=step.root / "data",
            out=step.root / "statistics",
            schema=schema_file or None,
            preset=step.config.preset,
            overrides=step.config.shared_overrides(),
            drift=step.config.drift,
        )
        step.record.skipped = result.skipped
        for key, artifact in outputs.items():
            step.made(key, artifact, result.out / f"{key}.json", result.fingerprint)
        outputs["anomalies"].metadata["anomalies"] = result.anomalies
