"""Headers of MetaImage and NRRD files, read by us before ITK sees the file.

ITK returns whatever it could decompress of a damaged file and only prints a remark.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth.config.base import check

_META_BYTES = {"CHAR": 1, "UCHAR": 1, "SHORT": 2, "USHORT": 2, "INT": 4, "UINT": 4, "LONG": 8, "ULONG": 8}
_META_BYTES |= {"LONG_LONG": 8, "ULONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}
_META_HEADER_LIMIT = 1 << 16


def check_header(path: Path) -> bool:
    """Whether a file says where it lies.

    Raises:
        MedSynthError, ValueError: it has no whole header of three axes and one value a voxel.
    """
    if path.suffix.lower() == ".nrrd":
        return bool({"space", "space dimension"} & set(_nrrd_fields(path)))
    fields, _ = _meta_fields(path)
    return bool({"TransformMatrix", "Rotation", "Orientation"} & set(fields))


def check_voxels(path: Path) -> bool:
    """As `check_header`, which holds, and the voxels of a MetaImage file are all there and unharmed.

    Raises:
        MedSynthError, ValueError: some are not, or what `check_header` raises.
    """
    if path.suffix.lower() != ".nrrd":
        _check_meta_voxels(path)
    return check_header(path)


def _nrrd_fields(path: Path) -> dict[str, str]:
    """The fields of an NRRD header, in lower case."""
    with path.open("rb") as file:
        start = file.read(_META_HEADER_LIMIT)
    head, blank, _ = start.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = head.decode("ascii", "replace").splitlines()
    if not blank or not lines[0].startswith("NRRD"):
        raise ValueError("its header is not a whole NRRD header")
    fields = {
        key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])
    }
    check("an NRRD file holds its own voxels", not {"data file", "datafile"} & set(fields), path=str(path))
    shape = tuple(int(n) for n in fields.get("sizes", "").split() if n.isdecimal())
    check("a volume has three axes", len(shape) == 3, "Split the file first.", path=str(path), shape=shape)
    return fields


def _meta_fields(path: Path) -> tuple[dict[str, str], int]:
    """The fields of a MetaImage header and its length in bytes; raises where it is not one."""
    with path.open("rb") as file:
        start = file.read(_META_HEADER_LIMIT)
    fields: dict[str, str] = {}
    position = 0
    while "ElementDataFile" not in fields:
        end = start.find(b"\n", position)
        if end < 0:
            raise ValueError("its header is not a whole MetaImage header")
        key, _, value = start[position:end].decode("ascii", "replace").partition("=")
        fields[key.strip()] = value.strip()
        position = end + 1
    shape = fields.get("DimSize", "").split()
    check("a volume has three axes", len(shape) == 3, path=str(path), shape=" ".join(shape))
    channels = fields.get("ElementNumberOfChannels", "1")
    check("a volume has one value a voxel", channels == "1", path=str(path), channels=channels)
    return fields, position


def _check_meta_voxels(path: Path) -> None:
    fields, length = _meta_fields(path)
    data = fields["ElementDataFile"]
    if data == "LIST" or "%" in data:
        return  # slices in files of their own: ITK itself finds a missing one
    local = data.upper() == "LOCAL"
    if local and fields.get("HeaderSize", "0") not in ("0", "-1"):
        return
    source = path if local else path.with_name(data)
    if not source.is_file():
        raise ValueError(f"its voxel file {data!r} is missing")
    shape = [int(n) for n in fields["DimSize"].split()]
    expected = int(np.prod(shape)) * _META_BYTES.get(fields.get("ElementType", "")[4:], 0)
    with source.open("rb") as file:
        file.seek(length if local else 0)
        packed = fields.get("CompressedData", "False").lower() == "true"
        found = _inflated_size(file) if packed else source.stat().st_size - file.tell()
    if expected and found < expected:
        raise ValueError(f"it holds {found} of {expected} bytes of voxels")


def _inflated_size(file: Any) -> int:
    """Bytes that a zlib (or gzip) stream unpacks to, its checksum verified, in constant memory."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    size = 0
    while chunk := file.read(1 << 20):
        size += len(unpacker.decompress(chunk))
    size += len(unpacker.flush())
    if not unpacker.eof:
        raise ValueError("its compressed voxels end too early")
    return size
