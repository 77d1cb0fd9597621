"""Implicit surfaces of the head: approximate signed distances in mm, positive inside."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tf_medsynth.phantoms.fields import Field


class Point(NamedTuple):
    """Fields of position in mm: x to the patient's left, y backwards, z upwards, 0 mid-brain."""

    x: Field
    y: Field
    z: Field

    def mirrored(self) -> Point:
        """Both hemispheres as one: x becomes the distance from the midline."""
        return Point(np.abs(self.x), self.y, self.z)


def ellipsoid(
    point: Point, centre: Sequence[float], radii: Sequence[float], tilt: float = 0.0, power: float = 2.0
) -> Field:
    """Distance along the ray to an ellipsoid's surface.

    Args:
        point: where.
        centre: (x, y, z) mm.
        radii: (x, y, z) mm.
        tilt: radians, about the x axis; positive lowers the front.
        power: 2 is an ellipsoid, larger is boxier.
    """
    x, y, z = (axis - np.float32(middle) for axis, middle in zip(point, centre, strict=True))
    cosine, sine = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    y, z = cosine * y + sine * z, cosine * z - sine * y
    radius = np.sqrt(x * x + y * y + z * z) + np.float32(1e-3)
    scaled = sum(
        np.abs(axis / np.float32(r)) ** np.float32(power) for axis, r in zip((x, y, z), radii, strict=True)
    )
    return radius * ((scaled + np.float32(1e-6)) ** np.float32(-1 / power) - 1)


def tube(point: Point, nodes: Sequence[tuple[float, float, float, float]]) -> Field:
    """Distance to a tube through `nodes` (x, y, z, radius), the radius linear between nodes."""
    best: Field = np.full((1, 1, 1), -np.inf, np.float32)
    for first, second in itertools.pairwise(nodes):
        start, end = np.array(first, np.float32), np.array(second, np.float32)
        along = end[:3] - start[:3]
        offsets = [axis - origin for axis, origin in zip(point, start[:3], strict=True)]
        t = sum(offset * step for offset, step in zip(offsets, along, strict=True))
        t = np.clip(t / (along @ along), 0, 1)
        squared = sum((offset - t * step) ** 2 for offset, step in zip(offsets, along, strict=True))
        signed = start[3] + t * (end[3] - start[3]) - np.sqrt(squared)
        best = np.maximum(best, signed)
    return best


def sheet(across: Field, *beyond: Field) -> Field:
    """Distance (>= 0) to a sheet: `across` mm from its plane, `beyond` mm past its edges."""
    squared = across * across
    for excess in beyond:
        squared = squared + np.maximum(excess, 0) ** 2
    return np.sqrt(squared)
