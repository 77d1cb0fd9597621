"""Arrays in files: rows that arrive batch by batch, so that memory does not grow with their number."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tf_medsynth import runtime
from tf_medsynth.config.base import check

_REMEDY = "Set TMPDIR to a folder of a disk with room."


def stacked(batches: Iterable[Mapping[str, ArrayLike]]) -> dict[str, NDArray[Any]]:
    """All rows of `batches`, an array a name.

    Rows of numbers of one axis or more are read from a file without a name in the folder for temporary
    files, read-only; it goes with its array, also when the process is killed. The system keeps of it in
    memory what there is room for. Text and single numbers are held in memory.

    Args:
        batches: `(b, ...)` arrays by name; b may differ by name, and may be 0.

    Raises:
        MedSynthError: no batch, rows of several shapes or types under one name, no room.
    """
    columns: dict[str, _Column] = {}
    with contextlib.ExitStack() as files:
        for batch in batches:
            for name, values in batch.items():
                rows = np.ascontiguousarray(values)
                if name not in columns:
                    columns[name] = _Column(name, rows, files)
                columns[name].add(rows)
        check("there must be something to stack", bool(columns), batches=0)
        return {name: column.array() for name, column in columns.items()}


def mapped_array(path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """A new ``.npy`` file of zeros, mapped for writing; its room on the disk is there already.

    Raises:
        OSError: there is no room. A page without room would end the process by a signal.
    """
    array = np.lib.format.open_memmap(path, "w+", dtype, shape)
    with path.open("rb+") as file:
        runtime.reserve(file, path.stat().st_size)
    return array


class _Column:
    """The rows of one name: in a file, or in a list where they are text or single numbers."""

    def __init__(self, name: str, first: NDArray[Any], files: contextlib.ExitStack) -> None:
        self.name, self.kind, self.count = name, (first.dtype, first.shape[1:]), 0
        self.parts: list[NDArray[Any]] = []
        self.file: IO[bytes] | None = None
        if first.ndim > 1 and first.dtype.kind in "biuf":
            self.file = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115

    def add(self, rows: NDArray[Any]) -> None:
        if self.file is None:
            self.parts.append(rows)
            return
        kind = (rows.dtype, rows.shape[1:])
        check(
            "all rows under a name have one type and shape",
            kind == self.kind,
            name=self.name,
            rows=kind,
            wanted=self.kind,
        )
        with runtime.disk_errors(tempfile.gettempdir(), _REMEDY):
            self.file.write(rows.data)
        self.count += len(rows)

    def array(self) -> NDArray[Any]:
        if self.file is None:
            return np.concatenate(self.parts)
        dtype, shape = self.kind
        if not self.count:
            return np.empty((0, *shape), dtype)
        with runtime.disk_errors(tempfile.gettempdir(), _REMEDY):
            self.file.flush()
            return np.memmap(self.file, dtype, "r", shape=(self.count, *shape))
