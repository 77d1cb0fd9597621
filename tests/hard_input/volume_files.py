"""Makers of bad volume files, and of patients' folders with something odd in them.

Each replaces a file of the first patient; the doctor tells of it and goes on, `prepare` refuses.
"""

from __future__ import annotations

import functools
import gzip
import math
import os
import shutil
import socket
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.hard_input.bases import SHAPE
from tests.hard_input.case import Case

Make = Callable[[Path, Path], object]

T1, SEG = "P0000_t1.nii.gz", "P0000_seg.nii.gz"
VOXELS = math.prod(SHAPE)
BOMB = 256 << 20
NAN, INF = math.nan, math.inf


def patient(here: Path, base: Path) -> Path:
    """A sound patient in the case's folder ``p``."""
    return Path(shutil.copytree(base / "patients" / "P0000", here / "p" / "P0000"))


def in_place(content: bytes, name: str = T1) -> Make:
    """A file of these bytes."""

    def make(here: Path, base: Path) -> None:
        (patient(here, base) / name).write_bytes(content)

    return make


def changed(change: Callable[[bytes], bytes], victim: str = T1) -> Make:
    """The bytes of a file, as they lie on the disk, after `change`."""

    def make(here: Path, base: Path) -> None:
        path = patient(here, base) / victim
        path.write_bytes(change(path.read_bytes()))

    return make


def inside(change: Callable[[bytes], bytes], victim: str = T1) -> Make:
    """The unpacked bytes of a file after `change`."""
    return changed(lambda content: gzip.compress(change(gzip.decompress(content)), 1), victim)


def field(offset: int, form: str, *values: float | bytes, victim: str = T1) -> Make:
    """A NIfTI header with `values` at `offset`."""

    def change(content: bytes) -> bytes:
        spoilt = bytearray(content)
        struct.pack_into("<" + form, spoilt, offset, *values)
        return bytes(spoilt)

    return inside(change, victim)


def typed(code: int, bits: int, voxels: bytes, victim: str = T1) -> Make:
    """A NIfTI file of another data type, whole."""

    def change(content: bytes) -> bytes:
        spoilt = bytearray(content[:352])
        struct.pack_into("<hh", spoilt, 70, code, bits)
        return bytes(spoilt) + voxels

    return inside(change, victim)


def unplaced(*spacing: float) -> Make:
    """No sform, a qform, and these steps between voxels."""

    def change(content: bytes) -> bytes:
        spoilt = bytearray(content)
        struct.pack_into("<hh", spoilt, 252, 1, 0)
        struct.pack_into("<3f", spoilt, 80, *spacing)
        return bytes(spoilt)

    return inside(change)


def quaternion(content: bytes) -> bytes:
    """A qform of a quaternion that is no rotation, and no sform."""
    spoilt = bytearray(content)
    struct.pack_into("<hh3f", spoilt, 252, 1, 0, 1.0, 1.0, 1.0)
    return bytes(spoilt)


def two_places(content: bytes) -> bytes:
    """A sform that lies elsewhere than the qform."""
    spoilt = bytearray(content)
    struct.pack_into("<h", spoilt, 252, 1)
    struct.pack_into("<f", spoilt, 292, 40.0)
    return bytes(spoilt)


def voxels_of(base: Path) -> bytes:
    """Those of the sound T1."""
    return gzip.decompress((base / "patients" / "P0000" / T1).read_bytes())[352:]


META = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "CompressedData": "True",
    "CompressedDataSize": "",
    "TransformMatrix": "1 0 0 0 1 0 0 0 1",
    "Offset": "0 0 0",
    "ElementSpacing": "1 1 1",
    "DimSize": "24 24 20",
    "ElementType": "MET_SHORT",
    "ElementDataFile": "LOCAL",
}


def meta(
    body: Callable[[bytes], bytes] = lambda voxels: zlib.compress(voxels, 1),
    suffix: str = ".mha",
    drop: tuple[str, ...] = (),
    end: bytes = b"",
    **changes: str,
) -> Make:
    """T1 as a MetaImage file with these fields; `end` follows the header and the voxels' lines."""

    def make(here: Path, base: Path) -> None:
        path = patient(here, base) / T1
        path.unlink()
        packed = body(voxels_of(base))
        last = {"ElementDataFile": changes.get("ElementDataFile", META["ElementDataFile"])}
        fields = {**META, "CompressedDataSize": str(len(packed)), **changes}
        lines = {key: value for key, value in fields.items() if key not in (*drop, *last)} | last
        head = "".join(f"{key} = {value}\n" for key, value in lines.items()).encode()
        path.with_name("P0000_t1" + suffix).write_bytes(head + (end or packed))

    return make


