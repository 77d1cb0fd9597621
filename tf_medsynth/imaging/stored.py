"""What a volume file's header says, checked, and the bytes of its voxels: as many as that, no more, no fewer.

Headers are read here and not by a library in C: of a damaged one such libraries return what happens to lie
in memory, or end the process.
"""

from __future__ import annotations

import dataclasses
import math
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import check

MOST_BYTES = 1 << 30
"""Of a volume in memory; a head of 512 x 512 x 400 voxels as 64-bit floats takes 0.8 of it."""

DENSEST = 1032
"""Bytes that one byte of a zlib stream unpacks to at most."""

LEAST_VOLUME = 1e-3
"""Of the cell that three unit vectors along a volume's axes span: less is no space, but a damaged header."""

SPACINGS = (1e-6, 1e6)
"""Millimetres between voxels that any scanner or microscope could mean."""

FARTHEST = 1e9
"""Millimetres from the origin; what lies beyond has lost its last digits."""

_CHUNK = 1 << 18
_UNIT_LENGTH = 1e-2


@dataclasses.dataclass(frozen=True, eq=False)
class Stored:
    """Where and how a file keeps its voxels; geometry as of `volumes.Header`.

    Attributes:
        path: of the file, for messages.
        shape: of the array in the file, last axis fastest: (z, y, x), more in front of them.
        dtype: as stored, with the order of the bytes.
        source: file of the voxels.
        start: position in it where the content begins, which may be compressed.
        skip: bytes of the content in front of the voxels.
        packed: whether the content is compressed, by zlib or gzip.
        slope: the stored numbers are multiplied by it; then `intercept` is added.
        doubts: what contradicts itself in the header and does no harm; whole sentences without a full stop.

    Raises:
        MedSynthError, ValueError: geometry that is none, more than `MOST_BYTES`.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]
    placed: bool
    source: Path
    start: int
    skip: int = 0
    packed: bool = False
    slope: float = 1.0
    intercept: float = 0.0
    doubts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check(
            "a volume has voxels", min(self.shape, default=0) > 0, path=str(self.path), shape=self.shape[::-1]
        )
        low, high = SPACINGS
        if len(self.spacing) != 3 or not all(low < v < high for v in self.spacing):  # NaN is in no range
            raise ValueError(f"its spacing is {_plain(self.spacing)}, not three positive lengths")
        if len(self.origin) != 3 or not all(abs(v) < FARTHEST for v in self.origin):
            raise ValueError(f"its origin is {_plain(self.origin)}, not a place")
        axes = np.reshape(self.direction, (3, 3)).T
        if not np.isfinite(axes).all() or abs(np.linalg.det(axes)) < LEAST_VOLUME:
            raise ValueError("its axes hold NaN or span no space")
        if np.abs(np.linalg.norm(axes, axis=1) - 1).max() > _UNIT_LENGTH:
            raise ValueError("its axes are no unit vectors")
        a_voxel = max(self.dtype.itemsize, self.value_type.itemsize)
        size = self.skip + math.prod(self.shape) * a_voxel
        check(
            f"a volume takes at most {MOST_BYTES >> 20} MiB of memory",
            size <= MOST_BYTES,
            "Resample it, or mend its header.",
            path=str(self.path),
            shape=self.shape[::-1],
            dtype=self.value_type.name,
        )

    @property
    def value_type(self) -> np.dtype[Any]:
        """Of the array that `voxels` returns."""
        return np.dtype(np.float64) if self._scaled else self.dtype.newbyteorder("=")

    @property
    def _scaled(self) -> bool:
        return (self.slope, self.intercept) != (1.0, 0.0)

    def voxels(self, channel: int | None = None) -> NDArray[Any]:
        """The `(z, y, x)` voxels, C-contiguous, native and writable.

        Args:
            channel: which of several volumes, from 0; None where there is one.

        Raises:
            ValueError: the file holds more or fewer bytes than its header says, or damaged ones.
        """
        size = self.skip + math.prod(self.shape) * self.dtype.itemsize
        read = _unpacked if self.packed else _plain_bytes
        content = read(self.source, self.start, size)[self.skip :]
        volumes = content.view(self.dtype).reshape(-1, *self.shape[-3:])
        # a copy, or the other volumes would stay in memory with it
        array = volumes[0] if channel is None else volumes[channel].copy()
        if self._scaled:
            with np.errstate(over="ignore"):  # what overflows is told as infinite
                array = array * np.float64(self.slope) + np.float64(self.intercept)
        return np.require(array, self.value_type, ["C", "A", "W"])


def check_kind(path: Path, real: bool, dtype: str) -> None:
    """Raises unless the voxels are single `real` numbers.

    Raises:
        MedSynthError: colours, complex values, vectors, or numbers wider than 64 bits.
    """
    check(
        "a volume has one real number of up to 64 bits a voxel",
        real,
        "Colours and complex values are no intensities: export the scan itself.",
        path=str(path),
        dtype=dtype,
    )


def numbers(text: str, count: int, name: str) -> tuple[float, ...]:
    """`count` numbers in `text`; whether they make sense is `Stored`'s to say."""
    try:
        found = tuple(float(word) for word in text.split())
    except ValueError:
        found = ()
    if len(found) != count:
        raise ValueError(f"{name} is {text[:60]!r}, not {count} numbers")
    return found


