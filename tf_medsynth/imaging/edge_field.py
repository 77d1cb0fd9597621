"""Where edges run inside an image, and which way, on a grid coarse enough to compare thousands of heads.

The grid has at most `GRID` voxels along an axis, 4 to 5 mm of a head: fine enough to tell left from right,
coarse enough for 47 flips of every file of a cohort.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.imaging.extent import extent

GRID = 64
"""Most voxels along an axis of the reduced grid; axes of one length stay of one length."""


class Edges(NamedTuple):
    """Edges inside one image, on the reduced grid; make it once with `edges` to compare it often.

    Attributes:
        shape: of the image.
        field: `(z, y, x, 4)` float32; gradient (z, y, x), damped to length 0 to 1, and its squared
            length. All 0 where there is no edge, at the organ's surface and outside.
        organ: `(z, y, x)` bool; what is not background, its surface included.
        voxels: `(3, n)` intp; where `field` is not 0.
        energy: sum over voxels of the fourth power of the gradient's length.
    """

    shape: tuple[int, ...]
    field: NDArray[np.float32]
    organ: NDArray[np.bool_]
    voxels: NDArray[np.intp]
    energy: float


def edges(image: NDArray[Any]) -> Edges:
    """The edges inside an image, for `image_agreement` and `label_agreement`.

    Args:
        image: `(z, y, x)`, any real dtype and range. What has the value of the corners is outside.
    """
    coarse = reduced(np.subtract(image, _background(image), dtype=np.float32))
    organ = coarse != 0
    field = np.zeros((*coarse.shape, 4), np.float32)
    nothing = Edges(image.shape, field, organ, np.zeros((3, 0), np.intp), 0.0)
    box = extent(organ)
    part = coarse[box]
    if min(part.shape) < 3:
        return nothing
    inside = _eroded(part != 0)
    gradient = np.asarray(np.gradient(part))
    length = gradient[0] ** 2 + gradient[1] ** 2 + gradient[2] ** 2
    # What is flatter than half of the organ is taken for noise, and counts less the flatter it is.
    noise = float(np.median(length[inside])) if inside.any() else 0.0
    if noise == 0:
        return nothing
    places: tuple[NDArray[np.intp], ...] = np.nonzero(inside & (length > 0))
    values = np.stack([*(component[places] for component in gradient), length[places]], axis=-1)
    damping = values[:, 3:] + noise
    values[:, :3] /= np.sqrt(damping)
    values[:, 3:] /= damping
    voxels = tuple(along + side.start for along, side in zip(places, box, strict=True))
    field[voxels] = values
    return Edges(image.shape, field, organ, np.stack(voxels), float(values[:, 3] @ values[:, 3]))


def reduced(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Averages over the cells of the reduced grid.

    A matrix an axis, the same read from either end: so reducing a flipped array flips the reduced one,
    whatever its length.
    """
    for axis, length in enumerate(array.shape):
        cells = math.ceil(length / math.ceil(length / GRID)) if length else 0
        if cells not in (0, length):
            array = np.moveaxis(np.tensordot(_cells(length, cells), array, (1, axis)), 0, axis)
    return array


def _cells(length: int, cells: int) -> NDArray[np.float32]:
    """`(cells, length)`: the share of each voxel in each of as many equal cells; rows sum to 1."""
    ends = np.linspace(0, length, cells + 1)
    low = np.maximum(ends[:-1, None], np.arange(length))
    high = np.minimum(ends[1:, None], np.arange(1, length + 1))
    return (np.maximum(high - low, 0) * cells / length).astype(np.float32)


def _eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The voxels of a mask whose six neighbours are of it too."""
    eroded = np.zeros_like(mask)
    inner = mask[1:-1, 1:-1, 1:-1] & mask[:-2, 1:-1, 1:-1] & mask[2:, 1:-1, 1:-1]
    inner &= mask[1:-1, :-2, 1:-1] & mask[1:-1, 2:, 1:-1]
    eroded[1:-1, 1:-1, 1:-1] = inner & mask[1:-1, 1:-1, :-2] & mask[1:-1, 1:-1, 2:]
    return eroded


def _background(image: NDArray[Any]) -> float:
    """The commonest value of the eight corners."""
    ends = tuple(slice(None, None, max(1, length - 1)) for length in image.shape)
    values, counts = np.unique(image[ends], return_counts=True)
    return float(values[counts.argmax()])
