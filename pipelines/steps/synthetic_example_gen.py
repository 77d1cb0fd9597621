"""SyntheticExampleGen: the published data set, and samples without gates for the evaluation."""

from __future__ import annotations

from typing import Any

from pipelines.step import Artifact, pipeline_step


def generate_examples(
    root: str, settings: dict[str, Any], model: Artifact, outputs: dict[str, Artifact]
) -> None:
    """The unfiltered samples first: a report shows the data set that was generated last."""
    from tf_medsynth.generation import data_set_name
    from tf_medsynth.runs.generate import generate
    from tf_medsynth.runs.published import load_published
    from tf_medsynth.runtime import record_step

    with pipeline_step("synthetic-example-gen", root, settings, {"model": model}) as step:
        config, skipped = step.config, []
        for key, count, folder in (
            ("unfiltered", config.unfiltered, "unfiltered"),
            ("examples", config.count, "synthetic"),
        ):
            gated = key == "examples"
            made = generate(
                run=step.run,
                count=count,
                seed=config.seed,
                out=step.root / folder,
                filter=gated,
                resume=True,
                overrides=config.generate,
            )
            skipped.append(made.skipped)
            step.made(key, outputs[key], made.out, data_set_name(made.summary), samples=count)
        with record_step(step.run, "tfds.load"):
            load_published(step.root / "synthetic", config.count)
        step.record.skipped = all(skipped)
