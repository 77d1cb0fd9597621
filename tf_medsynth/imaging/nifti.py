"""NIfTI files (.nii, .nii.gz): the header by nibabel, once the numbers in it hold."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from tf_medsynth.imaging.stored import Stored, check_kind, first_bytes

_KINDS = {348: nibabel.Nifti1Header, 540: nibabel.Nifti2Header}
_MAGIC = {348: b"n+1\0", 540: b"n+2\0\r\n\x1a\n"}
_PAIRED = (b"ni1\0", b"ni2\0\r\n\x1a\n")
_REAL = {2, 4, 8, 16, 64, 256, 512, 768, 1024, 1280}
"""Codes of integers and floats of up to 64 bits."""

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # RAS <-> LPS: x and y change sign
_FORMS = range(6)

SAME_PLACE = 0.5
"""Voxels by which the two places of one header may differ anywhere in a volume without a word."""


def describe_nifti(path: Path) -> Stored:
    """What the header of a NIfTI file says; axes of the array as `(..., z, y, x)`.

    Raises:
        MedSynthError, ValueError: see `Stored`; a header that contradicts itself.
    """
    packed = path.name.lower().endswith(".gz")
    header = _header(path, packed)
    dims = header["dim"]
    if not 1 <= dims[0] <= 7:
        raise ValueError(f"its header says {dims[0]} axes")
    shape = tuple(int(n) for n in dims[1 : dims[0] + 1])
    if min(shape) < 1:
        raise ValueError(f"its header says {list(shape)} voxels")
    dtype = _voxel_type(header, path)
    slope, intercept = _scaling(header)
    affine, placed = _place(header)
    spacing = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        direction = affine[:3, :3] / spacing
    if not np.isfinite(affine).all() or not np.isfinite(direction).all():
        raise ValueError("its affine holds NaN or spans no space")
    skip = _offset(header)
    return Stored(
        path=path,
        shape=shape[::-1],
        dtype=dtype,
        spacing=tuple(float(v) for v in spacing[::-1]),
        # adding 0 turns the -0.0 of a flipped axis into 0.0
        origin=tuple(float(v) + 0.0 for v in affine[:3, 3]),
        direction=tuple(float(v) + 0.0 for v in direction.ravel()),
        placed=placed,
        source=path,
        start=0 if packed else skip,
        skip=skip if packed else 0,
        packed=packed,
        slope=slope,
        intercept=intercept,
        doubts=_doubts(header, shape),
    )


def _header(path: Path, packed: bool) -> Any:
    start = first_bytes(path, 2, packed=False)
    if packed and start != b"\x1f\x8b":
        known = first_bytes(path, 4, packed=False) in _sizes()
        raise ValueError("it is not compressed" + (": rename it to end in .nii" if known else ""))
    if not packed and start == b"\x1f\x8b":
        raise ValueError("it is compressed: rename it to end in .nii.gz")
    block = first_bytes(path, max(_KINDS), packed)
    size, order = _sizes().get(block[:4], (0, ""))
    if len(block) < size or not size:
        raise ValueError("it has no whole NIfTI header")
    header = _KINDS[size](block[:size], endianness=order, check=False)
    magic = block[344:348] if size == 348 else block[4:12]
    if magic in _PAIRED:
        raise ValueError("its header is that of an .img file, whose voxels lie elsewhere")
    if magic != _MAGIC[size]:
        raise ValueError("its header does not bear the mark of NIfTI")
    return header


def _sizes() -> dict[bytes, tuple[int, str]]:
    """The first four bytes of a header: its length and the order of its bytes."""
    ways = itertools.product(_KINDS, (("<", "little"), (">", "big")))
    return {size.to_bytes(4, word): (size, order) for size, (order, word) in ways}  # type: ignore[arg-type]


def _voxel_type(header: Any, path: Path) -> np.dtype[Any]:
    code, bits = int(header["datatype"]), int(header["bitpix"])
    types = nibabel.nifti1.data_type_codes
    if code not in types.code or code in (0, 255):
        raise ValueError(f"its data type is {code}, which NIfTI does not have")
    check_kind(path, code in _REAL, str(types.label[code]))
    dtype = np.dtype(str(types.dtype[code])).newbyteorder(header.endianness)
    if bits != 8 * dtype.itemsize:
        raise ValueError(f"its bitpix is {bits}, its data type has {8 * dtype.itemsize} bits")
    return dtype


def _scaling(header: Any) -> tuple[float, float]:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise ValueError(f"its slope is {slope:g}, its intercept {intercept:g}")
    return (slope, intercept) if slope else (1.0, 0.0)  # a slope of 0 means none


def _offset(header: Any) -> int:
    offset = float(header["vox_offset"])
    least = int(header.single_vox_offset)
    if offset and not (least <= offset < 1 << 40 and offset.is_integer()):
        raise ValueError(f"its voxels begin at byte {offset:g}, not at {least} or later")
    return int(offset) or least


def _place(header: Any) -> tuple[np.ndarray, bool]:
    """The affine from (x, y, z) to mm in LPS, and whether the header says it or it is a guess."""
    forms = {name: int(header[name]) for name in ("sform_code", "qform_code")}
    for name, form in forms.items():
        if form not in _FORMS:
            raise ValueError(f"its {name} is {form}, which NIfTI does not have")
    steps = np.asarray(header["pixdim"][:4], np.float64)
    if not np.isfinite(steps).all():
        raise ValueError(f"its spacing is {steps[1:].tolist()}")
    if not forms["sform_code"] and steps[1:].min() <= 0:
        raise ValueError(f"its spacing is {steps[1:].tolist()}, not three positive lengths")
    if steps[0] not in (-1, 1):  # as the standard has it, whatever else stands there means 1
        header["pixdim"][0] = 1
    if any(forms.values()):
        return _LPS @ np.asarray(header.get_best_affine(), np.float64), True
    # Without a place the reader's would be a guess, and its orientation too: the voxels stay as they are.
    return np.diag([*steps[1:], 1.0]), False


def _doubts(header: Any, shape: tuple[int, ...]) -> tuple[str, ...]:
    if not (int(header["sform_code"]) and int(header["qform_code"])):
        return ()
    steps = np.asarray(header["pixdim"][1:4], np.float64)
    try:
        first, other = header.get_sform(), header.get_qform()
    except (ValueError, nibabel.spatialimages.HeaderDataError):
        return ("its qform cannot be read; its sform is followed",)
    sides = [(0, n - 1) for n in (*shape, 1, 1)[:3]]
    corners = np.array([(*corner, 1) for corner in itertools.product(*sides)]).T
    apart = float(np.linalg.norm(((first - other) @ corners)[:3], axis=0).max())
    if not apart > SAME_PLACE * np.abs(steps).min():
        return ()
    return (f"its qform and sform lie up to {apart:.3g} mm apart; the sform is followed",)
