"""Workers meet before they start; who is missing or was told otherwise is named."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tf_medsynth.runtime import Cluster
from tf_medsynth.runtime.gathering import gather
from tf_medsynth.types import MedSynthError


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
