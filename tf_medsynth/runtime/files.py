"""Files that are whole or absent, and strict JSON."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import math
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.config.base import check
from tf_medsynth.runtime.disk import disk_error


@contextlib.contextmanager
def atomic_path(path: Path | str, overwrite: bool = False, shared: bool = False) -> Iterator[Path]:
    """Context with a sibling path to write a file or directory at; it becomes `path` when all went well.

    After an error nothing is left; a killed process leaves one ``.partial-NAME``, which the next
    attempt replaces. The sibling keeps the suffix, from which image writers tell the format.

    Args:
        path: where the file or directory shall stand; missing parents are made. A file that stands
            there is replaced.
        overwrite: whether a directory that holds anything may be replaced as well.
        shared: whether other processes may write the same file meanwhile: each has a sibling of its
            own, and the last one stays.

    Raises:
        MedSynthError: a directory with contents stands at `path` and `overwrite` is False; or any
            directory, and a file was written.
        OSError: the disk has no room or cannot be written, whichever library noticed.
    """
    path = Path(path)
    empty = not path.is_dir() or not any(path.iterdir())
    check("the output directory must be new or empty", empty or overwrite, path=str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    if not shared:
        settle(path)
    with contextlib.ExitStack() as held:
        partial = held.enter_context(_own_sibling(path)) if shared else _partial(path)
        try:
            with _named(path):
                yield partial
                _flush(partial)
                _replace(partial, path)
        except BaseException:
            _remove(partial)
            raise
    _flush_one(path.parent)


def settle(path: Path | str) -> None:
    """Ends what a killed process left beside `path` when it wrote there; an old directory is put back.

    Only where no other process writes there.
    """
    path = Path(path)
    _remove(_partial(path))
    old = _replaced(path)
    if os.path.lexists(path):
        _remove(old)
    elif old.is_dir():
        os.replace(old, path)


def _partial(path: Path) -> Path:
    return path.with_name(f".partial-{path.name}")


def _replaced(path: Path) -> Path:
    return path.with_name(f".replaced-{path.name}")


@contextlib.contextmanager
def _own_sibling(path: Path) -> Iterator[Path]:
    """A sibling of this process's own, locked as long as it lives; those of dead processes are removed."""
    for left in path.parent.glob(f".partial-{'[0-9a-f]' * 32}-{glob.escape(path.name)}"):
        with contextlib.suppress(OSError), left.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
    own = path.with_name(f".partial-{uuid.uuid4().hex}-{path.name}")
    with own.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield own


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Makes errors of the disk, whichever library noticed, errors of the system that name `path`."""
    try:
        yield
    except Exception as error:
        number = disk_error(error)
        if number is None or getattr(error, "filename", None) is not None:
            raise
        raise OSError(number, os.strerror(number), os.fspath(path)) from error


def _replace(partial: Path, path: Path) -> None:
    """Moves `partial` to `path`; an old directory, which no system call overwrites, steps aside first."""
    if not path.is_dir():
        os.replace(partial, path)
        return
    rule = "a file cannot take the place of a folder"
    check(rule, partial.is_dir(), "Choose another name.", path=str(path))
    old = _replaced(path)
    _remove(old)
    os.replace(path, old)
    try:
        os.replace(partial, path)
    except OSError:
        os.replace(old, path)
        raise
    _remove(old)


def _flush(path: Path) -> None:
    """Forces a file, or all files below a directory, to disk."""
    for inner in path.rglob("*") if path.is_dir() else ():
        _flush_one(inner)
    _flush_one(path)


def _flush_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_json(path: Path | str, value: Any) -> None:
    """Writes `value` as indented JSON, whole or not at all."""
    with atomic_path(path) as partial:
        partial.write_text(json_text(value, indent=2) + "\n", encoding="utf-8")


def json_text(value: Any, indent: int | None = None) -> str:
    """`value` as strict JSON: NumPy values become plain, NaN and infinities ``null``, paths text."""
    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
