"""How far a mask reaches along each of its axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def extent(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The smallest box that holds all of a mask; of no voxels if it is empty."""
    box = []
    for axis in range(mask.ndim):
        along = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(int(along[0]), int(along[-1]) + 1) if along.size else slice(0, 0))
    return tuple(box)
