"""Files with a volume's name that hold no such volume, by their bytes, and names that no file should have.

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


def _patient(here: Path, base: Path) -> Path:
    return Path(shutil.copytree(base / "patients" / "P0000", here / "p" / "P0000"))


def _in_place(content: bytes, name: str = T1) -> Make:
    def make(here: Path, base: Path) -> None:
        (_patient(here, base) / name).write_bytes(content)

    return make


def _changed(change: Callable[[bytes], bytes], victim: str = T1) -> Make:
    """The bytes of a file, as they lie on the disk, after `change`."""

    def make(here: Path, base: Path) -> None:
        path = _patient(here, base) / victim
        path.write_bytes(change(path.read_bytes()))

    return make


def _inside(change: Callable[[bytes], bytes], victim: str = T1) -> Make:
    """The unpacked bytes of a file after `change`."""
    return _changed(lambda content: gzip.compress(change(gzip.decompress(content)), 1), victim)


def _field(offset: int, form: str, *values: float | bytes, victim: str = T1) -> Make:
    """A NIfTI header with `values` at `offset`."""

    def change(content: bytes) -> bytes:
        spoilt = bytearray(content)
        struct.pack_into("<" + form, spoilt, offset, *values)
        return bytes(spoilt)

    return _inside(change, victim)


def _typed(code: int, bits: int, voxels: bytes, victim: str = T1) -> Make:
    """A NIfTI file of another data type, whole."""

    def change(content: bytes) -> bytes:
        spoilt = bytearray(content[:352])
        struct.pack_into("<hh", spoilt, 70, code, bits)
        return bytes(spoilt) + voxels

    return _inside(change, victim)


def _unplaced(*spacing: float) -> Make:
    """No sform, a qform, and these steps between voxels."""

    def change(content: bytes) -> bytes:
        spoilt = bytearray(content)
        struct.pack_into("<hh", spoilt, 252, 1, 0)
        struct.pack_into("<3f", spoilt, 80, *spacing)
        return bytes(spoilt)

    return _inside(change)


def _quaternion(content: bytes) -> bytes:
    spoilt = bytearray(content)
    struct.pack_into("<hh3f", spoilt, 252, 1, 0, 1.0, 1.0, 1.0)
    return bytes(spoilt)


def _two_places(content: bytes) -> bytes:
    """A sform that lies elsewhere than the qform."""
    spoilt = bytearray(content)
    struct.pack_into("<h", spoilt, 252, 1)
    struct.pack_into("<f", spoilt, 292, 40.0)
    return bytes(spoilt)


def _voxels(base: Path) -> bytes:
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


def _meta(
    body: Callable[[bytes], bytes] = lambda voxels: zlib.compress(voxels, 1),
    suffix: str = ".mha",
    drop: tuple[str, ...] = (),
    end: bytes = b"",
    **changes: str,
) -> Make:
    """T1 as a MetaImage file with these fields; `end` follows the header and the voxels' lines."""

    def make(here: Path, base: Path) -> None:
        path = _patient(here, base) / T1
        path.unlink()
        packed = body(_voxels(base))
        last = {"ElementDataFile": changes.get("ElementDataFile", META["ElementDataFile"])}
        fields = {**META, "CompressedDataSize": str(len(packed)), **changes}
        lines = {key: value for key, value in fields.items() if key not in (*drop, *last)} | last
        head = "".join(f"{key} = {value}\n" for key, value in lines.items()).encode()
        path.with_name("P0000_t1" + suffix).write_bytes(head + (end or packed))

    return make


def _plain(content: bytes) -> bytes:
    return content


RAW = {"CompressedData": "False", "body": _plain, "drop": ("CompressedDataSize",)}

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


def _nrrd(
    changes: Mapping[str, str | None] | None = None,
    body: Callable[[bytes], bytes] = lambda voxels: gzip.compress(voxels, 1),
    magic: str = "NRRD0004",
    suffix: str = ".nrrd",
) -> Make:
    """T1 as an NRRD file with these fields; None drops one."""

    def make(here: Path, base: Path) -> None:
        path = _patient(here, base) / T1
        path.unlink()
        fields = {key: value for key, value in {**NRRD, **(changes or {})}.items() if value is not None}
        head = magic + "\n" + "".join(f"{key}: {value}\n" for key, value in fields.items()) + "\n"
        path.with_name("P0000_t1" + suffix).write_bytes(head.encode() + body(_voxels(base)))

    return make


