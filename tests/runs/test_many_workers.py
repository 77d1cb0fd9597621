"""Training by several processes: the numbers of one, a lost worker, going on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny
from tests.runs import update_together, workers
from tests.runs.test_train import ONE, contents, numbers, rows, run_stage
from tf_medsynth.runs import restore
from tf_medsynth.runs.run_directory import stage_directory
from tf_medsynth.types import MedSynthError

TRAIN = "tests.runs.train_in_miniature"
MINIATURE = {**ONE, "training.steps": 12}
ROUNDING = {"structure": 4e-5, "multimodal": 1e-2}
"""Of an update: see `tests.stages.test_stage_contract`. Of stage S 1.7e-5 was seen, on AMD processors."""
SECONDS = 900
NOTICED = 120
"""Workers tell each other every few seconds that they live; the rest is patience with a busy machine."""


def arguments(dataset, run: Path, **more) -> str:
    words = {"stage": "lesion", "data": dataset.name, "data_dir": str(dataset.data_dir), "run": str(run)}
    return json.dumps(words | {"seed": 3, "precision": "float32", "changes": MINIATURE} | more)


@pytest.fixture(scope="module")
def together(tiny_dataset, tmp_path_factory) -> Path:
    """A run whose stage L was trained by two workers that never stopped."""
    run = tmp_path_factory.mktemp("runs") / "together"
    ended = workers.finish(workers.start(TRAIN, arguments(tiny_dataset, run)), SECONDS)
    assert [status for status, _ in ended] == [0, 0], ended
    return run


@pytest.mark.slow
def test_two_workers_train_as_one(together, tiny_dataset, tmp_path):
    run_stage("lesion", tiny_dataset, tmp_path / "alone", MINIATURE)
    for one, two in zip(rows(tmp_path / "alone", "lesion"), rows(together, "lesion"), strict=True):
        for (
            name
        ) in one:  # Adam turns rounding where a gradient is nearly 0 into steps: 2.7 % on AMD processors
            assert float(two[name]) == pytest.approx(float(one[name]), rel=5e-2), name

    def names(run: Path) -> list[str]:
        return sorted(name for name in contents(run) if "events.out" not in name)

    assert names(together) == names(tmp_path / "alone")
    loaded = restore.load_stage(stage_directory(together, "lesion"))
    assert int(loaded.optimizers["segmentor"].iterations.numpy()) == 12


@pytest.mark.slow
@pytest.mark.parametrize("name", ["structure", "multimodal"])
def test_one_update_of_two_workers_equals_the_same_update_of_one(tmp_path, name):
    words = json.dumps({"name": name, "out": str(tmp_path / "state")})
    ended = workers.finish(workers.start("tests.runs.update_together", words), SECONDS)
    assert [status for status, _ in ended] == [0, 0], ended
    start, alone, logs = update_together.update(name, slice(None), tf.distribute.get_strategy())
    first, second = (dict(np.load(tmp_path / f"state-{rank}.npz")) for rank in (0, 1))
    assert [key for key in first if first[key].tobytes() != second[key].tobytes()] == []
    for key, value in logs.items():
        near = ROUNDING[name] if key.endswith("_gradient") else 1e-5
        assert float(first[f"log {key}"]) == pytest.approx(value, rel=near, abs=1e-7), key
    moved = [key for key in start if not np.array_equal(start[key], alone[key])]
    assert any(key.startswith("ema") for key in moved) and len(moved) > 50
    for network in {key.rsplit(" ", 1)[0] for key in moved if not key.startswith("optimizer")}:
        keys = [key for key in moved if key.rsplit(" ", 1)[0] == network]
        one, two = (np.concatenate([(end[k] - start[k]).ravel() for k in keys]) for end in (alone, first))
        assert np.linalg.norm(one - two) < ROUNDING[name] * np.linalg.norm(one), network


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_worker_ends_the_job_and_resume_goes_on_to_the_same_bits(
    together, tiny_dataset, tmp_path, lost
):
    run = tmp_path / "run"
    started = workers.start(TRAIN, arguments(tiny_dataset, run))
    deadline = time.monotonic() + SECONDS
    while not (run / "lesion" / "checkpoints" / "ckpt-2.index").exists():
        assert time.monotonic() < deadline and all(one.poll() is None for one in started)
        time.sleep(0.01)
    os.kill(started[lost].pid, signal.SIGKILL)
    since = time.monotonic()
    status, errors = workers.finish([started[1 - lost]], NOTICED)[0]
    print(f"noticed after {time.monotonic() - since:.0f} s")
    workers.finish([started[lost]], 10)
    last = errors.strip().splitlines()[-1]
    assert status == 1 and "all 2 workers of a job must live to its end" in last and "--resume" in last
    assert not (run / "lesion" / "finished.json").exists()
    with pytest.raises(MedSynthError, match=r"as many workers.*begun_with=2, workers=1"):
        run_stage("lesion", tiny_dataset, run, MINIATURE, resume=True)
    ended = workers.finish(workers.start(TRAIN, arguments(tiny_dataset, run, resume=True)), SECONDS)
    assert [code for code, _ in ended] == [0, 0], ended
    expected, found = numbers(together, "lesion"), numbers(run, "lesion")
    assert [name for name in expected if found[name].tobytes() != expected[name].tobytes()] == []
    assert (run / "lesion" / "metrics.csv").read_text() == (together / "lesion" / "metrics.csv").read_text()


@pytest.mark.slow
def test_workers_with_other_settings_do_not_train_together(together, tiny_dataset, tmp_path, monkeypatch):
    run = Path(shutil.copytree(together, tmp_path / "run"))
    ended = workers.finish(workers.start(TRAIN, arguments(tiny_dataset, run, seed=4)), SECONDS)
    assert [status for status, _ in ended] == [1, 1]
    assert "trained by other settings" in ended[0][1]


def test_a_batch_that_workers_cannot_share_is_refused_before_they_meet(tiny_dataset, tmp_path, monkeypatch):
    cluster = {"worker": [f"127.0.0.1:{port}" for port in (1, 2, 3)]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}}))
    with pytest.raises(MedSynthError, match=r"equal parts of a batch.*batch_size=4, replicas=3"):
        run_stage("lesion", tiny_dataset, tmp_path / "run", ONE)
    with pytest.raises(MedSynthError, match=r"every GPU they have, or the CPU.*Leave out"):
        run_stage("lesion", tiny_dataset, tmp_path / "run", {"training.batch_size": 3}, devices=tiny.DEVICES)
    assert not (tmp_path / "run").exists()
