"""How the workers of a job find each other before TensorFlow starts.

TensorFlow itself would wait an hour for a missing worker, deaf to signals, and would not notice that
one was told of another cluster. So they meet at the chief's address first, which is free until then.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time

from tf_medsynth.config.base import check
from tf_medsynth.runtime.workers import Cluster

_START = "Start every worker with the same cluster and its own index."
_GREETING_SECONDS, _RETRY_SECONDS = 10.0, 0.5


def gather(job: Cluster, seconds: float) -> None:
    """Returns when every worker of `job` has called it; they meet at the chief's address.

    Raises:
        MedSynthError: not all within `seconds`, an address that is taken, or another cluster in some
            worker's ``TF_CONFIG``.
    """
    deadline = time.monotonic() + seconds
    if job.is_chief:
        _receive(job, deadline)
    else:
        _report(job, deadline)


def _receive(job: Cluster, deadline: float) -> None:
    """Waits for the others and then, at once, lets all of them go."""
    port = int(job.addresses[0].rpartition(":")[2])
    there: dict[int, socket.socket] = {}
    with contextlib.ExitStack() as connections:
        try:
            server = connections.enter_context(socket.create_server(("", port)))
        except OSError as error:
            rule, reason = "the chief's port must be free", error.strerror
            check(rule, False, "Choose another in TF_CONFIG.", address=job.addresses[0], error=reason)
        while len(there) < job.workers - 1:
            missing = [a for rank, a in enumerate(job.addresses) if rank and rank not in there]
            try:
                server.settimeout(max(deadline - time.monotonic(), 0.001))
                connection = connections.enter_context(server.accept()[0])
                connection.settimeout(_GREETING_SECONDS)
                rank, addresses = json.loads(connection.makefile().readline())
            except TimeoutError:
                early = time.monotonic() < deadline
                check("every worker of TF_CONFIG must come up in time", early, _START, missing=missing)
                continue
            except (OSError, ValueError, TypeError):  # not one of ours
                continue
            same = tuple(addresses) == job.addresses
            rule = "TF_CONFIG must name the same cluster everywhere"
            check(rule, same, _START, chief=job.addresses, another=addresses)
            there[rank] = connection
        for connection in there.values():
            connection.sendall(b"go\n")


def _report(job: Cluster, deadline: float) -> None:
    """Tells the chief that this worker is there, and waits for its word."""
    host, _, port = job.addresses[0].rpartition(":")
    answer = ""
    while not answer:
        left = deadline - time.monotonic()
        check("the chief of TF_CONFIG must come up in time", left > 0, _START, chief=job.addresses[0])
        try:
            with socket.create_connection((host, int(port)), timeout=left) as connection:
                connection.sendall(json.dumps([job.rank, job.addresses]).encode() + b"\n")
                answer = connection.makefile().readline() or "gone"
        except OSError:
            time.sleep(_RETRY_SECONDS)
    check(
        "the chief must let all workers go on",
        answer == "go\n",
        "Its own message says why it did not.",
        chief=job.addresses[0],
        rank=job.rank,
    )
