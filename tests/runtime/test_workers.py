"""TF_CONFIG: who is the chief, and what is refused."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tf_medsynth import runtime
from tf_medsynth.runtime import Cluster
from tf_medsynth.runtime.workers import gather
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


@pytest.fixture
def addresses() -> tuple[str, ...]:
    """Three, of which the first is free."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return (f"127.0.0.1:{port}", "two:2", "three:3")


def gathered(addresses, ranks, seconds) -> list[BaseException | None]:
    """What became of each of these workers, that start together."""
    with ThreadPoolExecutor(len(ranks)) as threads:
        started = [threads.submit(gather, Cluster(addresses, rank), seconds) for rank in ranks]
        return [one.exception() for one in started]


def test_workers_wait_for_each_other(addresses):
    assert gathered(addresses, [2, 0, 1], 30.0) == [None, None, None]


def test_a_missing_worker_is_named_in_time(addresses):
    chief, other = gathered(addresses, [0, 1], 1.0)
    assert isinstance(chief, MedSynthError) and "missing=['three:3']" in str(chief)
    assert isinstance(other, MedSynthError) and "the chief" in str(other)
    (alone,) = gathered(addresses, [2], 0.2)
    assert isinstance(alone, MedSynthError) and "chief of TF_CONFIG must come up in time" in str(alone)


def test_a_port_that_is_taken_is_named(addresses):
    taken = socket.create_server(("", int(addresses[0].rpartition(":")[2])))
    with taken, pytest.raises(MedSynthError, match=r"port must be free.*in use.*Choose another"):
        gather(Cluster(addresses, 0), 5.0)


def test_workers_of_another_cluster_are_refused(addresses):
    with ThreadPoolExecutor(2) as threads:
        chief = threads.submit(gather, Cluster(addresses[:2], 0), 30.0)
        other = threads.submit(gather, Cluster(addresses, 1), 30.0)
        assert "the same cluster everywhere" in str(chief.exception())
        assert "let all workers go on" in str(other.exception())
