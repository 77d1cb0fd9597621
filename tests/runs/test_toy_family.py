"""A family of one's own is two files and no list: the command line offers it, it trains, it resumes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

ROOT = Path(__file__).resolve().parents[2]

SETTINGS = """
import dataclasses

from tf_medsynth.config.base import Weights
from tf_medsynth.config.family import Family, FamilySettings
from tf_medsynth.config.training import TrainingSettings


@dataclasses.dataclass(frozen=True)
class ToyWeights(Weights):
    squared: float = 1.0


@dataclasses.dataclass(frozen=True)
class ToySettings(FamilySettings):
    filters: int = 8
    weights: ToyWeights = dataclasses.field(default_factory=ToyWeights)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)


FAMILY = Family(
    name="toy",
    about="images from themselves",
    settings=ToySettings(),
    presets={"tiny": {"filters": 2}},
    module="toy_stage",
)
"""
STAGE = """
import keras

from tf_medsynth.losses import reconstruction
from tf_medsynth.stages.base import AdversarialStage


class ToyStage(AdversarialStage):
    players = {"generator": ("coder",)}
    phases = {"train": ("generator",)}
    averaged = ("coder",)

    def synthesise(self, batch, draws, training):
        return {"images": self.networks["coder"](batch["images"], training=training)}

    def terms(self, player, batch, outputs):
        return {"squared": reconstruction.squared_error(batch["images"], outputs["images"])}

    def preview(self, batch):
        return {"image": self.best("coder")(batch["images"])[..., :1]}


def networks_of(settings, domain, image_size):
    images = keras.Input((*image_size, domain.image_channels))
    code = keras.layers.Conv2D(settings.filters, 3, padding="same", activation="relu")(images)
    last = keras.layers.Conv2D(domain.image_channels, 3, padding="same", activation="sigmoid")
    return {"coder": keras.Model(images, last(code))}


def stage_of(settings, operators, domain, image_size, **base):
    return ToyStage(weights=settings.weights, **base)
"""


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    (tmp_path / "toy_family.py").write_text(SETTINGS)
    (tmp_path / "toy_stage.py").write_text(STAGE)
    path = os.pathsep.join((str(ROOT), str(tmp_path)))
    return {**os.environ, "PYTHONPATH": path, "MEDSYNTH_FAMILIES": "toy_family"}


def ran(environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_it_takes_fewer_than_sixty_lines():
    assert len((SETTINGS + STAGE).strip().splitlines()) < 60


def test_the_command_line_offers_it(environment):
    assert "gan,skrgan,toy" in ran(environment, "tf_medsynth.cli.main", "train", "--help")


@pytest.mark.slow
def test_it_trains_and_a_killed_training_goes_on_to_the_same_bits(environment, tiny_dataset, tmp_path):
    changes = {"training.steps": 6, "training.log_every": 2, "training.checkpoint_every": 2}
    given = {**tiny_dataset.where, "seed": 3, "stage": "toy", "changes": changes}
    ran(environment, "tests.runs.train_and_die", json.dumps(given, default=str), str(tmp_path))
    weights = [variables(tmp_path / run / "toy" / "checkpoints") for run in ("whole", "killed")]
    np.testing.assert_equal(*weights)
    assert len(weights[0]) > 8  # two layers with moments and averages
    record = json.loads((tmp_path / "killed" / "toy" / "config.json").read_text())
    assert record["settings"]["filters"] == 2 and record["stage"] == "toy"


def variables(checkpoints: Path) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(checkpoints / "ckpt-6"))
    names = [name for name in reader.get_variable_to_dtype_map() if "OBJECT_GRAPH" not in name]
    return {name: reader.get_tensor(name) for name in names if "save_counter" not in name}
