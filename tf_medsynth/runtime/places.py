"""Names of files and folders as a user gives them: refused in one line where none can stand there."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from pathlib import Path

from tf_medsynth.config.base import check

LONGEST_NAME = 200
"""Bytes in the name of what is written: most disks allow 255, and hidden names beside it are longer."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_PATTERN = "*?[]"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk, or of a share of it, without room."""


def local_path(place: str | os.PathLike[str], name: str, literal: bool = False) -> Path:
    """`place` as a path, whether anything stands there or not.

    Args:
        place: as the user gave it.
        name: of the option or argument, for the message.
        literal: TensorFlow shall read or write there, which takes ``*?[]`` in a name for a pattern.

    Raises:
        MedSynthError: no name at all, a URL, bytes that are no text, or a pattern where `literal`.
    """
    text = os.fspath(place)
    check(f"{name} names a file or folder", bool(text) and "\0" not in text, **{name: text})
    local = not _URL.match(text)
    check(f"{name} is a place on this machine, not a URL", local, "Mount or copy it first.", **{name: text})
    check(
        f"{name} is a name in UTF-8",
        text.encode("utf-8", "ignore").decode() == text,
        "Rename it.",
        **{name: text},
    )
    taken = sorted(set(_PATTERN) & set(os.path.abspath(text))) if literal else []
    check(
        f"{name} may not hold any of {' '.join(_PATTERN)}, which TensorFlow takes for patterns",
        not taken,
        "Choose or rename a folder.",
        **{name: text},
    )
    return Path(place)


def check_local(**places: str | os.PathLike[str] | None) -> None:
    """`local_path` of several inputs by name; None is passed over."""
    for name, place in places.items():
        if place is not None:
            local_path(place, name)


def check_writable(folder: Path | str) -> None:
    """Raises unless `folder` is, or can be made, a folder that may be written to; leaves nothing."""
    folder = local_path(local_path(folder, "folder").absolute(), "folder")  # the folders around it, too
    there = nearest(folder)
    check(
        "an output folder must be one that can be written to",
        there.is_dir() and _takes_files(there),
        "Choose another, or change its rights.",
        folder=str(folder),
    )
    _check_length(folder)


def check_new_file(file: Path | str, name: str = "--out") -> Path:
    """`file` as a path, at which a file can be written; one that stands there will be replaced.

    Raises:
        MedSynthError: a folder or a device stands there, its folder cannot be written to, or see
            `local_path`.
    """
    path = local_path(file, name)
    check(
        f"{name} is a file, not a folder, a device or a link to nowhere",
        path.is_file() or not os.path.lexists(path),
        "Choose another name.",
        **{name: str(file)},
    )
    check(f"{name} names a file", path.name not in ("", ".."), **{name: str(file)})
    check_writable(path.absolute().parent)
    _check_length(path)
    return path


def nearest(folder: Path | str) -> Path:
    """`folder`, or the nearest of the places around it at which anything stands."""
    folder = Path(folder).absolute()
    try:
        return next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    except ValueError:  # a NUL byte
        return folder


def _takes_files(folder: Path) -> bool:
    """Whether a file can be made there: rights alone do not say so of a kernel's folders, or for root."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        return error.errno in FULL


def _check_length(path: Path) -> None:
    for part in path.parts:
        check(
            f"the name of what is written has at most {LONGEST_NAME} bytes",
            len(os.fsencode(part)) <= LONGEST_NAME,
            "Choose a shorter one.",
            name=f"{part[:20]}...",
            bytes=len(os.fsencode(part)),
        )
