"""Which way a volume's axes run through the patient, and the turn that brings every volume to one way.

A file may hold the same head with its rows running to the back or to the front, its slices from the
feet up or from the left to the right: the header says which. Slices of two files look alike only after
both were turned to one orientation. A turn permutes and flips axes; it never interpolates.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.imaging.volumes import Header, Volume

CANONICAL = "LPS"
"""Where x, y and z grow to in a canonical volume: left, back (posterior), head (superior)."""

_WAYS = ("RL", "AP", "IS")  # negative and positive end of the three anatomical axes, in LPS
_NO_TURN = ((0, 1, 2), (False, False, False))
# A step of at most this many mm is added to an origin: so coarse that the sum with a 32-bit number of
# a header is exact, and turning there and back returns the very same origin.
_ORIGIN_STEP = 2.0**-24

_Placed = TypeVar("_Placed", Header, Volume)


@dataclasses.dataclass(frozen=True)
class Turn:
    """A permutation and flips of a `(z, y, x)` array, to be done to any array that lies as another.

    Attributes:
        axes: which axis of the old array each axis of the new one is, as for `numpy.transpose`.
        flipped: whether each axis of the new array then runs the other way.
    """

    axes: tuple[int, ...] = _NO_TURN[0]
    flipped: tuple[bool, ...] = _NO_TURN[1]

    @property
    def is_none(self) -> bool:
        """Whether everything stays where it is."""
        return (self.axes, self.flipped) == _NO_TURN

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of what `apply` returns for an array of `shape`."""
        return tuple(shape[axis] for axis in self.axes)

    def apply(self, array: NDArray[Any]) -> NDArray[Any]:
        """A view of a three-dimensional array, turned."""
        return np.flip(array.transpose(self.axes), tuple(np.flatnonzero(self.flipped).tolist()))


def axis_codes(direction: tuple[float, ...]) -> str:
    """Where index x, y and z grow to, "LPS" for the identity; the nearest axes of an oblique volume.

    Args:
        direction: 3x3, row by row, as in `Header`.
    """
    return "".join(_WAYS[axis][positive] for axis, positive in _nearest(direction))


def turn_of(direction: tuple[float, ...], codes: str = CANONICAL) -> Turn:
    """The turn that brings an array of this direction to `codes`.

    Args:
        direction: 3x3, row by row, as in `Header`.
        codes: where x, y and z shall grow to.

    Raises:
        MedSynthError: `codes` are not one each of L or R, P or A, S or I.
    """
    check(
        "an orientation is three letters, one each of L or R, P or A, S or I",
        sorted(next((i for i, way in enumerate(_WAYS) if c in way), 3) for c in codes) == [0, 1, 2],
        "LPS, RAS and PIR are examples.",
        codes=codes,
    )
    own = axis_codes(direction)
    axes, flipped = [], []
    for code in codes[::-1]:  # z, y, x
        index = next(i for i, letter in enumerate(own) if any({letter, code} <= set(way) for way in _WAYS))
        axes.append(2 - index)
        flipped.append(own[index] != code)
    return Turn(tuple(axes), tuple(flipped))


def turned(volume: _Placed, turn: Turn) -> _Placed:
    """The volume, or header, with `turn` done to its axes; every voxel stays where it is in mm."""
    if turn.is_none:
        return volume
    shape = volume.shape if isinstance(volume, Header) else volume.array.shape
    columns = np.reshape(volume.direction, (3, 3)).T  # by index axis x, y, z
    origin, direction = np.array(volume.origin, np.float64), np.empty((3, 3))
    for new, (old, flip) in enumerate(zip(turn.axes, turn.flipped, strict=True)):
        column = columns[2 - old]
        if flip:  # the voxel that was last becomes the first
            step = column * volume.spacing[old] * (shape[old] - 1)
            origin += np.round(step / _ORIGIN_STEP) * _ORIGIN_STEP
        direction[:, 2 - new] = -column if flip else column
    changes: dict[str, Any] = {
        "spacing": tuple(volume.spacing[axis] for axis in turn.axes),
        # adding 0 turns -0.0 into 0.0
        "origin": tuple(float(v) + 0.0 for v in origin),
        "direction": tuple(float(v) + 0.0 for v in direction.ravel()),
    }
    if isinstance(volume, Header):
        changes["shape"] = turn.shape(shape)
    else:
        changes["array"] = np.ascontiguousarray(turn.apply(volume.array))
    return dataclasses.replace(volume, **changes)


def reoriented(volume: Volume, codes: str) -> Volume:
    """The same voxels with x, y and z growing to `codes`: the way out of `canonical`.

    Spacing, origin and direction follow, so every voxel keeps its place in mm; what an oblique volume
    is turned beyond the nearest axes stays in its direction. A volume that lies so is returned itself.
    `canonical` of the result has the voxels, spacing and direction of a canonical `volume` bit for bit,
    and its origin too where that fits a 32-bit header; of other numbers the last digit may differ.

    Raises:
        MedSynthError: `codes` are not one each of L or R, P or A, S or I.
    """
    return turned(volume, turn_of(volume.direction, codes))


def canonical(volume: Volume) -> Volume:
    """The same voxels in `CANONICAL` orientation; itself if it already is; see `reoriented`."""
    return turned(volume, turn_of(volume.direction))


def canonical_header(header: Header) -> Header:
    """The header that `canonical` gives a volume of this one."""
    return turned(header, turn_of(header.direction))


def _nearest(direction: tuple[float, ...]) -> list[tuple[int, bool]]:
    """Of index x, y, z: its anatomical axis (0, 1, 2), each once, and whether it grows to its + end."""
    matrix = np.reshape(np.asarray(direction, np.float64), (3, 3))
    check(
        "a direction is a 3x3 matrix of finite numbers that spans space",
        bool(np.isfinite(matrix).all()) and abs(np.linalg.det(matrix)) > 1e-6,
        direction=direction,
    )
    order = max(itertools.permutations(range(3)), key=lambda rows: np.abs(matrix[list(rows), range(3)]).sum())
    return [(row, bool(matrix[row, column] > 0)) for column, row in enumerate(order)]
