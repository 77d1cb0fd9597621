"""A stage trained, or taken over, in a unit's own run directory, and what names a stage of a run."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.presets import Preset
from tf_medsynth.runs import restore
from tf_medsynth.runs.run_directory import stage_directory
from tf_medsynth.runs.train import train_by


def train_stage(
    name: str, run: Path, held: Mapping[str, Any], stages: Preset, seed: int, precision: str
) -> None:
    """Stage `name` of `run` by `stages`, from where it stands."""
    runtime.forget_models()
    train_by(
        name,
        stages,
        data=held["data"],
        data_dir=held["data_dir"],
        run=run,
        seed=seed,
        precision=precision,
        resume=True,
    )


def finished_hashes(run: Path, names: Iterable[str]) -> dict[str, str]:
    """Stages of `run` by their weights.

    Raises:
        MedSynthError: one is missing or unfinished.
    """
    directories = {name: stage_directory(run, name) for name in names}
    for directory in directories.values():
        directory.require_finished()
    return {name: restore.weights_hash(directory) for name, directory in directories.items()}


def copy_stage(stage: Path, to: Path) -> None:
    """The finished stage at `stage` at `to` as well, without its pictures."""
    if not to.exists():
        with runtime.atomic_path(to) as partial:
            shutil.copytree(stage, partial, ignore=shutil.ignore_patterns("logs", "samples"))