def sizes(text: str, path: Path) -> tuple[int, ...]:
    """Three sizes in `text`, as written: along x, y and z."""
    words = text.split()
    shape = tuple(int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 10)
    right = len(words) == len(shape) == 3
    check("a volume has three axes", right, "Split the file first.", path=str(path), shape=text[:60])
    return shape


def first_bytes(path: Path, count: int, packed: bool) -> bytes:
    """The first bytes of a file's content, at most `count`."""
    with path.open("rb") as file:
        if not packed:
            return file.read(count)
        found = b""
        for piece in _pieces(file, count):
            found += piece
            if len(found) >= count:
                break
    return found[:count]


def _plain_bytes(source: Path, start: int, size: int) -> NDArray[np.uint8]:
    found = source.stat().st_size - start
    if found != size:
        raise ValueError(f"it holds {max(found, 0)} bytes of voxels, its header says {size}")
    content: NDArray[np.uint8] = np.fromfile(source, np.uint8, count=size, offset=start)
    if content.size != size:
        raise ValueError("it changes while it is read")
    return content


def _unpacked(source: Path, start: int, size: int) -> NDArray[np.uint8]:
    """Exactly `size` bytes, the checksum of their stream verified; at most a chunk beyond is unpacked."""
    packed = source.stat().st_size - start
    if size > DENSEST * max(packed, 0):
        raise ValueError(f"{max(packed, 0)} bytes cannot unpack to the {size} that its header says")
    content = np.empty(size, np.uint8)
    room, done = memoryview(content.data), 0
    with source.open("rb") as file:
        file.seek(start)
        for piece in _pieces(file, 4 * _CHUNK):
            if done + len(piece) > size:
                raise ValueError(f"it unpacks to more than the {size} bytes that its header says")
            room[done : done + len(piece)] = piece
            done += len(piece)
    if done != size:
        raise ValueError(f"it unpacks to {done} bytes, its header says {size}")
    return content


def _pieces(file: BinaryIO, most: int) -> Iterator[bytes]:
    """What a zlib stream, or gzip members one behind the other, unpack to, `most` bytes at a time."""
    data = file.read(_CHUNK)
    while True:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
        while not unpacker.eof:
            data = data or file.read(_CHUNK)
            piece = unpacker.decompress(data, most)
            if not (data or piece):
                raise ValueError("its compressed content ends too early")
            yield piece
            data = unpacker.unconsumed_tail
        data = unpacker.unused_data or file.read(_CHUNK)
        while data and not data.strip(b"\0"):  # zeros behind the end are padding
            data = file.read(_CHUNK)
        if not data:
            return
        if data[:1] != b"\x1f":
            raise ValueError("other bytes follow its compressed content")


def check_regular(path: Path, rule: str) -> None:
    """Raises unless `path`, links resolved, is a file on a disk: no folder, pipe, socket or device."""
    check(rule, path.is_file(), path=os.fspath(path))


def _plain(values: Sequence[float]) -> list[float]:
    return [float(value) for value in values]
