"""`train`: what a finished training leaves, what is refused, and going on to the same bits."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny
from tf_medsynth.config.families import STAGES
from tf_medsynth.runs import restore
from tf_medsynth.runs.run_directory import stage_directory
from tf_medsynth.runs.train import train
from tf_medsynth.types import MedSynthError

REPOSITORY = Path(__file__).resolve().parents[2]
LONGER = {"training.steps": 12, "training.pretrain_steps": 5}
"""For the runs that are killed: a checkpoint every second step, and at the end of the first phase."""
ONE = {"scheme": "stacked"}


def run_stage(stage: str, dataset, run: Path, changes=None, **options):
    overrides = {**tiny.OVERRIDES[stage], **(changes or {})}
    options = {"seed": 3, "precision": "float32", "overrides": overrides, **options}
    return train(stage, **dataset.where, run=run, **options)


def rows(run: Path, stage: str) -> list[dict[str, str]]:
    with (run / stage / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def numbers(run: Path, stage: str) -> dict[str, np.ndarray]:
    """Every variable of a stage's last checkpoint."""
    reader = tf.train.load_checkpoint(str(run / stage / "checkpoints"))
    names = set(reader.get_variable_to_dtype_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    return {name: reader.get_tensor(name) for name in names if not name.startswith("save_counter")}


@pytest.fixture(scope="module")
def lesion_run(tiny_dataset, tmp_path_factory) -> Path:
    """A run whose stage L is finished, with one segmentor."""
    run = tmp_path_factory.mktemp("runs") / "run"
    result = run_stage("lesion", tiny_dataset, run, ONE)
    assert not result.skipped and result.steps == 6
    return run


@pytest.fixture
def copied(lesion_run, tmp_path) -> Path:
    return Path(shutil.copytree(lesion_run, tmp_path / "run"))


def test_a_finished_training_leaves_its_files(lesion_run, tiny_dataset):
    stage = lesion_run / "lesion"
    held = json.loads((stage / "config.json").read_text())
    assert (held["stage"], held["seed"], held["precision"]) == ("lesion", 3, "float32")
    assert held["image_size"] == [32, 32]
    assert len(held["patients"]) == 2 and set(held["patients"]) < set(tiny_dataset.patients["train"])
    assert [path.name for path in sorted((stage / "checkpoints").glob("*.index"))] == [
        "ckpt-4.index",
        "ckpt-6.index",
    ]
    assert len(list((stage / "samples").glob("*.png"))) == 3 and list((stage / "logs").iterdir())
    assert [row["step"] for row in rows(lesion_run, "lesion")] == ["2", "4", "6"]
    finished = json.loads((stage / "finished.json").read_text())
    assert finished["steps"] == 6 and finished["losses"]["overlap"] == float(
        rows(lesion_run, "lesion")[-1]["overlap"]
    )
    (line,) = (lesion_run / "steps.jsonl").read_text().splitlines()
    assert json.loads(line)["verb"] == "train lesion"


def test_a_finished_stage_is_recognised_and_skipped(lesion_run, tiny_dataset):
    before = contents(lesion_run)
    result = run_stage("lesion", tiny_dataset, lesion_run, ONE)
    assert result.skipped and "skipped" in result.render()
    assert contents(lesion_run) == before
    assert json.loads(json.dumps(result.to_dict()))["run"] == str(lesion_run)


@pytest.mark.parametrize(
    ("options", "differing"),
    [
        ({"seed": 4}, "seed"),
        ({"steps": 8}, "settings"),
        ({"changes": {"training.learning_rate": 0.5}}, "settings"),
        ({"changes": {"data.normalisation": "minmax"}}, "data"),
        ({"precision": "bfloat16"}, "precision"),
    ],
)
def test_other_settings_are_refused_by_what_differs(lesion_run, tiny_dataset, options, differing):
    before, options = contents(lesion_run), dict(options)
    with pytest.raises(
        MedSynthError, match=rf"trained by other settings.*differing=\[.*{differing}"
    ) as caught:
        run_stage("lesion", tiny_dataset, lesion_run, ONE | options.pop("changes", {}), **options)
    assert "\n" not in str(caught.value) and contents(lesion_run) == before


def test_an_unfinished_training_needs_resume_and_ends_with_the_same_weights(copied, tiny_dataset):
    (copied / "lesion" / "finished.json").unlink()
    name = restore.weights_hash(stage_directory(copied, "lesion"))
    with pytest.raises(MedSynthError, match=r"unfinished.*--resume"):
        run_stage("lesion", tiny_dataset, copied, ONE)
    # killed between the last checkpoint and the record: nothing is left to do but the record
    result = run_stage("lesion", tiny_dataset, copied, ONE, resume=True)
    assert not result.skipped and restore.weights_hash(stage_directory(copied, "lesion")) == name
    assert [row["step"] for row in rows(copied, "lesion")] == ["2", "4", "6"]
    assert json.loads((copied / "lesion" / "finished.json").read_text())["losses"]["overlap"] > 0


def test_what_a_killed_training_left_beside_its_checkpoints_is_removed(copied, tiny_dataset):
    (copied / "lesion" / "finished.json").unlink()
    (copied / "lesion" / ".lock").touch()
    folder = copied / "lesion" / "checkpoints"
    before = sorted(path.name for path in folder.iterdir())
    (folder / "checkpoint.tmp123").touch()
    (folder / "ckpt-8.data-00000-of-00001.tempstate9").touch()
    (folder / "ckpt-2.index").touch()
    (folder / "ckpt-8_temp").mkdir()
    (folder / "ckpt-8_temp" / "part-00000-of-00001.index").touch()
    steps = (copied / "steps.jsonl").read_text()
    run_stage("lesion", tiny_dataset, copied, ONE, resume=True)
    assert sorted(path.name for path in folder.iterdir()) == before
    assert (copied / "steps.jsonl").read_text() == steps  # the line stood there when it was killed
    assert not (copied / "lesion" / ".lock").exists()


def test_two_do_not_train_one_stage_of_a_run(copied, tiny_dataset):
    (copied / "lesion" / "finished.json").unlink()
    before = contents(copied)
    with (
        stage_directory(copied, "lesion").alone(),
        pytest.raises(MedSynthError, match=r"one process at a time trains 'lesion'.*in use.*Wait for it"),
    ):
        run_stage("lesion", tiny_dataset, copied, ONE, resume=True)
    assert contents(copied) == before


def test_a_disk_that_is_full_before_the_first_checkpoint_is_told_and_left_as_it_was(
    tiny_dataset, tmp_path, small_files
):
    told = pytest.raises(MedSynthError, match=r"have room.*File too large.*--resume")
    with small_files(20_000), told as caught:
        run_stage("lesion", tiny_dataset, tmp_path / "run", ONE)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("stage", "options", "message"),
    [
        ("segmentation", {}, r"unknown stage.*Stages: structure, lesion"),
        ("lesion", {"preset": "huge"}, r"unknown preset.*Known: thesis, tiny"),
        ("lesion", {"overrides": {"colour": "red"}}, r"unknown setting of LesionSettings.*key='colour'"),
        ("lesion", {"overrides": {"training.steps": "many"}}, "training.steps|steps must be of type int"),
        ("lesion", {"overrides": {"data.normalisation": "loud"}}, "normalisation must be one of"),
        ("lesion", {"steps": 0}, "--steps must be positive"),
        ("lesion", {"steps": -5}, "--steps must be positive"),
        ("lesion", {"seed": -1}, "seed"),
        ("lesion", {"seed": 2**32}, "seed"),
        ("lesion", {"precision": "float8"}, "precision must be one of"),
        ("lesion", {"data": "brats/absent"}, r"no such prepared dataset.*medsynth prepare"),
        ("lesion", {"overrides": {"training.batch_size": 17}}, r"batch cannot be larger.*slices=16"),
        ("lesion", {"overrides": {"folds": 9, "fold": 8}}, "every fold needs a patient"),
        ("lesion", {"devices": ("CPU:7",)}, r"devices must be different devices.*Known: CPU:0"),
        ("structure", {"overrides": {"vae.latent_dim": 0}}, "latent_dim must be positive"),
        ("structure", {"overrides": {"operators.structure.threshold": "0.1"}}, "only a group of settings"),
        ("multimodal", {}, r"no stage 'structure'.*Train it first: medsynth train structure"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_work(tiny_dataset, tmp_path, stage, options, message):
    arguments = {**tiny_dataset.where, "run": tmp_path / "run", **options}
    with pytest.raises(MedSynthError, match=message) as caught:
        train(stage, **arguments)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_run_that_cannot_be_written_is_told(tiny_dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MedSynthError, match="can be written to"):
        run_stage("lesion", tiny_dataset, tmp_path / "file")


def test_stage_m_refuses_maps_of_another_size(tiny_dataset, tmp_path):
    tiny.leave_finished(tmp_path, "structure", size=(48, 48))
    with pytest.raises(MedSynthError, match=r"'structure' was trained with other image_size.*\[48, 48\]"):
        run_stage("multimodal", tiny_dataset, tmp_path)
    assert not (tmp_path / "multimodal").exists()


# Slow: whole runs ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole_run(tiny_dataset, tmp_path_factory) -> Path:
    """A run with all stages, S and M a little longer, none of which ever stopped."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    for stage in STAGES:
        changes = LONGER if stage in ("structure", "multimodal") else {}
        run_stage(stage, tiny_dataset, run, changes)
    return run


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_trains_to_its_end(whole_run, tiny_dataset, stage):
    folder = stage_directory(whole_run, stage)
    steps = folder.require_finished()["steps"]
    table = rows(whole_run, stage)
    expected = [2, 4, 5, 6, 8, 10, 12] if steps == 12 else [2, 4, 6]  # 5: the first phase ends
    assert [int(row["step"]) for row in table] == expected
    values = np.array([[float(row[name]) for name in row] for row in table])
    assert np.isfinite(values).all()
    assert (folder.checkpoints / f"ckpt-{steps}.index").exists()
    assert (folder.path / "samples" / f"step_{steps:07d}.png").exists()
    loaded = restore.load_stage(folder, restore.frozen_networks(whole_run, stage))
    iterations = {player: int(o.iterations.numpy()) for player, o in loaded.optimizers.items()}
    assert iterations.pop("discriminator", None) in (None, steps if steps == 6 else steps - 5)
    assert set(iterations.values()) == {steps}


def killed(stage: str, dataset, run: Path, first: int) -> int:
    """Trains in another process, kills it after checkpoint `first`; the step it can go on from."""
    arguments = {
        "stage": stage, "data": dataset.name, "data_dir": str(dataset.data_dir), "run": str(run), "seed": 3,
        "precision": "float32", "changes": LONGER,
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.runs.train_in_miniature", json.dumps(arguments)]
    child = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    checkpoints = run / stage / "checkpoints"
    deadline = time.monotonic() + 300
    while not (checkpoints / f"ckpt-{first}.index").exists():
        assert child.poll() is None and time.monotonic() < deadline, child.stderr and child.stderr.read()
        time.sleep(0.002)
    time.sleep(random.uniform(0.0, 0.4))
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert not (run / stage / "finished.json").exists()
    return int(tf.train.latest_checkpoint(str(checkpoints)).rsplit("-", 1)[1])


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "first"), [("structure", 2), ("multimodal", 6)])
def test_a_killed_training_goes_on_to_the_same_bits(whole_run, tiny_dataset, tmp_path, stage, first):
    run = tmp_path / "run"
    run.mkdir()
    if stage == "multimodal":
        for name in ("structure", "lesion", "translation"):
            shutil.copytree(whole_run / name, run / name)
    reached = killed(stage, tiny_dataset, run, first)
    print(f"killed after step {reached}")
    result = run_stage(stage, tiny_dataset, run, LONGER, resume=True)
    assert not result.skipped
    expected, found = numbers(whole_run, stage), numbers(run, stage)
    assert found.keys() == expected.keys() and len(found) > 50
    assert [name for name in found if found[name].tobytes() != expected[name].tobytes()] == []
    kinds = ("networks/", "ema/", "optimizers/") + (("networks/prior",) if stage == "structure" else ())
    assert all(any(name.startswith(kind) for name in found) for kind in kinds)
    assert (run / stage / "metrics.csv").read_text() == (whole_run / stage / "metrics.csv").read_text()
    names = [restore.weights_hash(stage_directory(folder, stage)) for folder in (run, whole_run)]
    assert names[0] == names[1]


@pytest.mark.slow
def test_a_training_killed_before_its_first_checkpoint_starts_with_the_same_bits(
    whole_run, tiny_dataset, tmp_path
):
    short = {"training.steps": 2, "training.pretrain_steps": 1}
    found = []
    for run in (tmp_path / "one", tmp_path / "two"):
        for name in ("structure", "lesion", "translation"):
            shutil.copytree(whole_run / name, run / name)
        if found:  # all that a killed run had made
            (run / "multimodal").mkdir()
            shutil.copy(tmp_path / "one" / "multimodal" / "maps.npz", run / "multimodal")
        run_stage("multimodal", tiny_dataset, run, short)
        found.append(numbers(run, "multimodal"))
    np.testing.assert_equal(found[1], found[0])


@pytest.mark.slow
def test_two_replicas_train_as_one(lesion_run, tiny_dataset, tmp_path):
    run_stage("lesion", tiny_dataset, tmp_path, ONE, devices=tiny.DEVICES)
    for one, two in zip(rows(lesion_run, "lesion"), rows(tmp_path, "lesion"), strict=True):
        assert one.keys() == two.keys()
        for (
            name
        ) in one:  # Adam turns rounding where a gradient is nearly 0 into steps: 1.6 % on an AMD processor
            assert float(two[name]) == pytest.approx(float(one[name]), rel=3e-2), name
    loaded = restore.load_stage(stage_directory(tmp_path, "lesion"))
    assert int(loaded.optimizers["segmentor"].iterations.numpy()) == 6


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_trains_and_resumes(tiny_dataset, tmp_path, precision):
    from tf_medsynth import runtime

    try:
        run_stage("translation", tiny_dataset, tmp_path, precision=precision)
        assert stage_directory(tmp_path, "translation").config()["precision"] == f"mixed_{precision}"
        assert all(np.isfinite(float(v)) for row in rows(tmp_path, "translation") for v in row.values())
        (tmp_path / "translation" / "finished.json").unlink()
        before = restore.weights_hash(stage_directory(tmp_path, "translation"))
        run_stage("translation", tiny_dataset, tmp_path, precision=precision, resume=True)
        assert restore.weights_hash(stage_directory(tmp_path, "translation")) == before
    finally:
        runtime.configure(precision="float32")