@functools.cache
def _zeros() -> bytes:
    """Packed: a deflated stream of 1 MiB of zeros, without its end, that may stand behind itself."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)


def _bomb(window: int) -> Callable[[bytes], bytes]:
    """`content` and `BOMB` zeros behind it, in one stream of zlib (15) or gzip (31), without a checksum."""

    def pack(content: bytes) -> bytes:
        packer = zlib.compressobj(1, zlib.DEFLATED, window)
        return packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH) + _zeros() * (BOMB >> 20)

    return pack


def _gzip_members(content: bytes) -> bytes:
    return content + gzip.compress(bytes(1 << 20), 9) * (BOMB >> 20)


def _odd(kind: str, name: str = T1) -> Make:
    """Something in the place of a file that is none."""

    def make(here: Path, base: Path) -> None:
        path = _patient(here, base) / name
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


def _renamed(old: str, new: bytes) -> Make:
    """A patient, of whom what is called `old` below the folder has a name of other bytes."""

    def make(here: Path, base: Path) -> None:
        _patient(here, base)
        path = here / "p" / old
        path.rename(path.with_name(os.fsdecode(new)))

    return make


def _pair(here: Path, base: Path) -> None:
    path = _patient(here, base) / T1
    content = gzip.decompress(path.read_bytes())
    path.unlink()
    path.with_name("P0000_t1.hdr").write_bytes(content[:344] + b"ni1\0")
    path.with_name("P0000_t1.img").write_bytes(content[352:])


def _outside(here: Path, base: Path) -> None:
    """A .mhd whose voxels are the right number of bytes, in another patient's folder."""
    _meta(suffix=".mhd", ElementDataFile="../Q/t1.raw", end=b" ", **RAW)(here, base)  # type: ignore[arg-type]
    (here / "p" / "Q").mkdir()
    (here / "p" / "Q" / "t1.raw").write_bytes(_voxels(base))


