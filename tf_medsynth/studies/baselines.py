"""Baselines in a study: trained on the run's data in a unit's own folder, and images drawn from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.families import BASELINES, NEEDS
from tf_medsynth.config.families.multimodal import MultimodalSettings
from tf_medsynth.config.image_gan import BaselineSettings, as_wide_as
from tf_medsynth.config.presets import Preset, preset
from tf_medsynth.generation import functions
from tf_medsynth.runs import restore
from tf_medsynth.runs.run_directory import stage_directory
from tf_medsynth.stages.baselines.image_gan import ImageGANStage
from tf_medsynth.stages.structure import StructureStage
from tf_medsynth.studies.availability import Request
from tf_medsynth.studies.real_slices import Images
from tf_medsynth.studies.runner import Unit
from tf_medsynth.studies.training import copy_stage, train_stage

IMAGES = "images.npy"
_CHUNK = 64
_EVERY = "baseline"
_REDRAWN = "Remove it: the images are drawn again."


def baseline_settings(request: Request, held: Mapping[str, Any]) -> dict[str, BaselineSettings]:
    """Each baseline as the preset has it, with networks as wide as those of the run's stage M.

    Args:
        held: config of stage M.
    """
    named = preset(str(request.preset or held.get("preset", "tiny")))
    wide = as_wide_as(MultimodalSettings.from_dict(held["settings"]))
    return {name: getattr(named, name).override(wide) for name in BASELINES}


def said_of_each(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by dotted key, where ``baseline.KEY`` is said of every baseline: ``gan.KEY`` and so on."""
    every = {key.partition(".")[2]: v for key, v in overrides.items() if key.partition(".")[0] == _EVERY}
    own = {key: value for key, value in overrides.items() if key.partition(".")[0] != _EVERY}
    return {**{f"{name}.{key}": value for name in BASELINES for key, value in every.items()}, **own}


def trained_images(
    kind: str, request: Request, held: Mapping[str, Any], stages: Preset, unit: Unit, count: int
) -> tuple[Images, float]:
    """Images ``(count, H, W, M)`` of the row's baseline, drawn for a study, and the seconds of its training.

    It goes on from where the unit stands; the images are kept in ``images.npy`` there.
    """
    watch = runtime.Stopwatch()
    name, run = unit.row.baseline, unit.directory.path / "run"
    for needed in NEEDS.get(name, ()):
        copy_stage(request.run / needed, run / needed)
    train_stage(name, run, held, stages, unit.seed, request.precision)
    trained = watch.seconds
    file = unit.directory.path / IMAGES
    if not file.exists():
        images = np.concatenate(list(_drawn(run, name, count, unit.seed, kind)))
        with runtime.atomic_path(file) as partial, partial.open("wb") as stream:
            np.save(stream, images)
    return runtime.read_array(file, "float32", (count, None, None, None), _REDRAWN), trained


def _drawn(run: Path, name: str, count: int, seed: int, purpose: str) -> Iterator[Images]:
    """Samples (seed, 0) to (seed, count - 1) of a trained baseline."""
    runtime.configure(seed=seed, precision="float32")
    stage = restore.load_stage(stage_directory(run, name))
    assert isinstance(stage, ImageGANStage)
    structure = restore.load_stage(stage_directory(run, "structure")) if NEEDS.get(name) else None
    assert structure is None or isinstance(structure, StructureStage)
    draw = functions.baseline_function(stage, structure, purpose)
    for start in range(0, count, _CHUNK):
        index = np.arange(start, min(start + _CHUNK, count))
        yield draw(*functions.names_of(seed, index)).numpy()
