"""Time and memory of finished steps."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from tf_medsynth import runtime


def lines(run):
    return [json.loads(line) for line in (run / "steps.jsonl").read_text().splitlines()]


def test_a_finished_step_is_one_line_with_what_the_block_found_out(tmp_path):
    for verb in ("prepare", "train structure"):
        with runtime.record_step(tmp_path / "run", verb, {"preset": "tiny"}) as detail:
            time.sleep(0.02)
            detail["steps"] = np.int64(3)
    first, second = lines(tmp_path / "run")
    assert first.keys() == {"verb", "seconds", "peak_memory_mib", "detail"}
    assert second["verb"] == "train structure"
    assert second["detail"] == {"preset": "tiny", "steps": 3}
    assert 0.02 <= second["seconds"] < 60


def test_a_failed_step_is_not_recorded(tmp_path):
    with pytest.raises(RuntimeError), runtime.record_step(tmp_path, "train structure"):
        raise RuntimeError("stopped")
    assert not (tmp_path / "steps.jsonl").exists()


def test_peak_memory_sees_a_large_array():
    runtime.reset_peak_memory()
    before = runtime.peak_memory_mib()
    array = np.ones(128 * 2**20, np.uint8)
    assert runtime.peak_memory_mib() - before >= 0.9 * 128
    assert array[0] == 1


def test_each_step_has_its_own_peak(tmp_path):
    if not runtime.reset_peak_memory():
        pytest.skip("this kernel cannot reset the peak")
    with runtime.record_step(tmp_path, "large"):
        array = np.ones(256 * 2**20, np.uint8)
        del array
    with runtime.record_step(tmp_path, "small"):
        pass
    large, small = lines(tmp_path)
    assert large["peak_memory_mib"] - small["peak_memory_mib"] > 200


def test_children_count_when_asked_for():
    subprocess.run([sys.executable, "-c", "b'1' * 900 * 2**20"], check=True)
    assert runtime.peak_memory_mib(children=True) >= 900


def test_stopwatch_runs():
    watch = runtime.Stopwatch()
    time.sleep(0.01)
    assert watch.seconds >= 0.01
