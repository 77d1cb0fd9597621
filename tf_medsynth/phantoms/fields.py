"""Random smooth fields on a millimetre grid, and what samples them at any other spacing.

All anatomy is drawn on one coarse grid whose spacing does not depend on the size that is asked for;
a finer or coarser image samples the same fields, so a patient has one anatomy at every size.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.special

Field = np.ndarray
"""A scalar field, `(z, y, x)` float32."""


def stream(seed: int, patient: int, purpose: str) -> np.random.Generator:
    """A generator of its own for one purpose of one patient; no draw moves another's."""
    words = (seed, patient, zlib.crc32(purpose.encode()))
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))


@dataclasses.dataclass(frozen=True)
class Grid:
    """A regular grid: `shape` (z, y, x) points, `spacing` mm apart, the first one at `start` mm."""

    shape: tuple[int, int, int]
    spacing: float
    start: tuple[float, float, float]

    def axis(self, index: int) -> np.ndarray:
        """Positions in mm along one axis, `(n,)` float32."""
        steps = np.arange(self.shape[index], dtype=np.float32)
        return np.float32(self.start[index]) + np.float32(self.spacing) * steps

    def positions(self) -> tuple[Field, Field, Field]:
        """Broadcastable z, y, x positions in mm."""
        z, y, x = (self.axis(index) for index in range(3))
        return z[:, None, None], y[None, :, None], x[None, None, :]

    def refined(self, factor: int) -> Grid:
        """The grid whose cells are these cells cut in `factor` along every axis."""
        spacing = self.spacing / factor
        first = [start - (self.spacing - spacing) / 2 for start in self.start]
        z, y, x = (count * factor for count in self.shape)
        return Grid((z, y, x), spacing, (first[0], first[1], first[2]))


def noise(rng: np.random.Generator, grid: Grid, wavelength: float, band: float = 0.0) -> Field:
    """A smooth random field with mean 0 and standard deviation 1.

    Args:
        rng: source of the draws.
        grid: where the field lives; the field is periodic over the grid.
        wavelength: mm, the shortest that is kept (`band` = 0), or the one preferred.
        band: relative width of the band about the wavelength; 0 keeps all longer waves.
    """
    white = rng.standard_normal(grid.shape, dtype=np.float32)
    spectrum = scipy.fft.rfftn(white)
    z, y = (scipy.fft.fftfreq(n, grid.spacing).astype(np.float32) for n in grid.shape[:2])
    x = scipy.fft.rfftfreq(grid.shape[2], grid.spacing).astype(np.float32)
    frequency = np.sqrt(z[:, None, None] ** 2 + y[None, :, None] ** 2 + x[None, None, :] ** 2)
    ratio = frequency * wavelength
    spectrum *= np.exp(-0.5 * ((ratio - 1) / band) ** 2) if band else np.exp(-0.5 * ratio**2)
    spectrum[0, 0, 0] = 0
    field = scipy.fft.irfftn(spectrum, s=grid.shape)
    return (field / field.std()).astype(np.float32)


class Sampler:
    """Samples fields of one grid at the points of another by separable cubic interpolation."""

    def __init__(self, source: Grid, target: Grid) -> None:
        self.weights = [_cubic_weights(source, target, axis) for axis in range(3)]

    def __call__(self, field: Field) -> Field:
        """`field` of the source grid at the target's points, float32."""
        z, y, x = self.weights
        rows = np.matmul(field, x.T)
        planes = np.matmul(y, rows)
        return np.matmul(z, planes.reshape(len(field), -1)).reshape(len(z), len(y), len(x))


def _cubic_weights(source: Grid, target: Grid, axis: int) -> np.ndarray:
    """Catmull-Rom weights, `(target points, source points)`; the border value extends outward."""
    count = source.shape[axis]
    where = np.clip((target.axis(axis) - source.start[axis]) / source.spacing, 0, count - 1)
    base = np.minimum(where.astype(int), count - 2)
    t = where - base
    taps = (
        (-t + 2 * t**2 - t**3) / 2,
        (2 - 5 * t**2 + 3 * t**3) / 2,
        (t + 4 * t**2 - 3 * t**3) / 2,
        (-(t**2) + t**3) / 2,
    )
    weights = np.zeros((len(where), count), np.float32)
    rows = np.arange(len(where))
    for offset, tap in enumerate(taps):
        np.add.at(weights, (rows, np.clip(base + offset - 1, 0, count - 1)), tap)
    return weights


def block_mean(field: Field, factor: int) -> Field:
    """Mean over cubes of `factor` voxels: what a coarser voxel holds of a finer field."""
    if factor == 1:
        return field
    z, y, x = (n // factor for n in field.shape)
    return field.reshape(z, factor, y, factor, x, factor).mean(axis=(1, 3, 5), dtype=np.float32)


def blur(field: Field, sigmas: Sequence[float]) -> Field:
    """`field` through a Gaussian aperture, voxels along (z, y, x); exact also where that is below one."""
    for axis, sigma in enumerate(sigmas):
        steps = np.arange(-int(4 * sigma + 1), int(4 * sigma + 1) + 1)
        edges = scipy.special.erf((np.append(steps, steps[-1] + 1) - 0.5) / (np.sqrt(2) * sigma))
        kernel = (np.diff(edges) / np.diff(edges).sum()).astype(np.float32)
        field = scipy.ndimage.correlate1d(field, kernel, axis=axis, mode="nearest")
    return field


def distance(inside: Field, spacing: float) -> Field:
    """Signed distance in mm to the zero level of `inside` (> 0 within), smoothed by one voxel."""
    within = inside > 0
    signed = scipy.ndimage.distance_transform_edt(within, sampling=spacing)
    signed -= scipy.ndimage.distance_transform_edt(~within, sampling=spacing)
    signed -= np.sign(signed) * spacing / 2
    return scipy.ndimage.gaussian_filter(signed.astype(np.float32), 1.0)


def smooth_max(first: Field, second: Field, width: float) -> Field:
    """The larger of two distances, its corner filled over about `width` mm (a soft union)."""
    gap = first - second
    return 0.5 * (first + second + np.sqrt(gap * gap + np.float32(width * width)))


def smooth_min(first: Field, second: Field, width: float) -> Field:
    """The smaller of two distances, its corner rounded over about `width` mm."""
    return -smooth_max(-first, -second, width)


def ramp(field: Field, low: float, high: float) -> Field:
    """A smooth step from 0 at `low` to 1 at `high`."""
    t = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1)
    return t * t * (3 - 2 * t)


def occupancy(signed: Field, spacing: float) -> Field:
    """Share of a voxel inside a surface, in [0, 1], from the signed distance at its centre."""
    return np.clip(signed / np.float32(spacing) + np.float32(0.5), 0, 1)
