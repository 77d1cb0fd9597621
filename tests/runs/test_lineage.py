import fcntl
import json
import threading

import pytest

from tf_medsynth.runs.lineage import code, failure, lineage_page, read_lineage, record_lineage
from tf_medsynth.types import MedSynthError


def run_step(root, name="second", inputs=None, outputs=(("model", "run/model", "beef"),), skipped=False):
    with record_lineage(root, name, {"seed": 3}, inputs or {}) as step:
        for output in outputs:
            step.made(*output)
        step.skipped = skipped


def test_a_step_leaves_what_made_what(tmp_path):
    run_step(tmp_path, "first", outputs=[("examples", "data", "feed")])
    run_step(tmp_path, inputs={"examples": {"uri": "data", "fingerprint": "feed"}})
    first, second = read_lineage(tmp_path)
    assert (first["step"], second["step"]) == ("first", "second")
    assert second["config"] == {"seed": 3} and second["code"] == code()
    assert second["outputs"] == {"model": {"uri": "run/model", "fingerprint": "beef"}}
    page = (tmp_path / "lineage" / "lineage.md").read_text()
    assert page == lineage_page([first, second])
    assert "| second | model: `run/model` | `beef` | examples `feed` (first) |" in page
    assert str(tmp_path) not in page + json.dumps([first, second])


def test_a_skipped_step_keeps_the_record_of_what_made_its_artifacts(tmp_path):
    run_step(tmp_path)
    before = (tmp_path / "lineage" / "second.json").read_bytes()
    run_step(tmp_path, skipped=True)
    assert (tmp_path / "lineage" / "second.json").read_bytes() == before
    run_step(tmp_path, outputs=[("model", "run/model", "cafe")], skipped=True)
    (record,) = read_lineage(tmp_path)
    assert record["outputs"]["model"]["fingerprint"] == "cafe"


def test_a_failed_step_leaves_its_error_until_it_succeeds(tmp_path):
    run_step(tmp_path)
    with pytest.raises(MedSynthError), record_lineage(tmp_path, "second", {}, {}):
        raise MedSynthError("a rule.\nReceived: n=0.")
    assert failure(tmp_path) == ("second", "a rule. Received: n=0.")
    assert len(read_lineage(tmp_path)) == 1
    assert failure(tmp_path, since=1e12) is None
    run_step(tmp_path)
    assert failure(tmp_path) is None


def test_an_unexpected_error_is_told_with_its_kind(tmp_path):
    with pytest.raises(KeyError), record_lineage(tmp_path, "second", {}, {}):
        raise KeyError("x")
    assert failure(tmp_path) == ("second", "KeyError: 'x'")


def test_a_killed_step_is_recognised_and_may_run_again(tmp_path):
    (tmp_path / "lineage").mkdir()
    (tmp_path / "lineage" / "second.running").touch()  # what SIGKILL leaves
    name, reason = failure(tmp_path)
    assert name == "second" and "killed" in reason
    run_step(tmp_path)
    assert failure(tmp_path) is None


def test_a_step_waits_for_another_process_in_it(tmp_path):
    (tmp_path / "lineage").mkdir()
    held = (tmp_path / "lineage" / ".second.lock").open("a")
    fcntl.flock(held, fcntl.LOCK_EX)
    done = []
    waiting = threading.Thread(target=lambda: done.append(run_step(tmp_path)))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive() and not read_lineage(tmp_path)
    held.close()
    waiting.join(60)
    assert done and len(read_lineage(tmp_path)) == 1


def test_an_unreadable_record_is_told(tmp_path):
    run_step(tmp_path)
    (tmp_path / "lineage" / "second.json").write_text("{")
    with pytest.raises(MedSynthError, match=r"whole JSON.*second\.json"):
        read_lineage(tmp_path)
