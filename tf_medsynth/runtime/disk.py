"""A disk that has no room, or may not be written to: told in one line, before work where that can be."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tf_medsynth.config.base import check
from tf_medsynth.runtime.places import FULL, nearest
from tf_medsynth.types import MedSynthError

_ERRORS = (*FULL, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)


def check_room(folder: Path | str, needed: float, remedy: str = "Make room, or choose another disk.") -> None:
    """Raises where the disk of `folder`, which need not exist, has less than `needed` bytes left."""
    free = shutil.disk_usage(nearest(folder)).free
    check(
        "the disk must have room for what is to be written",
        needed <= free,
        remedy,
        folder=str(folder),
        needed_mib=round(needed / 2**20),
        free_mib=round(free / 2**20),
    )


def reserve(file: BinaryIO, size: int) -> None:
    """Gives `file` its `size` bytes on the disk, so that writing to it by a mapping cannot fail.

    A page of a mapped file for which there is no room ends the process by a signal.

    Raises:
        OSError: there is no room.
    """
    if size:
        os.posix_fallocate(file.fileno(), 0, size)


def disk_error(error: BaseException) -> int | None:
    """Number of the system's error that says what the disk lacked, None where `error` says no such thing.

    TensorFlow, HDF5 and ITK raise errors of their own, which only hold the system's words.
    """
    if isinstance(error, MedSynthError):
        return None
    if isinstance(error, OSError) and error.errno in _ERRORS:
        return error.errno
    told = str(error)
    return next((number for number in _ERRORS if os.strerror(number) in told), None)


@contextlib.contextmanager
def disk_errors(folder: Path | str, remedy: str) -> Iterator[None]:
    """Context that says in one line that the disk of `folder` failed, whichever library noticed.

    Args:
        remedy: what is kept, and what to do.
    """
    try:
        yield
    except Exception as error:
        number = disk_error(error)
        if number is None:
            raise
        raise MedSynthError(
            f"the disk must stay writable and have room. Received: folder={str(folder)!r}, "
            f"reason={os.strerror(number)!r}. {remedy}"
        ) from error
