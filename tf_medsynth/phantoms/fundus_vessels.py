"""The vessels of a simulated retina: arteries and veins that leave the disc, arch round the macula, branch.

Lengths are in radii of the field of view, 0 in its middle, x to the right, y downwards. A tree does not
depend on the size of the photograph.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Point = NDArray[np.float64]
"""(x, y)."""

STEP = 0.008
"""Between the points of a vessel; less than half of the largest radius."""

FINEST = 0.0032
"""Radius at which vessels are no longer seen."""

_CELLS = 220
"""Cells from one side of the occupancy grid to the other, which spans -1.15 .. 1.15."""
_SPAN = 1.15
_AVASCULAR = 0.11
"""Around the fovea no vessel is seen."""


@dataclasses.dataclass(frozen=True)
class Eye:
    """Where disc and macula of an eye lie.

    Attributes:
        disc: centre.
        disc_radius: about a seventh of the field.
        macula: centre.
        temporal: 1 where the macula lies to the right of the disc, else -1.
    """

    disc: Point
    disc_radius: float
    macula: Point
    temporal: int


@dataclasses.dataclass(frozen=True)
class Vessel:
    """One branch.

    Attributes:
        points: `(n, 2)`, from the disc outwards.
        radii: `(n,)`.
        artery: otherwise a vein.
    """

    points: NDArray[np.float64]
    radii: NDArray[np.float64]
    artery: bool


def draw_eye(rng: np.random.Generator) -> Eye:
    """A left or right eye, photographed with the macula near the middle, as most are."""
    temporal = 1 if rng.random() < 0.3 else -1
    macula = rng.normal(0.0, (0.04, 0.035))
    away = rng.uniform(0.62, 0.76)
    disc = macula + np.array([-temporal * away, rng.normal(-0.08, 0.05)])
    return Eye(disc, rng.uniform(0.125, 0.165), macula, temporal)


def draw_vessels(rng: np.random.Generator, eye: Eye) -> list[Vessel]:
    """All vessels of an eye, thick ones first."""
    vessels: list[Vessel] = []
    for artery in (False, True):
        taken = _Occupancy()
        trunks = [trunk for side in (-1, 1) for trunk in _trunks(rng, eye, side, artery, taken)]
        queue = [(trunk, 0) for trunk in trunks]
        while queue:
            vessel, depth = queue.pop(0)
            vessels.append(vessel)
            if depth < 3:
                queue += [(child, depth + 1) for child in _children(rng, eye, vessel, depth, taken)]
    return sorted(vessels, key=lambda vessel: -float(vessel.radii[0]))


class _Occupancy:
    """Which cells of the field vessels of one kind run through: they do not cross their like."""

    def __init__(self) -> None:
        self._cells = np.zeros((_CELLS, _CELLS), bool)

    def add(self, vessel: Vessel) -> None:
        """Takes the cells of a vessel and their neighbours."""
        for x, y in self._index(vessel.points):
            self._cells[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = True

    def at(self, point: Point) -> bool:
        """Whether the cell of `point` is taken."""
        ((x, y),) = self._index(point[np.newaxis])
        return bool(self._cells[y, x])

    def _index(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        scaled = (points + _SPAN) / (2 * _SPAN) * _CELLS
        return np.clip(scaled, 0, _CELLS - 1).astype(np.int64)


def _trunks(rng: np.random.Generator, eye: Eye, side: int, artery: bool, taken: _Occupancy) -> list[Vessel]:
    """What leaves the disc above (`side` -1) or below (1) its middle: arcade, nasal vessels, twigs."""
    root = rng.uniform(0.0125, 0.0165) * (0.76 if artery else 1.0)
    start = eye.disc + eye.disc_radius * np.array(
        [eye.temporal * rng.uniform(-0.35, 0.0), side * rng.uniform(0.05, 0.3)]
    )
    arcade = _arcade(rng, eye, side, start, artery)
    trunks = [Vessel(arcade, _tapered(len(arcade), root, 0.40), artery)]
    for low, high in ((15, 45), (50, 85)):
        angle = rng.uniform(np.radians(low), np.radians(high))
        outward = np.array([-eye.temporal * np.cos(angle), side * np.sin(angle)])
        bend = rng.normal(0.0, 0.14) * np.array([-outward[1], outward[0]])
        nodes = np.array([start, start + 0.3 * outward, start + 0.85 * outward + bend])
        nasal = _wavy(rng, _spline(nodes), 0.008)
        trunks.append(Vessel(nasal, _tapered(len(nasal), rng.uniform(0.42, 0.7) * root, 0.5), artery))
    for trunk in trunks:
        taken.add(trunk)
    for _ in range(rng.integers(2, 5)):  # between disc and macula
        edge = side * rng.uniform(0.2, 0.9)
        begin = eye.disc + 0.92 * eye.disc_radius * np.array([eye.temporal * np.cos(edge), np.sin(edge)])
        heading = float(np.arctan2(np.sin(edge) * 0.9, eye.temporal))
        twig = _grown(rng, eye, begin, heading, rng.uniform(0.0042, 0.0068), artery, taken)
        if twig is not None:
            taken.add(twig)
            trunks.append(twig)
    return trunks


def _arcade(rng: np.random.Generator, eye: Eye, side: int, start: Point, artery: bool) -> NDArray[np.float64]:
    """Points of the large vessel that arches round the macula; artery and vein keep apart."""
    away = abs(eye.macula[0] - eye.disc[0])
    high = rng.uniform(0.62, 0.86) + (rng.uniform(-0.16, 0.02) if artery else 0.0)
    late = rng.uniform(0.25, 0.85)
    shape = np.array([(rng.uniform(0.0, 0.12), 0.36), (0.40, 0.80), (0.98, 1.0), (1.6, 0.86), (2.15, late)])
    ends = shape * np.array([eye.temporal, side * high]) * away + eye.disc
    ends += rng.normal(0.0, 0.028, ends.shape) * np.array([[0.3], [1], [1], [1], [1]])
    return _wavy(rng, _spline(np.vstack([start, ends])), rng.uniform(0.002, 0.008))


def _children(
    rng: np.random.Generator, eye: Eye, parent: Vessel, depth: int, taken: _Occupancy
) -> list[Vessel]:
    """Branches of a vessel, left and right in turn, closer together the thinner it is."""
    children = []
    gap = (0.10, 0.085, 0.08)[depth]
    place, side = rng.uniform(0.3, 1.0) * gap + (eye.disc_radius if depth == 0 else 0.0), 1
    while (index := int(place / STEP)) < len(parent.points) - 4:
        place += gap * rng.uniform(0.55, 1.5)
        side = -side if rng.random() < 0.75 else side
        radius = float(parent.radii[index]) * rng.uniform(0.42, 0.82)
        if radius < FINEST:
            continue
        along = parent.points[index + 1] - parent.points[index - 1 if index else 0]
        heading = float(np.arctan2(along[1], along[0])) + side * rng.uniform(0.5, 1.1)
        child = _grown(rng, eye, parent.points[index], heading, radius, parent.artery, taken)
        if child is not None:
            taken.add(child)
            children.append(child)
    return children


def _grown(
    rng: np.random.Generator,
    eye: Eye,
    start: Point,
    heading: float,
    radius: float,
    artery: bool,
    taken: _Occupancy,
) -> Vessel | None:
    """A branch that wanders on until it is too thin, leaves the field or meets its like; None if short."""
    length = int((0.15 + min(radius / 0.007, 1.3) * rng.uniform(0.15, 0.65)) / STEP)
    points, turn, position = [start], 0.0, start
    for number in range(length):
        turn = 0.85 * turn + rng.normal(0.0, 0.028)
        heading += turn + 0.06 * np.sin(_wanted(eye, position) - heading) * min(number / 8, 1.0)
        position = position + STEP * np.array([np.cos(heading), np.sin(heading)])
        near = np.hypot(*(position - eye.macula)) < _AVASCULAR
        inside_disc = np.hypot(*(position - eye.disc)) < 0.9 * eye.disc_radius
        if near or inside_disc or np.hypot(*position) > 1.05 or (number > 5 and taken.at(position)):
            break
        points.append(position)
    if len(points) < 8:
        return None
    return Vessel(np.array(points), _tapered(len(points), radius, 0.5), artery)


def _wanted(eye: Eye, position: Point) -> float:
    """The direction in which vessels run at a place: to the macula between the arcades, else outwards."""
    to_macula, from_disc = eye.macula - position, position - eye.disc
    away = abs(eye.macula[0] - eye.disc[0])
    between = np.hypot(to_macula[0] / 1.25, to_macula[1]) < 0.68 * away
    if between and from_disc[0] * eye.temporal > 0:
        wanted = to_macula / np.hypot(*to_macula) + 0.5 * np.array([eye.temporal, 0.0])
    else:
        wanted = from_disc / np.hypot(*from_disc) - 0.6 * to_macula / np.hypot(*to_macula)
    return float(np.arctan2(wanted[1], wanted[0]))


def _tapered(count: int, radius: float, end: float) -> NDArray[np.float64]:
    return np.maximum(radius * np.linspace(1.0, end, count), 0.8 * FINEST)


def _spline(nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points about `STEP` apart on a Catmull-Rom curve through `nodes`."""
    padded = np.vstack([2 * nodes[0] - nodes[1], nodes, 2 * nodes[-1] - nodes[-2]])
    pieces: list[NDArray[np.float64]] = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        t = np.linspace(0, 1, max(int(np.hypot(*(c - b)) / STEP), 2), endpoint=False)[:, np.newaxis]
        cubic = 3 * b - a - 3 * c + d
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + cubic * t**3))
    return np.concatenate(pieces)


def _wavy(rng: np.random.Generator, points: NDArray[np.float64], amplitude: float) -> NDArray[np.float64]:
    """`points` moved sideways by a slow random wave that starts at 0 (vessels are tortuous)."""
    waves: Sequence[float] = rng.uniform(0.08, 0.3, 4).tolist()
    places = np.arange(len(points)) * STEP
    shift = sum(np.sin(2 * np.pi * (places / wave + rng.random())) * wave / 0.3 for wave in waves)
    along = np.gradient(points, axis=0)
    along /= np.maximum(np.hypot(along[:, :1], along[:, 1:]), 1e-9)
    sideways = np.stack([-along[:, 1], along[:, 0]], axis=1)
    ease = np.clip(places / 0.25, 0, 1)[:, np.newaxis]
    return points + sideways * (amplitude * ease * np.asarray(shift)[:, np.newaxis])
