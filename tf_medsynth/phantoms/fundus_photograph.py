"""A simulated retina photographed: colours, light, what blood absorbs, the camera's field and noise."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from tf_medsynth.phantoms.fields import ramp, stream
from tf_medsynth.phantoms.fundus_vessels import Eye, Vessel, draw_eye, draw_vessels

Plane = NDArray[np.float32]

_FINER = 3
"""Vessels are drawn this much finer than the photograph, then averaged."""
_TEXTURE = 512
"""Pixels a side of random fields, whatever the size of the photograph."""
_WIDTH = 565 / 584
_RADIUS = 0.4615
"""Width of a photograph and radius of its field of view, as shares of its height."""

_ABSORBED = {False: (0.22, 0.30, 0.20), True: (0.11, 0.25, 0.17)}
"""Share of red, green and blue that the thickest vein, or artery (True), takes away."""


@dataclasses.dataclass(frozen=True)
class FundusImage:
    """A photograph of the phantom.

    Attributes:
        image: `(H, W, 3)` uint8, red, green, blue.
        label: `(H, W)` bool, True on a vessel.
        field_of_view: `(H, W)` bool.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.bool_]
    field_of_view: NDArray[np.bool_]


def photograph(seed: int, number: int, size: int) -> FundusImage:
    """Image `number` of the cohort `seed`: one eye at every `size` (px of height); only noise differs."""
    eye = draw_eye(stream(seed, number, "fundus eye"))
    vessels = draw_vessels(stream(seed, number, "fundus vessels"), eye)
    grid = _grid(size)
    field = _field_of_view(grid, size)
    rng = stream(seed, number, "fundus colours")
    colours = _retina(rng, eye, grid) * _light(rng, grid)
    colours = _with_disc(rng, colours, eye, grid)
    coverage = np.zeros(field.shape, np.float32)
    for artery in (False, True):
        drawn, reflex, inked = _drawn([v for v in vessels if v.artery == artery], grid, size)
        absorbed = np.asarray(_ABSORBED[artery], np.float32) * rng.uniform(0.85, 1.1)
        colours *= 1 - drawn[..., np.newaxis] * absorbed
        colours *= 1 + (0.10 if artery else 0.03) * reflex[..., np.newaxis]
        coverage = np.maximum(coverage, inked)
    colours += _fringe(rng, grid)
    image = _exposed(stream(seed, number, f"fundus noise {size}"), colours, field, size)
    return FundusImage(image, (coverage > 0.5) & field, field)


@dataclasses.dataclass(frozen=True)
class _Grid:
    """x and y of every pixel, `(H, W)`, in radii of the field of view, 0 in its middle."""

    x: Plane
    y: Plane

    def distance(self, centre: NDArray[np.float64]) -> Plane:
        """From a point, in the same unit."""
        return np.hypot(self.x - np.float32(centre[0]), self.y - np.float32(centre[1]))


def _grid(size: int) -> _Grid:
    columns = round(size * _WIDTH)
    radius = _RADIUS * size
    y, x = np.mgrid[:size, :columns].astype(np.float32)
    return _Grid((x - (columns - 1) / 2) / radius, (y - (size - 1) / 2) / radius)


def _field_of_view(grid: _Grid, size: int) -> NDArray[np.bool_]:
    """The disc the camera sees, with the small tab at its upper right that tells up from down."""
    tab = grid.distance(np.array([0.71, -0.71])) < 0.055
    return np.asarray((grid.distance(np.zeros(2)) < 1.0) | tab)


