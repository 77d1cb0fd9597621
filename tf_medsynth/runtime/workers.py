"""The job that this process is one worker of, as TensorFlow's ``TF_CONFIG`` tells it.

Importing this module is instant; only the functions that meet the other workers need TensorFlow.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
from collections.abc import Iterator
from typing import Any

from tf_medsynth.config.base import check
from tf_medsynth.types import MedSynthError

_JOBS = ("chief", "worker")
_ADDRESS = re.compile(r"\S+:\d{1,5}")
_NODE = re.compile(r"\{\{.*?\}\} ?")
"""Where in TensorFlow's graph an error happened, which no user wants to know."""
_REMEDY = 'E.g. {"cluster": {"worker": ["one:2222", "two:2222"]}, "task": {"type": "worker", "index": 0}}.'


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The workers of a training, and which of them this process is.

    Attributes:
        addresses: ``host:port`` of each worker, the chief's first; empty for a process on its own.
        rank: this process's place among them.
    """

    addresses: tuple[str, ...] = ()
    rank: int = 0

    @property
    def workers(self) -> int:
        """Number of processes that train together, at least 1."""
        return max(1, len(self.addresses))

    @property
    def is_chief(self) -> bool:
        """Whether this process writes what the job leaves behind."""
        return self.rank == 0


def cluster() -> Cluster:
    """The job that ``TF_CONFIG`` describes; without that variable, or a cluster in it, one process.

    Raises:
        MedSynthError: not JSON, other jobs than chief and worker, no or doubled addresses, a task
            that the cluster does not have.
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    config = _object("TF_CONFIG", _parsed(text)) if text else {}
    jobs = _object("cluster", config.get("cluster", {}))
    if not jobs:
        return Cluster()
    unknown = sorted(set(jobs) - set(_JOBS))
    rule = "TF_CONFIG: the jobs of a training are chief and worker"
    check(rule, not unknown, "Leave out the others.", unknown=unknown)
    listed = {job: _addresses(job, jobs.get(job, [])) for job in _JOBS}
    check("TF_CONFIG: a training has one chief at most", len(listed["chief"]) <= 1, chief=listed["chief"])
    addresses = (*listed["chief"], *listed["worker"])
    own = len(set(addresses)) == len(addresses)
    check("TF_CONFIG: every worker has an address of its own", own, addresses=addresses)
    task = _object("task", config.get("task"))
    kind: Any = task.get("type")
    index: Any = task.get("index")
    check("TF_CONFIG: the task's type is a job of the cluster", kind in list(jobs), _REMEDY, type=kind)
    count = len(listed[kind])
    check(
        f"TF_CONFIG: the task's index lies in 0 .. {count - 1}",
        type(index) is int and 0 <= index < count,
        _REMEDY,
        type=kind,
        index=index,
    )
    return Cluster(addresses, index if kind == "chief" else len(listed["chief"]) + index)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise MedSynthError(
            f"TF_CONFIG must be JSON. Received: TF_CONFIG={text[:80]!r}, error={error}. {_REMEDY}"
        ) from None


def _object(name: str, value: Any) -> dict[str, Any]:
    check(f"TF_CONFIG: {name} must be a JSON object", isinstance(value, dict), _REMEDY, **{name: value})
    return dict(value)


def _addresses(job: str, value: Any) -> list[str]:
    listed = isinstance(value, list) and all(isinstance(a, str) and _ADDRESS.fullmatch(a) for a in value)
    check(f"TF_CONFIG: the addresses of {job} are a list of host:port", listed, _REMEDY, **{job: value})
    return list(value)


@contextlib.contextmanager
def chief_first(strategy: Any) -> Iterator[None]:
    """Context that the chief of `strategy` leaves before any other worker enters it.

    In a process on its own it does nothing. Where the chief's block raises, the others never enter:
    they are told of a lost worker.
    """
    job = cluster()
    if not job.is_chief:
        _meet(strategy)
    yield
    if job.is_chief and job.workers > 1:
        _meet(strategy)


def _meet(strategy: Any) -> None:
    """Waits until every worker of `strategy` has come here."""
    import tensorflow as tf

    strategy.reduce("SUM", tf.identity(1.0), axis=None)


@contextlib.contextmanager
def together(remedy: str) -> Iterator[None]:
    """Context of a job's work; a lost worker becomes one line that ends in `remedy`.

    Raises:
        MedSynthError: another worker died, or cannot be reached.
    """
    import tensorflow as tf

    lost = (
        tf.errors.UnavailableError,
        tf.errors.DeadlineExceededError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.FailedPreconditionError,
        tf.errors.InternalError,
    )
    job = cluster()
    try:
        yield
    except lost as error:
        if job.workers == 1:
            raise
        first = _NODE.sub("", str(error.message).strip().splitlines()[0])
        raise MedSynthError(
            f"all {job.workers} workers of a job must live to its end. "
            f"Received: rank={job.rank}, error={first!r}. {remedy}"
        ) from error
