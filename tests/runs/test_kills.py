"""After any kill and another run, a folder holds what a run leaves that nothing befell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patients import write_patient

ROOT = Path(__file__).resolve().parents[2]


def ran(module: str, *words: str) -> None:
    command = [sys.executable, "-m", f"tests.runs.{module}", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


def files(folder: Path) -> dict[str, bytes]:
    """Everything below `folder`; folders and files that name their process or time by name alone."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*")}
    return {name: path.read_bytes() if path.is_file() else b"" for name, path in found.items()}


@pytest.mark.slow
def test_a_preparation_that_was_killed_is_finished(tmp_path):
    for number in (1, 2, 90002):
        write_patient(tmp_path / "in", f"BraTS2021_{number:05d}", seed=number)
    ran("prepare_and_die", str(tmp_path / "in"), str(tmp_path / "out"))
    whole = files(tmp_path / "out" / "whole")
    assert "data/brats/.config/metadata.json" in whole
    found = files(tmp_path / "out" / "killed")
    assert sorted(found) == sorted(whole)
    assert [name for name in found if found[name] != whole[name]] == []


@pytest.mark.slow
def test_a_training_that_was_killed_leaves_what_another_leaves(tiny_dataset, tmp_path):
    given = {**tiny_dataset.where, "seed": 3, "stage": "lesion", "changes": {"scheme": "stacked"}}
    ran("train_and_die", json.dumps(given, default=str), str(tmp_path))

    def compared(folder: Path) -> dict[str, bytes | int]:
        kept = {name: data for name, data in files(folder).items() if "/logs/" not in name}
        timed = ("steps.jsonl", "lesion/finished.json", "lesion/checkpoints/checkpoint")
        return {name: data.count(b"\n") if name in timed else data for name, data in kept.items()}

    whole = compared(tmp_path / "whole")
    assert whole["steps.jsonl"] == 1 and "lesion/checkpoints/ckpt-6.index" in whole
    found = compared(tmp_path / "killed")
    assert sorted(found) == sorted(whole)
    differ = [name for name in found if found[name] != whole[name]]
    assert [name for name in differ if "/checkpoints/" not in name] == []
