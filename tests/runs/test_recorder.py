"""What a training leaves while it runs: rows, scalars, checkpoints, pictures, lines of the log."""

import csv

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny
from tf_medsynth.runs.recorder import Recorder
from tf_medsynth.runs.run_directory import stage_directory

EVERY, CHECKPOINT, STEPS = 2, 4, 10


@pytest.fixture(scope="module")
def stage():
    return tiny.build("translation")


@pytest.fixture
def recorder(tmp_path, stage):
    """A function that makes one, as at the start (or the resumption) of a training."""
    directory = stage_directory(tmp_path, "translation")
    directory.path.mkdir()
    manager = tf.train.CheckpointManager(stage.checkpoint(), str(directory.checkpoints), 2)
    changes = {"training.log_every": EVERY, "training.checkpoint_every": CHECKPOINT, "training.steps": STEPS}
    training = tiny.settings("translation", changes).translation.training
    shown = tiny.as_tensors(tiny.batch())

    def make(done: int = 0) -> Recorder:
        return Recorder(directory, stage, manager, training, shown, done)

    return make


def epochs(recorder: Recorder, count: int, value: float = 1.0) -> None:
    for epoch in range(count):
        recorder.begin(EVERY)
        for tracker in recorder.stage.trackers.values():
            tracker.reset_state()
            tracker.update_state(value + epoch)
        recorder.on_epoch_end(epoch)


def rows(recorder: Recorder) -> list[dict[str, str]]:
    with recorder.csv.open(newline="") as file:
        return list(csv.DictReader(file))


def test_an_epoch_is_a_row_of_means(recorder, stage):
    made = recorder()
    epochs(made, 3)
    assert [row["step"] for row in rows(made)] == ["2", "4", "6"]
    assert [float(row["cycle"]) for row in rows(made)] == [1.0, 2.0, 3.0]
    assert list(rows(made)[0]) == [
        "step",
        *stage.weights_by_term,
        "generator_gradient",
        "discriminator_gradient",
    ]
    assert made.last["cycle"] == 3.0


def test_checkpoints_and_pictures_come_when_they_are_due(recorder):
    made = recorder()
    epochs(made, 5)
    names = sorted(path.name for path in made.directory.checkpoints.glob("*.index"))
    assert names == ["ckpt-4.index", "ckpt-8.index"]  # that of the last step is the training's to write
    samples = made.directory.path / "samples"
    assert sorted(path.name for path in samples.iterdir()) == ["step_0000004.png", "step_0000008.png"]
    grid = tf.io.decode_png((samples / "step_0000004.png").read_bytes()).numpy()
    assert grid.shape == (4 * (32 + 2), 4 * 64, 1)  # a row a modality, each sample beside its translation
    np.testing.assert_allclose(grid[:32, :32, 0], 255 * tiny.batch()["images"][0, ..., 0], atol=1.0)


def test_scalars_and_pictures_reach_tensorboard(recorder):
    made = recorder()
    epochs(made, 2)
    made.board.flush()
    (file,) = (made.directory.path / "logs").iterdir()
    seen = {
        (value.tag, event.step)
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    }
    assert {("cycle", 2), ("cycle", 4), ("discriminator_gradient", 2), ("T1c", 4)} <= seen


def test_after_a_resume_rows_past_the_checkpoint_come_again(recorder):
    epochs(recorder(), 3)
    made = recorder(done=4)
    assert [row["step"] for row in rows(made)] == ["2", "4"]
    epochs(made, 2, value=7.0)
    assert [(row["step"], float(row["cycle"])) for row in rows(made)] == [
        ("2", 1.0), ("4", 2.0), ("6", 7.0), ("8", 8.0),
    ]  # fmt: skip
    assert rows(recorder()) == []


def test_a_row_cut_off_by_a_kill_is_dropped(recorder):
    made = recorder()
    epochs(made, 2)
    for cut in ("6,0.1,0.", "1"):  # of 6 and of 10
        with made.csv.open("a") as file:
            file.write(cut)
        assert [row["step"] for row in rows(recorder(done=4))] == ["2", "4"]


def test_the_log_tells_the_time_left_and_the_terms_that_count(recorder, caplog):
    made = recorder()
    with caplog.at_level("INFO", logger="medsynth"):
        epochs(made, 1)
    (line,) = [r.getMessage() for r in caplog.records if "steps/s" in r.getMessage()]
    assert line.startswith("translation 2/10, ") and "s left" in line
    assert "cycle 1" in line and "agreement" not in line  # its weight is 0
