"""Trainer: one family of the run, on the ones that it needs."""

from __future__ import annotations

from typing import Any

from pipelines.step import Artifact, pipeline_step


def train_stage(
    stage: str, root: str, settings: dict[str, Any], inputs: dict[str, Artifact], model: Artifact
) -> None:
    """Trains `stage`, or goes on with it, by the operators that the transform settled."""
    from tf_medsynth.config.families import NEEDS
    from tf_medsynth.runs.restore import weights_hash
    from tf_medsynth.runs.run_directory import stage_directory
    from tf_medsynth.runs.train import train
    from tf_medsynth.runs.transform import transform_overrides

    with pipeline_step(f"trainer-{stage}", root, settings, inputs) as step:
        config = step.config
        for need in NEEDS[stage]:
            earlier = stage_directory(step.run, need)
            step.record.read(need, earlier.path.relative_to(step.root), weights_hash(earlier))
        result = train(
            stage,
            data=inputs["examples"].metadata["data"],
            data_dir=step.root / "data",
            run=step.run,
            preset=config.preset,
            overrides={**transform_overrides(inputs["transform"].path), **config.overrides_of(stage)},
            seed=config.seed,
            precision=config.precision,
            resume=True,
        )
        step.record.skipped = result.skipped
        directory = stage_directory(step.run, stage)
        step.made("model", model, directory.path, weights_hash(directory), steps=result.steps)
