"""A disk that has no room, or may not be written to: told in one line, before work where that can be."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tf_medsynth.config.base import check
from tf_medsynth.types import MedSynthError

_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS)
_WORDS = ("No space left", "File too large", "Permission denied", "Read-only")
"""How libraries say it that raise errors of their own."""


def check_writable(folder: Path | str) -> None:
    """Raises unless `folder` is, or can be made, a folder that may be written to; makes nothing.

    Its path must be text: TensorFlow ends the process over other bytes than UTF-8.
    """
    name = os.fsencode(Path(folder).absolute())
    check(
        "the path of an output folder must be text in UTF-8",
        name == name.decode("utf-8", "replace").encode("utf-8"),
        "Choose another, or rename the folders around it.",
        folder=name.decode("utf-8", "backslashreplace"),
    )
    there = _nearest(folder)
    check(
        "an output folder must be one that can be written to",
        there.is_dir() and os.access(there, os.W_OK | os.X_OK),
        "Choose another, or change its rights.",
        folder=str(folder),
    )


def check_room(folder: Path | str, needed: float, remedy: str = "Make room, or choose another disk.") -> None:
    """Raises where the disk of `folder`, which need not exist, has less than `needed` bytes left."""
    free = shutil.disk_usage(_nearest(folder)).free
    check(
        "the disk must have room for what is to be written",
        needed <= free,
        remedy,
        folder=str(folder),
        needed_mib=round(needed / 2**20),
        free_mib=round(free / 2**20),
    )


def _nearest(folder: Path | str) -> Path:
    """`folder`, or the nearest of the folders around it that exists."""
    folder = Path(folder).absolute()
    return next(path for path in (folder, *folder.parents) if path.exists())


@contextlib.contextmanager
def disk_errors(folder: Path | str, remedy: str) -> Iterator[None]:
    """Context that says in one line that the disk of `folder` failed, whichever library noticed.

    Args:
        remedy: what is kept, and what to do.
    """
    try:
        yield
    except MedSynthError:
        raise
    except Exception as error:
        number = error.errno if isinstance(error, OSError) and error.errno in _ERRORS else None
        reason = os.strerror(number) if number else next((w for w in _WORDS if w in str(error)), None)
        if reason is None:
            raise
        raise MedSynthError(
            f"the disk must stay writable and have room. Received: folder={str(folder)!r}, "
            f"reason={reason!r}. {remedy}"
        ) from error
