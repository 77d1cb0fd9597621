"""Folded cortex: where sulci run, how deep they cut, and how far every voxel lies from the pia."""

from __future__ import annotations

import dataclasses

import numpy as np
import scipy.ndimage

from tf_medsynth.phantoms.fields import Field, noise, ramp, smooth_min, stream
from tf_medsynth.phantoms.shapes import Point, sheet
from tf_medsynth.phantoms.skull import BODY, Skull

GYRUS = 30.0
"""Wavelength of the folding in mm; sulci run where the wave changes sign, half of it apart."""

DIMPLE = 19.0
"""Wavelength in mm of the shallow secondary sulci."""


@dataclasses.dataclass(frozen=True)
class Folds:
    """Fields on `BODY` from which the cortex is painted at any finer spacing.

    Attributes:
        wave: folding wave, carried along the normals of the brain's surface; a sulcus runs at 0.
        slope: magnitude of its gradient, 1/mm.
        reach: depth in mm below the surface to which the sulci go.
        dimple: as `wave`, of the secondary sulci.
        dimple_slope: magnitude of its gradient, 1/mm.
        across: signed mm from the plane of the interhemispheric fissure.
        bridge: mm inside the block that joins the hemispheres, seen from the side; negative outside.
        wall: mm outward from the insula.
        lift: mm above the plane of the Sylvian fissure.
        along: mm behind the middle of that fissure.
        thickness: of the cortex, mm.
        width: half the width of a sulcus, mm.
    """

    wave: Field
    slope: Field
    reach: Field
    dimple: Field
    dimple_slope: Field
    across: Field
    bridge: Field
    wall: Field
    lift: Field
    along: Field
    thickness: Field
    width: Field

    @property
    def midline(self) -> Field:
        """Distance in mm (>= 0) to the interhemispheric fissure."""
        return sheet(self.across, self.bridge)

    @property
    def lateral(self) -> Field:
        """Distance in mm (>= 0) to the Sylvian fissure and to the fluid over the insula."""
        offset = np.abs(self.along)
        cleft = sheet(self.lift, -self.wall, offset - 32)
        return np.minimum(cleft, sheet(self.wall, offset - 21, np.abs(self.lift - 1) - 11))

    @property
    def block(self) -> Field:
        """Mm inside callosum, thalami and ventricles, where there is no cortex; negative outside."""
        return np.minimum(self.bridge, 17 - np.abs(self.across))


def draw_folds(seed: int, patient: int, skull: Skull) -> Folds:
    """Folding of one patient's cerebrum, named by (seed, patient)."""
    rng = stream(seed, patient, "folds")
    point = skull.point
    bridge = _bridge(point)
    surface = smooth_min(skull.cerebrum, sheet(point.x, bridge), 2.0)
    block = np.minimum(bridge, 17 - np.abs(point.x))
    carry = _Carrier(rng, surface)
    wave = carry(_labyrinth(rng, GYRUS))
    dimple = carry(_labyrinth(rng, DIMPLE))
    atrophy = float(np.clip(rng.lognormal(-1.2, 0.4), 0.14, 0.75))
    wall, lift = _sylvian(point, rng)
    deep = np.clip(17 + 5.5 * noise(rng, BODY, 30.0), 5, 28)
    return Folds(
        wave=wave,
        slope=_steepness(wave),
        reach=deep * (0.2 + 0.8 * ramp(-block, -2, 10)),
        dimple=dimple,
        dimple_slope=_steepness(dimple),
        across=point.x,
        bridge=bridge,
        wall=wall,
        lift=lift,
        along=point.y + np.float32(2),
        thickness=2.9 + 0.35 * noise(rng, BODY, 22.0),
        width=np.clip(atrophy * np.exp(0.8 * noise(rng, BODY, 20.0)) - 0.15, -0.15, 0.75),
    )


def _steepness(wave: Field) -> Field:
    """Magnitude of the gradient, 1/mm."""
    return np.sqrt(sum(axis**2 for axis in np.gradient(wave, BODY.spacing)))


def _bridge(point: Point) -> Field:
    """Depth inside the block of callosum, thalami and ventricles, seen from the side."""
    y, z = point.y - np.float32(1), point.z - np.float32(3)
    radius = np.sqrt(y * y + z * z) + np.float32(1e-3)
    scaled = (np.abs(y / 40) ** 2.3 + np.abs(z / 24) ** 2.3 + 1e-6) ** (1 / 2.3)
    return (radius / scaled - radius).astype(np.float32)


def _labyrinth(rng: np.random.Generator, wavelength: float) -> Field:
    """A band-limited wave whose zeros wind like sulci: one scale, bent by a slower field."""
    wave = noise(rng, BODY, wavelength, band=0.2)
    shift = [0.13 * wavelength / BODY.spacing * noise(rng, BODY, 1.5 * wavelength) for _ in range(3)]
    index = np.indices(BODY.shape, dtype=np.float32)
    return scipy.ndimage.map_coordinates(wave, index + np.stack(shift), order=1, mode="grid-wrap")


class _Carrier:
    """Carries a field from the surface inward along its normals, which bend with depth."""

    def __init__(self, rng: np.random.Generator, surface: Field) -> None:
        normal = np.stack(np.gradient(scipy.ndimage.gaussian_filter(surface, 1.0)))
        normal /= np.sqrt(np.sum(normal**2, axis=0)) + np.float32(1e-6)
        depth = np.clip(surface, 0, 32) / np.float32(BODY.spacing)
        bend = np.stack([noise(rng, BODY, 26.0) for _ in range(3)])
        self._index = np.indices(BODY.shape, dtype=np.float32) - normal * depth
        self._index += bend * (np.float32(0.22) * depth)

    def __call__(self, field: Field) -> Field:
        """`field` as found where each voxel's normal meets the surface."""
        carried = scipy.ndimage.map_coordinates(field, self._index, order=1, mode="grid-wrap")
        return scipy.ndimage.gaussian_filter(carried, 0.5)


def _sylvian(point: Point, rng: np.random.Generator) -> tuple[Field, Field]:
    """Mm outward from the insula, and above the plane of the lateral fissure, on either side."""
    raised, deeper = rng.normal(0, 1.5), rng.normal(0, 1.0)
    wall = np.abs(point.x) - (np.float32(35 + deeper) + 0.002 * (point.y + 3) ** 2)
    lift = point.z + np.float32(4 - raised) - np.float32(0.28) * point.y
    ripple = noise(rng, BODY, 22.0)
    return wall + 1.5 * ripple, lift + 2 * ripple