def plain(content: bytes) -> bytes:
    """As it is."""
    return content


RAW = {"CompressedData": "False", "body": plain, "drop": ("CompressedDataSize",)}

NRRD = {
    "type": "short",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "24 24 20",
    "space directions": "(1,0,0) (0,1,0) (0,0,1)",
    "kinds": "domain domain domain",
    "endian": "little",
    "encoding": "gzip",
    "space origin": "(0,0,0)",
}


def nrrd(
    changes: Mapping[str, str | None] | None = None,
    body: Callable[[bytes], bytes] = lambda voxels: gzip.compress(voxels, 1),
    magic: str = "NRRD0004",
    suffix: str = ".nrrd",
) -> Make:
    """T1 as an NRRD file with these fields; None drops one."""

    def make(here: Path, base: Path) -> None:
        path = patient(here, base) / T1
        path.unlink()
        fields = {key: value for key, value in {**NRRD, **(changes or {})}.items() if value is not None}
        head = magic + "\n" + "".join(f"{key}: {value}\n" for key, value in fields.items()) + "\n"
        path.with_name("P0000_t1" + suffix).write_bytes(head.encode() + body(voxels_of(base)))

    return make


@functools.cache
def zeros() -> bytes:
    """Packed: a deflated stream of 1 MiB of zeros, without its end, that may stand behind itself."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)


def bomb(window: int) -> Callable[[bytes], bytes]:
    """`content` and `BOMB` zeros behind it, in one stream of zlib (15) or gzip (31), without a checksum."""

    def pack(content: bytes) -> bytes:
        packer = zlib.compressobj(1, zlib.DEFLATED, window)
        return packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH) + zeros() * (BOMB >> 20)

    return pack


def gzip_members(content: bytes) -> bytes:
    """A gzip file and `BOMB` zeros behind it, in streams of their own."""
    return content + gzip.compress(bytes(1 << 20), 9) * (BOMB >> 20)


def odd(kind: str, name: str = T1) -> Make:
    """Something in the place of a file that is none."""

    def make(here: Path, base: Path) -> None:
        path = patient(here, base) / name
        path.unlink(missing_ok=True)
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "socket":
            before = os.getcwd()
            os.chdir(path.parent)  # the name of a socket is at most 107 bytes long
            try:
                socket.socket(socket.AF_UNIX).bind(path.name)
            finally:
                os.chdir(before)
        else:
            path.symlink_to({"itself": str(path)}.get(kind, kind))

    return make


def renamed(old: str, new: bytes) -> Make:
    """A patient, of whom what is called `old` below the folder has a name of other bytes."""

    def make(here: Path, base: Path) -> None:
        patient(here, base)
        path = here / "p" / old
        path.rename(path.with_name(os.fsdecode(new)))

    return make


def pair(here: Path, base: Path) -> None:
    """T1 as an ``.hdr`` and an ``.img`` file."""
    path = patient(here, base) / T1
    content = gzip.decompress(path.read_bytes())
    path.unlink()
    path.with_name("P0000_t1.hdr").write_bytes(content[:344] + b"ni1\0")
    path.with_name("P0000_t1.img").write_bytes(content[352:])


def outside(here: Path, base: Path) -> None:
    """A .mhd whose voxels are the right number of bytes, in another patient's folder."""
    meta(suffix=".mhd", ElementDataFile="../Q/t1.raw", end=b" ", **RAW)(here, base)  # type: ignore[arg-type]
    (here / "p" / "Q").mkdir()
    (here / "p" / "Q" / "t1.raw").write_bytes(voxels_of(base))


DOCTOR = ("doctor", "{here}/p", "--json")
PREPARE = (
    *("prepare", "brats/slices_64", "--manual-dir", "{here}/p", "--data-dir", "{here}/o"),
    *("--set", "test_fraction=0", "validation_fraction=0"),
)


def both(
    kind: str, table: Mapping[str, tuple[str, Make]], every: int = 6, mebibytes: int = 512
) -> list[Case]:
    """Each of a table by the doctor; by `prepare`, which reads through the same code, one of `every`."""
    cases = []
    for number, (name, (rule, make)) in enumerate(table.items()):
        cases.append(Case(f"doctor: {kind}: {name}", DOCTOR, rule, make, mebibytes=mebibytes))
        if number % every == 0:
            cases.append(Case(f"prepare: {kind}: {name}", PREPARE, rule, make, mebibytes=mebibytes))
    return cases
