"""Starts the workers of one job on this machine, each in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def start(module: str, arguments: str, workers: int = 2) -> list[subprocess.Popen]:
    """The workers of a job, the chief first, each running ``python -m MODULE ARGUMENTS``."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(workers)]
    started = []
    for index in range(workers):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(config), "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-m", module, arguments]
        started.append(
            subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True)
        )
    return started


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens at now."""
    with socket.socket() as first, socket.socket() as second:
        sockets = [first, second][:count]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def finish(started: list[subprocess.Popen], seconds: float) -> list[tuple[int, str]]:
    """Exit status and standard error of each, at most `seconds` from now."""
    try:
        return [(one.communicate(timeout=seconds)[1], one.returncode)[::-1] for one in started]
    finally:
        for one in started:
            one.kill()
