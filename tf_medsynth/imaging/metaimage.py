"""MetaImage files (.mha, .mhd): a header of lines ``Key = value``, read strictly.

What ITK makes of such a header is what is returned; `tests/imaging/test_metaimage.py` compares.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from tf_medsynth.config.base import check
from tf_medsynth.imaging.stored import Stored, check_kind, check_regular, numbers, sizes

_TYPES = {"CHAR": "i1", "UCHAR": "u1", "SHORT": "i2", "USHORT": "u2", "INT": "i4", "UINT": "u4"}
# a LONG has 4 bytes wherever it was written, as ITK has it
_TYPES |= {"LONG": "i4", "ULONG": "u4", "LONG_LONG": "i8", "ULONG_LONG": "u8", "FLOAT": "f4", "DOUBLE": "f8"}
_HEADER_LIMIT = 1 << 16
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

_SPACING = ("ElementSpacing", "ElementSize")
_ORIGIN = ("Offset", "Position", "Origin")
_DIRECTION = ("TransformMatrix", "Rotation", "Orientation")
_MSB = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
_KNOWN = (
    *("ObjectType", "NDims", "DimSize", "ElementType", "ElementNumberOfChannels", "BinaryData"),
    *("CompressedData", "CompressedDataSize", "HeaderSize", "ElementDataFile"),
    *(*_SPACING, *_ORIGIN, *_DIRECTION, *_MSB),
)
_TRUTH = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


def describe_meta(path: Path) -> Stored:
    """What the header of a MetaImage file says.

    Raises:
        MedSynthError, ValueError: see `Stored`; a header that is no such, or that contradicts itself, voxels
            that lie in several files or in another folder.
    """
    fields, length = _fields(path)
    kind = fields.get("ObjectType", "Image")
    check("a MetaImage file holds an image", kind == "Image", path=str(path), ObjectType=kind[:60])
    shape = sizes(fields.get("DimSize", ""), path)
    axes = fields.get("NDims", "")
    check("a volume has three axes", axes == "3", path=str(path), NDims=axes[:60])
    channels = fields.get("ElementNumberOfChannels", "1")
    check("a volume has one value a voxel", channels == "1", path=str(path), channels=channels[:60])
    source, start = _source(fields, path, length)
    stored = Stored(
        path=path,
        shape=shape[::-1],
        dtype=_voxel_type(fields, path),
        spacing=_numbers(fields, _SPACING, (1.0,) * 3)[::-1],
        origin=_numbers(fields, _ORIGIN, (0.0,) * 3),
        # the file lists the axes one by one, we the rows of the matrix of which they are columns
        direction=tuple(np.reshape(_numbers(fields, _DIRECTION, _IDENTITY), (3, 3)).T.ravel().tolist()),
        placed=any(key in fields for key in _DIRECTION),
        source=source,
        start=start,
        packed=_flag(fields, "CompressedData", False),
    )
    return _located(stored, fields)


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """The fields of a header and its length in bytes; raises where it is not one."""
    with path.open("rb") as file:
        start = file.read(_HEADER_LIMIT)
    fields: dict[str, str] = {}
    position = 0
    while "ElementDataFile" not in fields:
        end = start.find(b"\n", position)
        line = start[position:end]
        if end < 0 or b"=" not in line or b"\0" in line:
            raise ValueError("its header is not a whole MetaImage header")
        key, _, value = (part.strip() for part in line.decode("utf-8", "replace").partition("="))
        if key in fields:
            raise ValueError(f"its header says {key} twice")
        if meant := next((known for known in _KNOWN if _one_letter_off(key, known)), None):
            raise ValueError(f"its header says {key!r}, which must be {meant}")
        fields[key] = value
        position = end + 1
    return fields, position


def _one_letter_off(key: str, known: str) -> bool:
    return len(key) == len(known) and sum(a != b for a, b in zip(key, known, strict=True)) == 1


def _numbers(
    fields: Mapping[str, str], keys: tuple[str, ...], default: tuple[float, ...]
) -> tuple[float, ...]:
    """What the first of `keys` that is there says."""
    key = next((key for key in keys if key in fields), None)
    return default if key is None else numbers(fields[key], len(default), key)


def _flag(fields: Mapping[str, str], key: str, default: bool) -> bool:
    if key not in fields:
        return default
    if fields[key].lower() not in _TRUTH:
        raise ValueError(f"{key} is {fields[key][:60]!r}, not True or False")
    return _TRUTH[fields[key].lower()]


def _voxel_type(fields: Mapping[str, str], path: Path) -> np.dtype[np.generic]:
    check(
        "a MetaImage file holds its voxels in binary",
        _flag(fields, "BinaryData", True),
        "Write it again, e.g. with SimpleITK.",
        path=str(path),
    )
    name = fields.get("ElementType", "")
    known = _TYPES.get(name.removeprefix("MET_")) if name.startswith("MET_") else None
    check_kind(path, known is not None, name[:60])
    first, other = (_flag(fields, key, False) for key in _MSB)
    if first != other and all(key in fields for key in _MSB):
        raise ValueError("its header names two orders of bytes")
    return np.dtype(known).newbyteorder(">" if first or other else "<")


def _source(fields: Mapping[str, str], path: Path, length: int) -> tuple[Path, int]:
    """The file of the voxels, and where the header in it ends."""
    data = fields["ElementDataFile"]
    if data.upper() == "LOCAL":
        return path, length
    inside = not PurePosixPath(data).is_absolute() and ".." not in PurePosixPath(data).parts
    check(
        "the voxels of a MetaImage file lie in it, or in one file of its own folder",
        bool(data) and inside and data.isprintable() and not {"%", "\\", "*"} & set(data)
        and data.split()[0].upper() != "LIST",
        "Slices in files of their own become a volume by SimpleITK.WriteImage(SimpleITK.ReadImage(NAME), …).",
        path=str(path),
        ElementDataFile=data[:120],
    )  # fmt: skip
    source = path.parent / data
    check_regular(source, "the voxel file of a MetaImage header must exist")
    return source, 0


def _located(stored: Stored, fields: Mapping[str, str]) -> Stored:
    """`stored` with its true start, where the header's sizes agree with the file."""
    try:
        skipped = int(fields.get("HeaderSize", "0"))
        size = int(fields["CompressedDataSize"]) if "CompressedDataSize" in fields else None
    except ValueError:
        raise ValueError("HeaderSize and CompressedDataSize must be whole numbers") from None
    found = stored.source.stat().st_size
    follows = stored.source == stored.path
    if follows and skipped == -1:  # what follows the header to the end: so it is anyway
        skipped = 0
    if skipped and (stored.packed or follows):
        raise ValueError(f"HeaderSize is {skipped}, of voxels that follow their header")
    if stored.packed and size not in (None, found - stored.start):
        raise ValueError(f"it holds {found - stored.start} bytes of voxels, CompressedDataSize says {size}")
    if skipped == -1:  # the end of the file
        own = math.prod(stored.shape) * stored.dtype.itemsize
        return dataclasses.replace(stored, start=max(found - own, stored.start))
    if not 0 <= skipped <= found:
        raise ValueError(f"HeaderSize is {skipped}, its voxel file holds {found} bytes")
    return dataclasses.replace(stored, start=stored.start + skipped)
