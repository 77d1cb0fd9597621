from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.generation import generate_and_die
from tests.generation.analytic import Ellipses
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.generation import LabelPool, stream
from tf_medsynth.types import MedSynthError

ROOT = Path(__file__).resolve().parents[2]


def indices(spool, count: int) -> list[int]:
    return [int(sample["sample_index"]) for sample in spool.samples(count)]


def test_stops_after_the_chunk_that_reaches_the_count(tmp_path, pool, settings):
    spool = stream(Ellipses(flaws={1: "open", 2: "shift"}), pool, settings, 0, 10, tmp_path)
    assert spool.finished() == 2
    assert indices(spool, 10) == [k for k in range(16) if k % 10 not in (1, 2)][:10]


def test_resumed_in_steps_equals_one_run(tmp_path, pool, settings, contents):
    flawed = Ellipses(flaws={1: "open", 2: "shift", 3: "ignore"})
    for count in (1, 9, 4, 20):
        stream(flawed, pool, settings, 7, count, tmp_path / "steps")
    stream(flawed, pool, settings, 7, 20, tmp_path / "once")
    assert contents(tmp_path / "steps") == contents(tmp_path / "once")


def test_another_seed_is_another_data_set(tmp_path, pool, settings):
    first, second = (
        next(stream(Ellipses(), pool, settings, seed, 1, tmp_path / str(seed)).samples(1)) for seed in (0, 1)
    )
    assert not np.array_equal(first["images"], second["images"])


def test_a_finished_run_computes_nothing_and_a_lost_chunk_only_itself(tmp_path, pool, settings, contents):
    stream(Ellipses(), pool, settings, 0, 20, tmp_path)
    before = contents(tmp_path)
    idle = Ellipses()
    stream(idle, pool, settings, 0, 20, tmp_path)
    assert idle.batches == []
    (tmp_path / "chunks" / "00000001.npz").unlink()
    stream(idle, pool, settings, 0, 20, tmp_path)
    assert idle.batches == [8]
    # The chunk is back to the bit; the log is in order again after the next opening.
    stream(idle, pool, settings, 0, 20, tmp_path)
    assert contents(tmp_path) == before


def test_too_few_accepted_says_why_and_keeps_what_there_is(tmp_path, pool, settings):
    flawed = Ellipses(flaws=dict.fromkeys(range(1, 10), "open"))
    poor = dataclasses.replace(settings, max_candidates_per_sample=4, min_candidates=32)
    message = r"acceptance too low: 4 of 32 .*count=8; rejected for contour 28.*train the structure stage"
    with pytest.raises(MedSynthError, match=message):
        stream(flawed, pool, poor, 0, 8, tmp_path)
    more = dataclasses.replace(poor, max_candidates_per_sample=12)
    idle = Ellipses(flaws=flawed.flaws)
    assert indices(stream(idle, pool, more, 0, 8, tmp_path), 8) == list(range(0, 80, 10))
    assert len(idle.batches) == 9 - 4  # the first four chunks were not drawn again


def test_other_settings_do_not_continue_a_spool(tmp_path, pool, settings):
    stream(Ellipses(), pool, settings, 0, 1, tmp_path)
    with pytest.raises(MedSynthError, match="label_tries: 20 -> 5"):
        stream(Ellipses(), pool, dataclasses.replace(settings, label_tries=5), 0, 1, tmp_path)
    with pytest.raises(MedSynthError, match="labels"):
        stream(Ellipses(), LabelPool(pool._labels[:2]), settings, 0, 1, tmp_path)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"count": 0}, "count must be at least 1"),
        ({"count": -3}, "count must be at least 1"),
        ({"seed": -1}, "seed must not be negative"),
        ({"synthesiser": Ellipses(16)}, "size of the model's images"),
    ],
)
def test_unusable_arguments_leave_nothing(tmp_path, pool, changes, rule):
    arguments = {"synthesiser": Ellipses(), "seed": 0, "count": 1, **changes}
    with pytest.raises(MedSynthError, match=rule):
        stream(labels=pool, settings=GenerationConfig(), spool=tmp_path / "spool", **arguments)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_found_before_work(tmp_path, pool, settings, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    idle = Ellipses()
    with pytest.raises(MedSynthError, match="disk must have room"):
        stream(idle, pool, settings, 0, 100, tmp_path)
    assert idle.batches == []


def test_a_disk_that_fills_up_costs_only_the_chunk_in_hand(tmp_path, pool, settings, monkeypatch, contents):
    stream(Ellipses(), pool, settings, 0, 8, tmp_path / "full")
    before = contents(tmp_path / "full")

    def no_space(*arguments, **arrays):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, pytest.raises(MedSynthError, match=r"No space left.*with --resume"):
        patch.setattr(np, "savez", no_space)
        stream(Ellipses(), pool, settings, 0, 16, tmp_path / "full")
    assert contents(tmp_path / "full") == before
    stream(Ellipses(), pool, settings, 0, 16, tmp_path / "full")
    stream(Ellipses(), pool, settings, 0, 16, tmp_path / "roomy")
    assert contents(tmp_path / "full") == contents(tmp_path / "roomy")


@pytest.mark.slow
def test_killed_at_any_point_and_resumed_equals_never_stopped(tmp_path, contents):
    # Each start replaces two files, or one on the first: header and log. Then one a chunk.
    deaths = [("render", 2), ("replace", 4), ("render", 1)]
    for event, number in deaths:
        command = [sys.executable, "-m", "tests.generation.generate_and_die"]
        arguments = [str(tmp_path / "killed"), "20", event, str(number)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command + arguments, cwd=ROOT, env=environment, capture_output=True, check=False, text=True
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
    lived_through = len(list((tmp_path / "killed" / "chunks").glob("[0-9]*.npz")))
    for folder in ("killed", "never"):
        synthesiser = Ellipses(flaws=generate_and_die.FLAWS)
        spool = stream(
            synthesiser,
            generate_and_die.labels(),
            generate_and_die.SETTINGS,
            generate_and_die.SEED,
            20,
            tmp_path / folder,
        )
        drawn = len(synthesiser.batches)
        assert spool.finished() - drawn == (lived_through if folder == "killed" else 0)
    assert 0 < lived_through < spool.finished()
    assert contents(tmp_path / "killed") == contents(tmp_path / "never")
    assert len(set(indices(spool, 20))) == 20
