"""Pusher: a blessed model becomes a SavedModel version that a server can load."""

from __future__ import annotations

from typing import Any

from pipelines.step import Artifact, pipeline_step


def push(root: str, settings: dict[str, Any], inputs: dict[str, Artifact], pushed: Artifact) -> None:
    """``saved_models/NAME/<version>`` of a blessed model; the newest version is kept if it is that."""
    from tf_medsynth.evaluation.blessing import require_blessing
    from tf_medsynth.runs.export import export
    from tf_medsynth.runs.restore import model_hash
    from tf_medsynth.saved_model.record import read_record, versions

    with pipeline_step("pusher", root, settings, inputs) as step:
        name = model_hash(step.run)
        require_blessing(inputs["blessing"].path, name)
        place = step.root / "saved_models" / step.config.name
        newest = [place / str(number) for number in versions(place)[-1:]]
        step.record.skipped = any(read_record(folder).model_hash == name for folder in newest)
        folder = newest[0] if step.record.skipped else export(run=step.run, to=place).path
        step.made("pushed", pushed, folder, name)