NIFTI: dict[str, tuple[str, Make]] = {
    "empty": ("not compressed", _in_place(b"")),
    "one byte": ("not compressed", _in_place(b"\x1f")),
    "text": ("not compressed", _in_place(b"hello, I am text\n" * 100)),
    "a zip": ("not compressed", _in_place(b"PK\3\4" + bytes(3000))),
    "text, compressed": ("no whole NIfTI header", _in_place(gzip.compress(b"x" * 5000))),
    "nothing, compressed": ("no whole NIfTI header", _in_place(gzip.compress(b""))),
    "cut in the middle": ("ends too early", _changed(lambda b: b[: len(b) // 2])),
    "cut before its checksum": ("ends too early", _changed(lambda b: b[:-6])),
    "a bit flipped": ("must be whole", _changed(lambda b: b[:900] + bytes([b[900] ^ 4]) + b[901:])),
    "a wrong checksum": ("incorrect data check", _changed(lambda b: b[:-8] + b"abcd" + b[-4:])),
    "bytes behind its end": ("follow its compressed content", _changed(lambda b: b + b"more")),
    "not compressed": ("rename it to end in .nii", _changed(gzip.decompress)),
    "compressed, called .nii": (
        "rename it to end in .nii.gz",
        lambda here, base: (_patient(here, base) / T1).rename(here / "p/P0000/P0000_t1.nii"),
    ),
    "a third of a header": ("no whole NIfTI header", _inside(lambda b: b[:120])),
    "no voxels": ("it unpacks to 352 bytes", _inside(lambda b: b[:352])),
    "a voxel too few": ("its header says 23392", _inside(lambda b: b[:-2])),
    "a voxel too many": ("more than the 23392 bytes", _inside(lambda b: b + b"\0\0")),
    "header of 12345 bytes": ("no whole NIfTI header", _field(0, "i", 12345)),
    "mark of a pair": ("of an .img file", _field(344, "4s", b"ni1\0")),
    "mark of nothing": ("mark of NIfTI", _field(344, "4s", b"xxxx")),
    "no axes": ("says 0 axes", _field(40, "h", 0)),
    "eight axes": ("says 8 axes", _field(40, "h", 8)),
    "axes below 0": ("says -3 axes", _field(40, "h", -3)),
    "two axes": ("has three axes", _field(40, "hhhh", 2, 24, 480, 1)),
    "four axes": ("has three axes", _field(40, "hhhhh", 4, 24, 24, 10, 2)),
    "an axis of 0": ("0, 24, 20. voxels", _field(42, "h", 0)),
    "an axis below 0": ("-5, 24, 20. voxels", _field(42, "h", -5)),
    "a row less": ("more than the .* bytes", _field(44, "h", 23)),
    "a row more": ("it unpacks to 23392 bytes", _field(44, "h", 25)),
    "axes of 32767": ("at most 1024 MiB", _field(42, "hhh", 32767, 32767, 32767)),
    "1.3 GB, says a header of 30 KB": ("at most 1024 MiB", _field(42, "hhh", 1200, 1200, 480)),
    "700 MB, says a header of 30 KB": ("cannot unpack", _field(42, "hhh", 1200, 1200, 250)),
    "data type 0": ("data type is 0", _field(70, "h", 0)),
    "data type 999": ("data type is 999", _field(70, "h", 999)),
    "single bits": ("one real number", _typed(1, 1, bytes(VOXELS // 8))),
    "complex64": ("one real number.*complex", _typed(32, 64, bytes(8 * VOXELS))),
    "complex128": ("one real number.*complex", _typed(1792, 128, bytes(16 * VOXELS))),
    "RGB": ("one real number.*RGB", _typed(128, 24, bytes(3 * VOXELS))),
    "RGBA": ("one real number.*RGB", _typed(2304, 32, bytes(4 * VOXELS))),
    "float128": ("one real number.*float128", _typed(1536, 128, bytes(16 * VOXELS))),
    "bitpix lies": ("bitpix is 1", _field(72, "h", 1)),
    "type lies": ("it unpacks to 23392", _field(70, "hh", 16, 32)),
    "voxels at 1e9": ("cannot unpack|at most", _field(108, "f", 1e9)),
    "voxels at 200 MB": ("cannot unpack", _field(108, "f", 2e8)),
    "voxels at -1000": ("begin at byte -1000", _field(108, "f", -1000.0)),
    "voxels in the header": ("begin at byte 100", _field(108, "f", 100.0)),
    "voxels between bytes": ("begin at byte 352.5", _field(108, "f", 352.5)),
    "voxels at NaN": ("begin at byte nan", _field(108, "f", NAN)),
    "slope NaN": ("slope is nan", _field(112, "ff", NAN, 1.0)),
    "slope infinite": ("slope is inf", _field(112, "ff", INF, 0.0)),
    "intercept NaN": ("intercept nan", _field(112, "ff", 1.0, NAN)),
    "intercept infinite": ("intercept -inf", _field(112, "ff", 2.0, -INF)),
    "spacing NaN": ("spacing is .nan", _field(80, "f", NAN)),
    "spacing infinite": ("spacing is .inf", _field(80, "f", INF)),
    "spacing 0": ("positive lengths", _unplaced(1, 0, 1)),
    "spacing below 0": ("positive lengths", _unplaced(1, -1, 1)),
    "spacing 1e30": ("positive lengths", _field(280, "f", 1e30)),
    "sform NaN": ("affine holds NaN", _field(280, "4f", NAN, NAN, NAN, NAN)),
    "sform 0": ("spans no space", _field(280, "12f", *[0.0] * 12)),
    "sform in a plane": ("span no space", _field(280, "8f", *[1.0, 1, 1, 0] * 2)),
    "origin infinite": ("affine holds NaN|not a place", _field(292, "f", INF)),
    "sform of no kind": ("sform_code is 77", _field(254, "h", 77)),
    "qform of no kind": ("qform_code is -2", _field(252, "h", -2)),
    "no rotation": ("must be whole", _inside(_quaternion)),
    "NaN voxels": ("NaN or infinite", _typed(16, 32, struct.pack("<f", NAN) * VOXELS)),
    "infinite by its slope": ("NaN or infinite", _typed(64, 64, struct.pack("<d", INF) * VOXELS)),
    "5 everywhere": ("everywhere", _typed(2, 8, bytes([5]) * VOXELS)),
    "below 0 everywhere": ("no value above 0", _typed(4, 16, struct.pack("<hh", -5, -9) * (VOXELS // 2))),
    "label complex": ("one real number", _typed(32, 64, bytes(8 * VOXELS), SEG)),
    "label RGB": ("one real number", _typed(128, 24, bytes(3 * VOXELS), SEG)),
    "label NaN": ("whole numbers", _typed(16, 32, struct.pack("<f", NAN) * VOXELS, SEG)),
    "label of fractions": ("whole numbers", _typed(16, 32, struct.pack("<f", 1.4) * VOXELS, SEG)),
    "label below 0": ("codes", _typed(4, 16, struct.pack("<hh", -1, 0) * (VOXELS // 2), SEG)),
    "label of 1e300": ("codes|whole", _typed(64, 64, struct.pack("<d", 1e300) * VOXELS, SEG)),
    "label of 2**63": ("codes|whole", _typed(1280, 64, struct.pack("<Q", 2**63) * VOXELS, SEG)),
}

METAIMAGE: dict[str, tuple[str, Make]] = {
    "size says 10": ("CompressedDataSize says 10", _meta(CompressedDataSize="10")),
    "size says 0": ("CompressedDataSize says 0", _meta(CompressedDataSize="0")),
    "size says 999999999": ("CompressedDataSize says 9", _meta(CompressedDataSize="999999999")),
    "size says -1": ("CompressedDataSize says -1", _meta(CompressedDataSize="-1")),
    "size says many": ("whole numbers", _meta(CompressedDataSize="many")),
    "size, a bit flipped": (
        "must be CompressedDataSize",
        _meta(drop=("CompressedDataSize",), CompresredDataSize="9"),
    ),
    "packed, says it is not": ("bytes of voxels, its header says", _meta(CompressedData="False")),
    "not packed, says it is": ("must be whole", _meta(body=_plain)),
    "packed, says maybe": ("not True or False", _meta(CompressedData="maybe")),
    "packed, cut": ("ends too early", _meta(lambda b: zlib.compress(b)[:-40])),
    "packed, a voxel less": ("its header says 23040", _meta(lambda b: zlib.compress(b[:-2]))),
    "packed, a voxel more": ("more than the 23040", _meta(lambda b: zlib.compress(b + b"ab"))),
    "packed, bytes behind": ("follow its compressed", _meta(lambda b: zlib.compress(b) + b"ab")),
    "packed, a wrong checksum": ("must be whole", _meta(lambda b: zlib.compress(b)[:-4] + b"abcd")),
    "raw, a voxel less": ("holds 23038 bytes", _meta(**RAW | {"body": lambda b: b[:-2]})),  # type: ignore
    "raw, a voxel more": ("holds 23042 bytes", _meta(**RAW | {"body": lambda b: b + b"ab"})),  # type: ignore
    "HeaderSize 100": ("HeaderSize is 100", _meta(HeaderSize="100")),
    "HeaderSize far": ("HeaderSize is", _meta(HeaderSize="99999999", **RAW)),  # type: ignore[arg-type]
    "NDims 2": ("three axes", _meta(NDims="2")),
    "NDims 99": ("three axes", _meta(NDims="99")),
    "NDims 1e9": ("three axes", _meta(NDims="1000000000")),
    "no NDims": ("three axes", _meta(drop=("NDims",))),
    "four axes": ("three axes", _meta(NDims="4", DimSize="24 24 10 2")),
    "sizes of letters": ("three axes", _meta(DimSize="a b c")),
    "sizes of 0": ("has voxels", _meta(DimSize="0 24 20")),
    "sizes below 0": ("three axes", _meta(DimSize="-24 -24 20")),
    "sizes of 32768": ("at most 1024 MiB", _meta(DimSize="32768 32768 32768")),
    "sizes beyond 64 bits": ("at most 1024 MiB", _meta(DimSize="2097152 2097152 4194304")),
    "a row less": ("more than the", _meta(DimSize="24 23 20")),
    "type of no kind": ("one real number.*MET_FOO", _meta(ElementType="MET_FOO")),
    "type of text": ("one real number", _meta(ElementType="MET_STRING")),
    "type of arrays": ("one real number", _meta(ElementType="MET_SHORT_ARRAY")),
    "type too wide": ("its header says", _meta(ElementType="MET_DOUBLE")),
    "three channels": ("one value a voxel", _meta(ElementNumberOfChannels="3")),
    "digits, not bytes": ("in binary", _meta(BinaryData="False")),
    "two orders of bytes": ("two orders", _meta(ElementByteOrderMSB="True")),
    "spacing NaN": ("positive lengths", _meta(ElementSpacing="nan nan nan")),
    "spacing 0": ("positive lengths", _meta(ElementSpacing="0 0 0")),
    "spacing below 0": ("positive lengths", _meta(ElementSpacing="1 1 -1")),
    "spacing infinite": ("positive lengths", _meta(ElementSpacing="1 inf 1")),
    "spacing of two": ("not 3 numbers", _meta(ElementSpacing="1 1")),
    "spacing of letters": ("not 3 numbers", _meta(ElementSpacing="1 1 mm")),
    "origin infinite": ("not a place", _meta(Offset="inf 0 0")),
    "axes of 0": ("no space", _meta(TransformMatrix="0 0 0 0 0 0 0 0 0")),
    "axes NaN": ("no space", _meta(TransformMatrix="1 0 0 0 nan 0 0 0 1")),
    "axes too long": ("unit vectors", _meta(TransformMatrix="2 0 0 0 1 0 0 0 1")),
    "axes, a bit flipped": ("must be TransformMatrix", _meta(TransformMatsix="1 0 0 0 1 0 0 0 1")),
    "a tube": ("holds an image", _meta(ObjectType="Tube")),
    "no header": ("whole MetaImage header", _meta(ObjectType="\0" * 99)),
    "not one line": ("whole MetaImage header", _meta(Comment="\n" + "A" * 99)),
    "a line without end": ("whole MetaImage header", _meta(Comment="A" * 70000)),
    "voxels in /etc/passwd": ("file of its own folder", _meta(ElementDataFile="/etc/passwd")),
    "voxels above": ("file of its own folder", _meta(ElementDataFile="../../../../etc/passwd")),
    "voxels of another patient": ("file of its own folder", _outside),
    "voxels in a list": ("file of its own folder", _meta(ElementDataFile="LIST", end=b"/etc/passwd\n" * 20)),
    "voxels in a list of planes": ("file of its own folder", _meta(ElementDataFile="LIST 2")),
    "voxels by a pattern": ("file of its own folder", _meta(ElementDataFile="x%03d.raw 1 20 1")),
    "voxels by %n": ("file of its own folder", _meta(ElementDataFile="%s%s%n%n%n%s 1 21 1")),
    "voxels by a wide pattern": ("file of its own folder", _meta(ElementDataFile="x%09999999d.raw 1 20 1")),
    "voxels nowhere": ("file of its own folder", _meta(ElementDataFile="")),
    "voxels in a file that is not there": ("must exist", _meta(ElementDataFile="x.raw")),
}

NRRDS: dict[str, tuple[str, Make]] = {
    "voxels in /etc/passwd": ("its own voxels", _nrrd({"data file": "/etc/passwd"})),
    "voxels in a list": ("its own voxels", _nrrd({"data file": "LIST"})),
    "voxels by a pattern": ("its own voxels", _nrrd({"datafile": "x%03d.raw 1 20 1"})),
    "two axes": ("three axes", _nrrd({"dimension": "2", "sizes": "24 480"})),
    "dimension 99": ("three axes", _nrrd({"dimension": "99"})),
    "sizes below 0": ("three axes", _nrrd({"sizes": "24 -24 20"})),
    "sizes of 0": ("has voxels", _nrrd({"sizes": "24 0 20"})),
    "sizes of 32768": ("at most 1024 MiB", _nrrd({"sizes": "32768 32768 32768"})),
    "vectors": ("one real number", _nrrd({"kinds": "vector domain domain"})),
    "complex": ("one real number", _nrrd({"kinds": "complex domain domain"})),
    "blocks": ("one real number", _nrrd({"type": "block"})),
    "digits, not bytes": ("raw or gzip", _nrrd({"encoding": "ascii"})),
    "bzip2": ("raw or gzip", _nrrd({"encoding": "bzip2"})),
    "no order of bytes": ("order of bytes", _nrrd({"endian": None})),
    "skips lines": ("skips", _nrrd({"line skip": "3"})),
    "skips bytes": ("skips", _nrrd({"byte skip": "-1", "encoding": "raw"})),
    "space of time": ("its space is", _nrrd({"space": "left-posterior-superior-time"})),
    "space of two": ("three dimensions", _nrrd({"space": None, "space dimension": "2"})),
    "directions NaN": ("positive lengths", _nrrd({"space directions": "(nan,0,0) (0,1,0) (0,0,1)"})),
    "directions of none": ("vectors of three", _nrrd({"space directions": "none (0,1,0) (0,0,1)"})),
    "directions in a plane": ("no space", _nrrd({"space directions": "(1,0,0) (1,0,0) (0,0,1)"})),
    "origin infinite": ("not a place", _nrrd({"space origin": "(inf,0,0)"})),
    "a field twice": ("twice", _nrrd({"Type": "float"})),
    "a line of no field": ("its header holds", _nrrd({"kinds": "a\nnothing said"})),
    "another version": ("whole NRRD header", _nrrd(magic="NRRD9999")),
    "packed, cut": ("ends too early", _nrrd(body=lambda b: gzip.compress(b)[:-40])),
    "packed, a voxel less": ("its header says", _nrrd(body=lambda b: gzip.compress(b[:-2]))),
    "packed, a voxel more": ("more than the", _nrrd(body=lambda b: gzip.compress(b + b"ab"))),
    "raw, a voxel more": ("holds 23042", _nrrd({"encoding": "raw"}, body=lambda b: b + b"ab")),
}

BOMBS: dict[str, tuple[str, Make]] = {
    "NIfTI, one stream": ("more than the", _changed(lambda b: _bomb(31)(gzip.decompress(b)))),
    "NIfTI, 256 streams": ("more than the", _changed(_gzip_members)),
    "MetaImage": ("more than the", _meta(_bomb(15))),
    "NRRD": ("more than the", _nrrd(body=_bomb(31))),
}

PLACES: dict[str, tuple[str, Make]] = {
    "a pipe": ("modality T1 is missing", _odd("fifo")),
    "a socket": ("modality T1 is missing", _odd("socket")),
    "a folder": ("modality T1 is missing", _odd("folder")),
    "a device": ("modality T1 is missing", _odd("/dev/zero")),
    "a link to nowhere": ("modality T1 is missing", _odd("/nowhere")),
    "a link to itself": ("modality T1 is missing", _odd("itself")),
    "a label that is a pipe": ("no lesion label|train needs a patient", _odd("fifo", SEG)),
    "a pair .img and .hdr": ("modality T1 is missing", _pair),
    "a header .nhdr": ("modality T1 is missing", _nrrd({"data file": "/etc/passwd"}, suffix=".nhdr")),
    "a file's name in latin-1": ("not text in UTF-8", _renamed(f"P0000/{T1}", b"P\xe4_t1.nii.gz")),
    "a patient's name in latin-1": ("not text in UTF-8", _renamed("P0000", b"M\xfcller")),
}

KINDS = {"NIfTI": NIFTI, "MetaImage": METAIMAGE, "NRRD": NRRDS, "bomb": BOMBS, "in place of a file": PLACES}

_DOCTOR = ("doctor", "{here}/p", "--json")
_PREPARE = (
    *("prepare", "brats/slices_64", "--manual-dir", "{here}/p", "--data-dir", "{here}/o"),
    *("--set", "test_fraction=0", "validation_fraction=0"),
)


_LATIN = "M\udcfcller"  # of which the third byte is no UTF-8


def _three(here: Path, base: Path, make: Make = NIFTI["RGB"][1]) -> None:
    """The first of three patients spoilt."""
    make(here, base)
    for name in ("P0001", "P0002"):
        shutil.copytree(base / "patients" / name, here / "p" / name)


def _beside(name: str) -> Make:
    """A sound patient, and a pipe in the same folder."""

    def make(here: Path, base: Path) -> None:
        os.mkfifo(_patient(here, base) / name)

    return make


def _below(name: str) -> Make:
    """A sound patient in a folder of this name."""

    def make(here: Path, base: Path) -> None:
        (here / name).mkdir()
        _patient(here / name, base)

    return make


def _described(text: str) -> Make:
    """A sound patient beside a ``dataset.json``."""

    def make(here: Path, base: Path) -> None:
        _patient(here, base)
        (here / "p" / "dataset.json").write_text(text, "latin-1")

    return make


_CHANNELS = '"channel_names": {"0": "T1", "1": "T2", "2": "T1ce", "3": "FLAIR"}'
DESCRIBED = {
    "nothing": "",
    "a list": "[1, 2]",
    "lists in lists": "[" * 100_000,
    "latin-1": '{"name": "M\xfcller"}',
    "channels as a list": '{"channel_names": ["T1", "T2", "T1ce", "FLAIR"], "labels": {"a": 1}}',
    "channels of lists": '{"channel_names": {"0": ["T1"], "1": null, "2": {}, "3": 7}}',
    "channels without end": '{"modality": {"%s": "T1"}}' % ("9" * 5000),
    "labels as a list": "{" + _CHANNELS + ', "labels": [1, 2]}',
    "labels of lists": "{" + _CHANNELS + ', "labels": {"edema": [1, 2], "NCR": null}}',
    "codes without end": "{" + _CHANNELS + ', "labels": {"%s": "edema"}}' % ("9" * 5000),
    "codes below 0": "{" + _CHANNELS + ', "labels": {"edema": -1, "NCR": 1e99}}',
}


def _of_shape(*shape: int) -> Make:
    """A patient of volumes that hold hardly anything."""

    def make(here: Path, base: Path) -> None:
        for path in _patient(here, base).iterdir():
            content = bytearray(gzip.decompress(path.read_bytes()))
            struct.pack_into("<3h", content, 42, *shape)
            size = math.prod(shape) * (content[72] // 8)
            voxels = (b"\1\2" if path.name != SEG else b"\0\2") * size
            path.write_bytes(gzip.compress(bytes(content[:352]) + voxels[:size]))

    return make


def _others() -> list[Case]:
    latin, pipe = f"{{here}}/{_LATIN}", "{here}/pipe"
    text = r"text in UTF-8.*M\\+xfcller"
    prepare = ("prepare", "brats/slices_64", "--manual-dir")
    of_pipe = lambda here, base: (_patient(here, base), os.mkfifo(here / "pipe"))  # noqa: E731
    described = [
        Case(f"doctor: a dataset.json of {name}", _DOCTOR, "P0000", _described(text), status=1)
        for name, text in DESCRIBED.items()
    ]
    small = [
        Case(f"doctor: volumes of {shape}", _DOCTOR, "P0000", _of_shape(*shape))
        for shape in ((1, 1, 1), (2, 2, 2), (1, 30, 1), (30, 30, 1))
    ]
    return [
        *described,
        *small,
        Case("doctor: one of three is coloured", ("doctor", "{here}/p"), "3 patients, 2 usable", _three),
        Case(
            "doctor: two places",
            _DOCTOR,
            "qform and sform lie up to 40 mm apart",
            _inside(_two_places),
            status=1,
        ),
        Case("doctor: a pipe beside", _DOCTOR, "no files: x_t1.nii", _beside("x_t1.nii"), status=1),
        Case("doctor: a dataset.json that is a pipe", _DOCTOR, "P0000", _beside("dataset.json"), status=1),
        Case(
            "doctor: a name in latin-1, as text",
            _DOCTOR[:2],
            "name_encoding",
            _renamed("P0000", b"M\xfcller"),
        ),
        Case("doctor: a folder in latin-1", ("doctor", latin), text, _below(_LATIN)),
        Case("doctor: a folder below one in latin-1", ("doctor", f"{latin}/p"), text, _below(_LATIN)),
        Case("doctor: a pipe", ("doctor", pipe), "must be a folder", of_pipe),
        Case("doctor: a layout that is a pipe", (*_DOCTOR, "--layout", pipe), "layout", of_pipe),
        Case("prepare: a pipe", (*prepare, pipe, "--data-dir", "{here}/o"), "must be a folder", of_pipe),
        Case("prepare: splits that are a pipe", (*_PREPARE, "--splits", pipe), "splits", of_pipe),
        Case("prepare: a folder in latin-1", (*prepare, latin, *_PREPARE[4:]), text, _below(_LATIN)),
        Case("prepare: to latin-1", (*_PREPARE[:4], "--data-dir", latin, *_PREPARE[6:]), text, _patient),
    ]


def _cases() -> list[Case]:
    """Every kind by the doctor; by `prepare`, which reads through the same code, a third of them."""
    cases = []
    for kind, table in KINDS.items():
        for number, (name, (rule, make)) in enumerate(table.items()):
            limit = 96 if kind == "bomb" else 512
            told = f"{kind}: {name}"
            cases.append(Case(f"doctor: {told}", _DOCTOR, rule, make, mebibytes=limit))
            if kind in ("bomb", "in place of a file") or number % 3 == 0:
                cases.append(Case(f"prepare: {told}", _PREPARE, rule, make, mebibytes=limit))
    return [*cases, *_others()]


CASES = _cases()
