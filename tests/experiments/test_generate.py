"""`generate` by the workers of a pipeline: every process loads the networks and draws the same bits."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from tests import tiny
from tf_medsynth.experiments import restore
from tf_medsynth.experiments.generate import generate
from tf_medsynth.experiments.run_directory import StageDirectory, stage_directory
from tf_medsynth.runtime import Beam, write_json

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run(tiny_dataset, tmp_path_factory) -> Path:
    """A run of untrained stages whose organs fill the image, so that every label fits."""
    run = tmp_path_factory.mktemp("runs") / "run"
    stages = {name: tiny.leave_finished(run, name) for name in tiny.OVERRIDES}
    _fill_organs(stages["structure"])
    config = stage_directory(run, "multimodal").config()
    config |= {"data": tiny_dataset.name, "data_dir": str(tiny_dataset.data_dir)}
    upstream = {name: restore.weights_hash(stages[name]) for name in ("structure", "lesion", "translation")}
    write_json(run / "multimodal" / "config.json", config | {"upstream": upstream})
    return run


def _fill_organs(directory: StageDirectory) -> None:
    stage = restore.load_stage(directory)
    stage.best("mask_generator").weights[-1].assign([-100.0])
    tf.train.CheckpointManager(stage.checkpoint(), str(directory.checkpoints), 1).save(checkpoint_number=6)


def _files(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.slow
def test_workers_publish_the_bytes_of_one_process(run, tmp_path, monkeypatch):
    pytest.importorskip("apache_beam")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    options = {"run": run, "count": 20, "seed": 5, "filter": False}  # three chunks
    alone = generate(out=tmp_path / "alone", **options)
    shared = generate(out=tmp_path / "shared", beam=Beam(workers=2), **options)
    assert shared.summary == alone.summary and alone.summary["count"] == 20
    files = [_files(tmp_path / name) for name in ("alone", "shared")]
    assert files[0] == files[1] and any("tfrecord" in name for name in files[0])
    assert not list(tmp_path.glob(".spool*"))
