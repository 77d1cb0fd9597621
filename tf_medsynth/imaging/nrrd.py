"""NRRD files (.nrrd) that hold their own voxels, raw or compressed by gzip: the header, read strictly.

What ITK makes of such a header is what is returned; `tests/imaging/test_nrrd.py` compares.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tf_medsynth.config.base import check
from tf_medsynth.imaging.stored import Stored, check_kind, numbers, sizes

_HEADER_LIMIT = 1 << 16
_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("signed long long int",), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int"), "u8"),
    **dict.fromkeys(("uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
_SPACES = {
    **dict.fromkeys(("left-posterior-superior", "lps", "scanner-xyz", "3d-right-handed"), (1.0, 1.0, 1.0)),
    **dict.fromkeys(("3d-left-handed",), (1.0, 1.0, 1.0)),
    **dict.fromkeys(("right-anterior-superior", "ras"), (-1.0, -1.0, 1.0)),
    **dict.fromkeys(("left-anterior-superior", "las"), (1.0, -1.0, 1.0)),
}
"""Signs that bring each space to LPS; those that name no anatomy are taken as they are."""

_VECTOR = re.compile(r"\(([^()]*)\)")


def describe_nrrd(path: Path) -> Stored:
    """What the header of an NRRD file says.

    Raises:
        MedSynthError, ValueError: see `Stored`; a header that is no such, or that contradicts itself, voxels
            that lie in other files or are encoded otherwise.
    """
    fields, length = _fields(path)
    check("an NRRD file holds its own voxels", not {"data file", "datafile"} & set(fields), path=str(path))
    dimension = fields.get("dimension", "")
    shape = sizes(fields.get("sizes", ""), path)
    check("a volume has three axes", dimension == "3", path=str(path), dimension=dimension[:60])
    kinds = set(fields.get("kinds", "").lower().split())
    check_kind(path, kinds <= {"domain", "space", "none", "???"}, " ".join(sorted(kinds))[:60])
    if any(fields.get(key, "0") != "0" for key in ("line skip", "lineskip", "byte skip", "byteskip")):
        raise ValueError("its header skips lines or bytes")
    encoding = fields.get("encoding", "").lower()
    check(
        "an NRRD file is encoded as raw or gzip",
        encoding in ("raw", "gz", "gzip"),
        "Write it again, e.g. with SimpleITK.",
        path=str(path),
        encoding=encoding[:60],
    )
    spacing, origin, direction, placed = _place(fields)
    return Stored(
        path=path,
        shape=shape[::-1],
        dtype=_voxel_type(fields, path),
        spacing=spacing[::-1],
        origin=origin,
        direction=direction,
        placed=placed,
        source=path,
        start=length,
        packed=encoding != "raw",
    )


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """The fields of a header, keys in lower case, and its length in bytes."""
    with path.open("rb") as file:
        start = file.read(_HEADER_LIMIT)
    end = re.search(rb"\n\r?\n", start)
    lines = start[: end.start() if end else 0].decode("utf-8", "replace").split("\n")
    if end is None or not re.fullmatch(r"NRRD000[1-6]\r?", lines[0]):
        raise ValueError("its header is not a whole NRRD header")
    fields: dict[str, str] = {}
    for line in lines[1:]:
        if line.startswith("#") or ":=" in line:  # remarks, and pairs of the user's own
            continue
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or key.lower() in fields:
            raise ValueError(f"its header holds {line[:60].strip()!r}, or that twice")
        fields[key.lower()] = value
    return fields, end.end()


def _voxel_type(fields: Mapping[str, str], path: Path) -> np.dtype[np.generic]:
    name = fields.get("type", "").lower()
    check_kind(path, name in _TYPES, name[:60])
    dtype = np.dtype(_TYPES[name])
    order = fields.get("endian", "").lower()
    if order not in ("little", "big") and dtype.itemsize > 1:
        raise ValueError("its header names no order of bytes (endian: little or big)")
    return dtype.newbyteorder(">" if order == "big" else "<")


def _place(
    fields: Mapping[str, str],
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], bool]:
    """Spacing (x, y, z), origin and direction in LPS, and whether the file says where it lies."""
    space = fields.get("space", "").lower()
    if space and space not in _SPACES:
        raise ValueError(f"its space is {space[:60]!r}, not one of three axes")
    if fields.get("space dimension", "3") != "3":
        raise ValueError("its space has not three dimensions")
    signs = np.array(_SPACES.get(space, (1.0, 1.0, 1.0)))
    spacing = np.ones(3)
    if "spacings" in fields:
        spacing = np.array(numbers(fields["spacings"], 3, "spacings"))
    axes = np.eye(3)
    if "space directions" in fields:
        columns = np.array(_vectors(fields, "space directions", 3))
        spacing = np.linalg.norm(columns, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            axes = columns / spacing[:, None]
    origin = np.zeros(3)
    if "space origin" in fields:
        origin = np.array(_vectors(fields, "space origin", 1)[0])
    return (
        tuple(spacing.tolist()),
        tuple((origin * signs + 0.0).tolist()),
        tuple(((axes * signs).T + 0.0).ravel().tolist()),
        bool({"space", "space dimension"} & set(fields)),
    )


def _vectors(fields: Mapping[str, str], key: str, count: int) -> list[tuple[float, ...]]:
    text = fields[key]
    found = [numbers(inner.replace(",", " "), 3, key) for inner in _VECTOR.findall(text)]
    if len(found) != count or _VECTOR.sub("", text).strip():
        raise ValueError(f"{key} is {text[:60]!r}, not {count} vectors of three numbers")
    return found