def _noise(
    rng: np.random.Generator, grid: _Grid, fine: float, stretch: float = 1.0, angle: float = 0.0
) -> Plane:
    """A smooth random field of spread 1; `fine` is its smallest feature in radii of the field of view.

    Features are `stretch` times as long as wide, their long side turned by `angle` from the horizontal.
    """
    sigma = fine * _TEXTURE / 2.4
    white = rng.standard_normal((_TEXTURE, _TEXTURE), dtype=np.float32)
    smooth = scipy.ndimage.gaussian_filter(white, (sigma, sigma * stretch), mode="wrap")
    smooth = (smooth - smooth.mean()) / smooth.std()
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    places = grid.y * cosine - grid.x * sine, grid.x * cosine + grid.y * sine
    rows, columns = ((axis + 1.2) / 2.4 * _TEXTURE for axis in places)
    turned = cv2.remap(smooth, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return turned.astype(np.float32, copy=False)


def _retina(rng: np.random.Generator, eye: Eye, grid: _Grid) -> NDArray[np.float32]:
    """Colour of the bare retina `(H, W, 3)` in grey levels: pigment, choroid, macula, nerve fibres."""
    red = rng.uniform(140, 250)
    green = red * rng.uniform(0.45, 0.60) + rng.normal(0, 4)
    blue = green * rng.uniform(0.50, 0.68)
    base = np.array([red, green, blue], np.float32)
    cloud = _noise(rng, grid, 0.28)
    choroid = _noise(rng, grid, 0.011, rng.uniform(1.2, 2.2), rng.uniform(0, np.pi)) * rng.uniform(
        0.006, 0.02
    )
    mottle = _noise(rng, grid, 0.045) * 0.014
    pattern = choroid + mottle
    colours = base * (1 + pattern[..., np.newaxis] * np.array([0.8, 1.1, 0.9], np.float32))
    colours *= 1 + cloud[..., np.newaxis] * np.array([0.03, 0.05, 0.045], np.float32)
    near = grid.distance(eye.macula)
    depth = rng.uniform(0.14, 0.26)
    spot = depth * np.exp(-0.5 * (near / 0.17) ** 2) + 0.75 * depth * np.exp(-0.5 * (near / 0.062) ** 2)
    colours *= 1 - spot[..., np.newaxis] * np.array([0.82, 1.05, 0.75], np.float32)
    sheen = np.exp(-0.5 * ((grid.distance(eye.disc) - 0.28) / 0.16) ** 2)
    sheen *= ramp(np.abs(grid.y - np.float32(eye.disc[1])), 0.0, 0.25) * rng.uniform(0.0, 0.09)
    return np.asarray(colours * (1 + sheen[..., np.newaxis] * np.array([0.4, 1.0, 1.0], np.float32)))


def _light(rng: np.random.Generator, grid: _Grid) -> NDArray[np.float32]:
    """Illumination `(H, W, 3)`, about 1: brightest off the middle, towards the rim dim and less red."""
    angle, push = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.55)
    fall = grid.distance(push * np.array([np.cos(angle), np.sin(angle)]))
    fall = fall * (1 + 0.12 * _noise(rng, grid, 0.3))
    steep = np.array([1.0, 0.8, 0.6], np.float32) * rng.uniform(0.16, 0.32)
    return np.asarray(1.12 - steep * ramp(fall, 0.05, 1.5)[..., np.newaxis] * np.float32(1.9))


def _with_disc(
    rng: np.random.Generator, colours: NDArray[np.float32], eye: Eye, grid: _Grid
) -> NDArray[np.float32]:
    """The optic disc over `colours`: a pale ellipse, its cup paler, a rim on the nasal side pinker."""
    tall, tilt = rng.uniform(1.02, 1.18), rng.normal(0.0, 0.12)
    x, y = grid.x - np.float32(eye.disc[0]), grid.y - np.float32(eye.disc[1])
    u, v = x * np.cos(tilt) + y * np.sin(tilt), (y * np.cos(tilt) - x * np.sin(tilt)) / tall
    wobble = 1 + 0.03 * np.sin(3 * np.arctan2(v, u) + rng.uniform(0, 6))
    out = np.hypot(u, v) / (eye.disc_radius * wobble)
    pale = 1 - ramp(out, 0.86, 1.10)
    shift = 0.16 * eye.disc_radius * eye.temporal
    cup = 1 - ramp(np.hypot(u - shift, v) / eye.disc_radius, rng.uniform(0.2, 0.4), rng.uniform(0.6, 0.8))
    halo = np.exp(-0.5 * ((out - 1.12) / 0.13) ** 2) * rng.uniform(0.0, 0.14)
    colours = colours * (1 + halo[..., np.newaxis])
    level = float(colours.mean(axis=(0, 1))[0]) / 190
    gain = rng.uniform(0.92, 1.06)
    rim = np.array([255, 176, 92], np.float32) * level**0.5 * gain
    middle = np.array([275, 236, 142], np.float32) * level**0.35 * gain
    uneven = 1 + 0.05 * _noise(rng, grid, 0.03) - 0.10 * ramp(-x * eye.temporal / eye.disc_radius, 0.2, 1.0)
    disc = (rim + (middle - rim) * cup[..., np.newaxis]) * uneven[..., np.newaxis]
    return np.asarray(colours + (disc - colours) * pale[..., np.newaxis] * np.float32(0.93))


