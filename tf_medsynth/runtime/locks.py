"""One process at a time in a folder; the system opens the lock of a process that died."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tf_medsynth.types import MedSynthError

LOCK_NAME = ".lock"


@contextlib.contextmanager
def alone(folder: Path | str, rule: str, remedy: str = "Wait for the other one.") -> Iterator[None]:
    """Context in which no other process is in `folder`, which is made if need be.

    Its file ``.lock`` goes at the end, and so do folders that were made for it and stayed empty.

    Args:
        rule: what one process at a time does, for the message.

    Raises:
        MedSynthError: another process is at it.
        OSError: the folder cannot be written to.
    """
    folder = Path(folder)
    made = _make(folder)
    file = folder / LOCK_NAME
    try:
        handle = _locked(file)
        if handle is None:
            raise MedSynthError(f"{rule}. Received: folder={str(folder)!r}, which is in use. {remedy}")
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # the folder may be gone by now
                file.unlink()
            os.close(handle)
    finally:
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()


def forget_dead(folder: Path | str) -> None:
    """Removes the lock file that a killed process left in `folder`; a living one keeps its own."""
    if (Path(folder) / LOCK_NAME).exists():
        with contextlib.suppress(MedSynthError, OSError), alone(folder, ""):
            pass


def _make(folder: Path) -> list[Path]:
    """Makes `folder`; those that were not there, the innermost first."""
    made = [path for path in (folder, *folder.absolute().parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return made


def _locked(file: Path) -> int | None:
    """A handle that holds the lock, None where another process does."""
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        try:  # whoever held it may have taken the file away in between
            if os.path.samestat(os.fstat(handle), os.stat(file)):
                return handle
        except FileNotFoundError:
            pass
        os.close(handle)
