"""What `generate` refuses before it looks at the run; a model draws what the run it came from draws."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from tests import tiny
from tf_medsynth.experiments import restore
from tf_medsynth.experiments.generate import generate
from tf_medsynth.experiments.run_directory import StageDirectory, stage_directory
from tf_medsynth.runtime import Beam, write_json
from tf_medsynth.types import MedSynthError

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"count": 0}, "count must be at least 1"),
        ({"count": -3}, "count must be at least 1"),
        ({"seed": -1}, r"seed lies in 0 \.\. 2\^32"),
        ({"seed": 2**33}, r"seed lies in 0 \.\. 2\^32"),
        ({"format": "zip"}, "format is one of tfds, nifti, mha"),
        ({"labels": "drawn"}, "labels"),
        ({"overrides": {"colour": "red"}}, "colour"),
        ({"overrides": {"chunk": 0}}, "chunk must be at least 1"),
    ],
)
def test_a_bad_argument_is_told_before_the_run_is_opened(tmp_path, words, message):
    with pytest.raises(MedSynthError, match=message) as caught:
        generate(**{"run": tmp_path / "absent", "count": 1, "out": tmp_path / "out", **words})
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_an_unfinished_generation_is_told_before_the_run_is_opened(tmp_path):
    (tmp_path / ".spool-out").mkdir()
    with pytest.raises(MedSynthError, match=r"unfinished generation.*--resume"):
        generate(run=tmp_path / "absent", count=1, out=tmp_path / "out")


def test_a_run_without_stages_is_told(tmp_path):
    with pytest.raises(MedSynthError, match=r"no stage 'multimodal'.*medsynth train multimodal"):
        generate(run=tmp_path / "absent", count=1, out=tmp_path / "out")


def files(folder: Path) -> dict[str, bytes]:
    """Everything below a folder but the card, which names the command."""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert "from tiny" in (card := found.pop("README.md").decode()) or "--run RUN" in card
    return found


@pytest.mark.slow
@pytest.mark.parametrize("filter", [False, True])
def test_the_same_bytes_from_run_and_model(tiny_run, tiny_model, tmp_path, filter):
    settings = {
        "count": 5,
        "seed": 3,
        "filter": filter,
        # Untrained networks pass no gate: what is compared is that all of them are asked.
        "overrides": {"contour.max_mae": 1.0, "registration_px": 1e9, "lesion.whole_threshold": 0.0},
    }
    generate(run=tiny_run, out=tmp_path / "run", **settings)
    generate(model=tiny_model.parent, out=tmp_path / "model", **settings)
    assert files(tmp_path / "run") == files(tmp_path / "model")


def test_samples_have_one_source(tmp_path):
    for source in ({}, {"run": "r", "model": "m"}):
        with pytest.raises(MedSynthError, match="from a run or from a model"):
            generate(**source, count=1, out=tmp_path / "out")
    with pytest.raises(MedSynthError, match="no exported model stands here"):
        generate(model=tmp_path / "m", count=1, out=tmp_path / "out")


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
