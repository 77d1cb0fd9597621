"""TF_CONFIG: who is the chief, and what is refused."""

from __future__ import annotations

import json

import pytest

from tf_medsynth import runtime
from tf_medsynth.runtime import Cluster
from tf_medsynth.types import MedSynthError

TWO = ["one:2222", "two:2222"]


def config(monkeypatch, jobs, kind="worker", index=0) -> None:
    words = {"cluster": jobs, "task": {"type": kind, "index": index}, "environment": "cloud"}
    monkeypatch.setenv("TF_CONFIG", json.dumps(words))


@pytest.mark.parametrize("text", [None, "", "{}", '{"task": {"type": "worker", "index": 0}}'])
def test_without_a_cluster_a_process_is_on_its_own(monkeypatch, text):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    alone = runtime.cluster()
    assert alone == Cluster() and alone.workers == 1 and alone.is_chief


def test_the_first_worker_is_the_chief(monkeypatch):
    config(monkeypatch, {"worker": TWO}, index=1)
    assert runtime.cluster() == Cluster(tuple(TWO), 1) and not runtime.cluster().is_chief
    config(monkeypatch, {"worker": TWO})
    assert runtime.cluster().is_chief and runtime.cluster().workers == 2


def test_a_chief_comes_before_the_workers(monkeypatch):
    jobs = {"worker": TWO, "chief": ["head:1"]}
    config(monkeypatch, jobs, kind="chief")
    assert runtime.cluster() == Cluster(("head:1", *TWO), 0)
    config(monkeypatch, jobs, index=1)
    assert runtime.cluster().rank == 2 and runtime.cluster().workers == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{worker", r"TF_CONFIG must be JSON.*'\{worker'.*E\.g\."),
        ("[1]", r"TF_CONFIG must be a JSON object"),
        ('{"cluster": ["one:1"]}', r"cluster must be a JSON object"),
        ('{"cluster": {"worker": ["one:1"]}}', r"task must be a JSON object.*task=None"),
    ],
)
def test_text_that_is_no_configuration_is_refused(monkeypatch, text, message):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(MedSynthError, match=message):
        runtime.cluster()


@pytest.mark.parametrize(
    ("jobs", "kind", "index", "message"),
    [
        ({"worker": TWO, "ps": ["three:1"]}, "worker", 0, r"are chief and worker.*\['ps'\]"),
        ({"chief": TWO}, "chief", 0, r"one chief at most"),
        ({"worker": ["one"]}, "worker", 0, r"worker are a list of host:port.*\['one'\]"),
        ({"worker": "one:1"}, "worker", 0, r"a list of host:port"),
        ({"worker": ["one:1", "one:1"]}, "worker", 0, r"address of its own"),
        ({"worker": TWO}, "evaluator", 0, r"type is a job of the cluster.*type='evaluator'"),
        ({"worker": TWO}, "worker", 2, r"index lies in 0 \.\. 1.*index=2"),
        ({"worker": TWO}, "worker", "0", r"index lies in 0 \.\. 1.*index='0'"),
    ],
)
def test_clusters_that_cannot_be_are_refused(monkeypatch, jobs, kind, index, message):
    config(monkeypatch, jobs, kind, index)
    with pytest.raises(MedSynthError, match=message):
        runtime.cluster()
