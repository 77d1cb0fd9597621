"""Memory: what the machine has left, and one refusal, before any work, of what cannot fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tf_medsynth.config.base import check

_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def available_memory() -> float:
    """Bytes that can still be taken: of the machine, or of the container that this process lives in.

    Infinite where neither can be read.
    """
    return min(_of_machine(), _of_container())


def check_memory(what: str, needed: float, remedy: str, **received: Any) -> None:
    """Raises where `needed` bytes, a lower bound of what `what` takes, are more than is left.

    Args:
        what: as the sentence begins: "the networks", "a patient".
        needed: bytes; count what is surely there at one time, so that nothing that fits is refused.
        remedy: which setting to lower.
        **received: those settings.
    """
    left = available_memory()
    check(
        f"{what} must fit into memory",
        needed <= left,
        remedy,
        **received,
        needed_gib=round(needed / 2**30, 1),
        available_gib=round(left / 2**30, 1),
    )


def _of_machine() -> float:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return float("inf")
    kibibytes = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return int(kibibytes) * 1024.0 if kibibytes else float("inf")


def _of_container() -> float:
    try:
        most = (_GROUP / "memory.max").read_text(encoding="ascii").strip()
        used = (_GROUP / "memory.current").read_text(encoding="ascii").strip()
    except OSError:
        return float("inf")
    return float("inf") if most == "max" else max(float(most) - float(used), 0.0)
