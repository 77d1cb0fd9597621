"""A stage trained, or taken over, in a unit's own run directory."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.presets import Preset
from tf_medsynth.experiments.train import train


def train_stage(
    name: str, run: Path, held: Mapping[str, Any], stages: Preset, seed: int, precision: str
) -> None:
    """Stage `name` of `run` by `stages`, from where it stands."""
    own = getattr(stages, name)
    fields = {field.name: getattr(own, field.name) for field in dataclasses.fields(own)}
    runtime.forget_models()
    train(
        name,
        data=held["data"],
        data_dir=held["data_dir"],
        run=run,
        preset="tiny",
        overrides={**fields, "data": stages.data, "operators": stages.operators},
        seed=seed,
        precision=precision,
        resume=True,
    )


def copy_stage(stage: Path, to: Path) -> None:
    """The finished stage at `stage` at `to` as well, without its pictures."""
    if not to.exists():
        with runtime.atomic_path(to) as partial:
            shutil.copytree(stage, partial, ignore=shutil.ignore_patterns("logs", "samples"))
