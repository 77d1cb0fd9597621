"""Pusher: a blessed model becomes a SavedModel version that a server can load."""

from __future__ import annotations

from typing import Any

from pipelines.step import Artifact, pipeline_step


def push(root: str, settings: dict[str, Any], inputs: dict[str, Artifact], pushed: Artifact) -> None:
    """``saved_models/NAME/<version>`` of a model that its blessing names."""
    from tf_medsynth import export
    from tf_medsynth.evaluation.blessing import require_blessing
    from tf_medsynth.experiments.restore import model_hash

    with pipeline_step("pusher", root, settings, inputs) as step:
        name = model_hash(step.run)
        require_blessing(inputs["blessing"].path, name)
        result = export(run=step.run, to=step.root / "saved_models" / step.config.name)
        step.made("pushed", pushed, result.path, name)
