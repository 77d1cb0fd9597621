"""Medical volumes in files: voxels and geometry, read and written without loss.

Whatever the format, an array is `(z, y, x)`, spacing is in mm in that order, origin and direction are ITK's:
`(x, y, z)` in LPS (x grows to the patient's left, y to the back, z to the head). Voxels keep their stored
type. A file is read if it holds what its header says to the byte, see `stored`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.imaging.metaimage import describe_meta
from tf_medsynth.imaging.nifti import describe_nifti
from tf_medsynth.imaging.nrrd import describe_nrrd
from tf_medsynth.imaging.stored import Stored, check_regular
from tf_medsynth.types import MedSynthError

VOLUME_SUFFIXES = (".nii.gz", ".nii", ".mha", ".mhd", ".nrrd")
"""File endings that `read_volume` knows, longest first."""

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # RAS <-> LPS: x and y change sign
_DESCRIBE: dict[str, Callable[[Path], Stored]] = {
    ".nii.gz": describe_nifti,
    ".nii": describe_nifti,
    ".mha": describe_meta,
    ".mhd": describe_meta,
    ".nrrd": describe_nrrd,
}


@dataclasses.dataclass(frozen=True)
class Header:
    """Where a volume's voxels lie, and as what they are stored.

    Attributes:
        shape: voxels along (z, y, x).
        spacing: mm between voxel centres along (z, y, x).
        origin: mm, centre of voxel (0, 0, 0) as (x, y, z) in LPS.
        direction: unit vectors of the x, y and z axis as columns of a 3x3 matrix, row by row.
        dtype: NumPy name of the voxels that `read_volume` will return.
        placed: whether the file says where it lies; without it, the rest is the reader's guess.
        doubts: what contradicts itself in the file's header and does no harm, in words.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]
    dtype: str
    placed: bool = True
    doubts: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Volume:
    """Voxels with their geometry; see `Header` for the fields' units and order.

    Attributes:
        array: `(z, y, x)`, the stored type.
    """

    array: NDArray[Any]
    spacing: tuple[float, ...] = (1.0, 1.0, 1.0)
    origin: tuple[float, ...] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    placed: bool = True
    doubts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check("a volume has three axes (z, y, x)", self.array.ndim == 3, shape=self.array.shape)
        check("spacing is three positive numbers", _positive(self.spacing, 3), spacing=self.spacing)
        check("origin is three numbers", len(self.origin) == 3, origin=self.origin)
        check("direction is a 3x3 matrix, row by row", len(self.direction) == 9, direction=self.direction)

    @property
    def header(self) -> Header:
        """Geometry and voxel type alone."""
        array = self.array
        place = self.spacing, self.origin, self.direction
        return Header(array.shape, *place, str(array.dtype), self.placed, self.doubts)


def volume_suffix(path: str | os.PathLike[str]) -> str | None:
    """The known ending of a file's name in lower case (``.nii.gz``, ...), or None."""
    name = os.fspath(path).lower()
    return next((suffix for suffix in VOLUME_SUFFIXES if name.endswith(suffix)), None)


def read_header(path: str | os.PathLike[str], channel: int | None = None) -> Header:
    """Geometry and voxel type of a volume file; the voxels are not read.

    Args:
        path: its ending names the format.
        channel: which volume of a NIfTI file with four axes, from 0; None where there are three. Further
            axes of length 1 do not count.

    Raises:
        MedSynthError: no such file, unknown ending, unreadable header, another number of axes.
    """
    path, describe = _known_file(path)
    with _readable(path):
        return _header(describe(path), channel)


def read_volume(path: str | os.PathLike[str], channel: int | None = None) -> Volume:
    """Voxels, in their stored type, and geometry of a volume file; arguments as of `read_header`.

    Raises:
        MedSynthError: no such file, truncated or corrupt content, more or less of it than the header says,
            another number of axes, several or complex values a voxel, more than `stored.MOST_BYTES`.
    """
    path, describe = _known_file(path)
    with _readable(path):
        stored = describe(path)
        head = _header(stored, channel)
        voxels = stored.voxels(channel)
    return Volume(voxels, head.spacing, head.origin, head.direction, head.placed, head.doubts)