def _drawn(vessels: list[Vessel], grid: _Grid, size: int) -> tuple[Plane, Plane, Plane]:
    """Blood in [0, 1] (1 in the thickest vessel), light on the wall, and share of a pixel covered."""
    rows, columns = (axis * _FINER for axis in grid.x.shape)
    blood, inked = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)
    shine = np.zeros((rows, columns), np.float32)
    scale = _RADIUS * size * _FINER
    middle = np.array([columns, rows]) / 2 - 0.5
    for vessel in reversed(vessels):  # thick ones over thin ones
        pixels = np.rint((vessel.points * scale + middle) * 16).astype(int)
        for start, end, radius in zip(pixels, pixels[1:], vessel.radii, strict=False):
            width = max(round(2 * radius * scale), 1)
            amount = float(np.clip(0.22 + 0.78 * radius / 0.0135, 0, 1))
            ends = (int(start[0]), int(start[1])), (int(end[0]), int(end[1]))
            cv2.line(blood, *ends, amount, width, cv2.LINE_8, 4)
            cv2.line(inked, *ends, 1.0, width, cv2.LINE_8, 4)
            light = float(np.clip((radius - 0.005) / 0.006, 0, 1))
            cv2.line(shine, *ends, light, max(round(width * 0.34), 1), cv2.LINE_8, 4)
    shape = (grid.x.shape[1], grid.x.shape[0])
    soft = 0.0016 * scale
    blood, shine = (cv2.GaussianBlur(plane, (0, 0), max(soft, 0.3)) for plane in (blood, shine))
    planes = [cv2.resize(plane, shape, interpolation=cv2.INTER_AREA) for plane in (blood, shine, inked)]
    first, second, third = (plane.astype(np.float32, copy=False) for plane in planes)
    return first, second, third


def _fringe(rng: np.random.Generator, grid: _Grid) -> NDArray[np.float32]:
    """Light scattered at one side of the rim, greenish, in grey levels."""
    angle = rng.uniform(0, 2 * np.pi)
    side = ramp(grid.x * np.float32(np.cos(angle)) + grid.y * np.float32(np.sin(angle)), -0.1, 1.0)
    glow = ramp(grid.distance(np.zeros(2)), 0.72, 1.02) ** 2 * side * rng.uniform(8, 46)
    return np.asarray(glow[..., np.newaxis] * np.array([0.25, 1.0, 0.75], np.float32))


def _exposed(
    rng: np.random.Generator, colours: NDArray[np.float32], field: NDArray[np.bool_], size: int
) -> NDArray[np.uint8]:
    """8-bit image: the field with soft edge and grain, a nearly black surround."""
    share = cv2.GaussianBlur(field.astype(np.float32), (0, 0), max(size / 900, 0.3))[..., np.newaxis]
    surround = np.array([7.5, 6.5, 6.8], np.float32)
    grain = rng.standard_normal(colours.shape, dtype=np.float32)
    blurred = cv2.GaussianBlur(grain, (0, 0), 0.75) * np.array([5.0, 6.0, 5.0], np.float32)
    levels = surround + (colours - surround) * share + blurred * (0.25 + 0.75 * share)
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
