"""Whom the generator of a set was trained on, and how it read their intensities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.records import SetSummary
from tf_medsynth.generation.publishing import SUMMARY_NAME as _SUMMARY
from tf_medsynth.runs.generate import training_facts
from tf_medsynth.runs.restore import model_hash
from tf_medsynth.runs.samples import Samples

_REMEDY = "Run medsynth generate again."


def origin_of(target: Samples) -> dict[str, Any]:
    """``patient_hashes`` and ``data_settings`` of the model that drew a generated set, and ``person_hashes``.

    They stand in its summary; a set of an older version is looked up in the run it lies in.

    Raises:
        MedSynthError: not a generated set, or nobody says whom its model was trained on.
    """
    check(
        "only a generated set says whom its generator was trained on",
        (Path(target.name) / _SUMMARY).is_file(),
        "Audit the folder or run of medsynth generate.",
        target=target.name,
    )
    held = known_origin(target)
    check(
        "the training patients of the set's model must be known",
        held is not None,
        "Generate it again, or export its model again first.",
        target=target.name,
    )
    assert held is not None
    return held


def known_origin(target: Samples) -> dict[str, Any] | None:
    """What `origin_of` answers; None where nobody says."""
    folder = Path(target.name)
    if not (folder / _SUMMARY).is_file():
        return None
    summary = runtime.read_record(folder / _SUMMARY, SetSummary, _REMEDY)
    held: dict[str, Any] = dict(summary.get("training") or {})
    run = folder.absolute().parent
    within_run = (run / "multimodal" / "finished.json").is_file()
    if not held and within_run and model_hash(run) == summary["model_hash"]:
        held = training_facts(run)
    if not {"patient_hashes", "data_settings"} <= set(held):
        return None
    with runtime.of_file(folder / _SUMMARY, _REMEDY):
        DataSettings.from_dict(held["data_settings"])
    return held