def write_volume(volume: Volume, path: str | os.PathLike[str]) -> None:
    """Writes `volume` as ``.mha``, ``.nii`` or ``.nii.gz``; the file appears whole or not at all.

    Raises:
        MedSynthError: another ending, or a voxel type that the format cannot hold.
    """
    path = Path(path)
    suffix = volume_suffix(path)
    writable = suffix not in (None, ".mhd", ".nrrd")
    check("a volume is written as .mha, .nii or .nii.gz", writable, path=str(path))
    dtype = volume.array.dtype
    # Both formats could take int64, but nibabel refuses it: many readers do not know it.
    check(
        "a volume file holds integers of up to 32 bits or floats of 32 or 64",
        (dtype.kind in "iu" and dtype.itemsize <= 4) or (dtype.kind == "f" and dtype.itemsize >= 4),
        "Convert the array first.",
        dtype=str(dtype),
    )
    write: Callable[[Volume, Path], None] = _write_meta if suffix == ".mha" else _write_nifti
    part = path.with_name(f".{path.name[: -len(suffix or '')]}.{os.getpid()}.part{suffix}")
    try:
        write(volume, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def geometry_differences(first: Header, other: Header) -> dict[str, str]:
    """What differs between two headers: ``{"shape": "(155, 240, 240) against ..."}``, else empty.

    Shapes are compared exactly, spacing and origin to 1e-3 mm, direction to 1e-4: what is left of a
    number after one trip through a 32-bit header.
    """
    found = {}
    for name, tolerance in (("shape", 0.0), ("spacing", 1e-3), ("direction", 1e-4), ("origin", 1e-3)):
        a, b = getattr(first, name), getattr(other, name)
        if np.abs(np.subtract(a, b)).max() > tolerance:
            found[name] = f"{_short(a)} against {_short(b)}"
    return found


def _short(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"


def _positive(values: tuple[float, ...], count: int) -> bool:
    return len(values) == count and all(np.isfinite(v) and v > 0 for v in values)


def _known_file(path: str | os.PathLike[str]) -> tuple[Path, Callable[[Path], Stored]]:
    """The path, and what reads its header."""
    path = Path(path)
    suffix = volume_suffix(path)
    check(
        "a volume file ends in " + ", ".join(VOLUME_SUFFIXES),
        suffix is not None,
        path=str(path),
    )
    check_regular(path, "a volume file must exist, as a file")
    return path, _DESCRIBE[suffix or ""]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns whatever a reader raises on a damaged file into one line that names the file."""
    try:
        yield
    except MedSynthError:
        raise
    except PermissionError as error:
        raise MedSynthError(f"a volume file must be readable. Received: path={str(path)!r}.") from error
    except Exception as error:  # the readers raise a dozen types between them
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[-1] if lines else type(error).__name__
        raise MedSynthError(
            "a volume file must be whole and of the format its ending names. "
            f"Received: path={str(path)!r}, reason={reason!r}. Fetch or export the file again."
        ) from error


def _volume_shape(shape: tuple[int, ...], path: Path, channel: int | None) -> tuple[int, ...]:
    """The three axes of a volume in a file of `shape`; further axes of length 1 are dropped.

    A fourth axis is one of volumes (modalities, time points), of which `channel` is one.
    """
    *_, last = kept = [*shape[:3], *(n for n in shape[3:] if n != 1)]
    if channel is None:
        remedy = "Stack the slices of a patient into one volume." if len(kept) < 3 else (
            "Several modalities in one file are read where a dataset.json (Medical Segmentation Decathlon) "
            "or a layout file names them, e.g. T1 = \"{patient}#1\"; else split the file."
        )  # fmt: skip
        check("a volume has three axes", len(kept) == 3, remedy, path=str(path), shape=tuple(shape))
        return tuple(kept)
    check(
        "a file of several volumes has four axes, and the volume asked for",
        len(kept) == 4 and 0 <= channel < last,
        path=str(path),
        shape=tuple(shape),
        channel=channel,
    )
    return tuple(kept[:3])


def _header(stored: Stored, channel: int | None) -> Header:
    shape = _volume_shape(stored.shape[::-1], stored.path, channel)
    return Header(
        shape[::-1],
        stored.spacing,
        stored.origin,
        stored.direction,
        stored.value_type.name,
        stored.placed,
        stored.doubts,
    )


def _write_nifti(volume: Volume, path: Path) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(volume.direction, (3, 3)) * np.asarray(volume.spacing[::-1])
    affine[:3, 3] = volume.origin
    image = nibabel.Nifti1Image(volume.array.T, _LPS @ affine)
    image.header.set_xyzt_units("mm")
    image.set_qform(_LPS @ affine, code=1)
    image.set_sform(_LPS @ affine, code=1)
    nibabel.save(image, path)


def _write_meta(volume: Volume, path: Path) -> None:
    image = sitk.GetImageFromArray(volume.array)
    image.SetSpacing(volume.spacing[::-1])
    image.SetOrigin(volume.origin)
    image.SetDirection(volume.direction)
    sitk.WriteImage(image, os.fspath(path), useCompression=True)
