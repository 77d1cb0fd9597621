"""A family of one's own is two files and no list: the command line offers it, it trains, it resumes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

ROOT = Path(__file__).resolve().parents[2]

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SETTINGS, STAGE = re.findall(r"^```python toy_\w+\.py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
"""The worked example of the page, as it stands there."""


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
