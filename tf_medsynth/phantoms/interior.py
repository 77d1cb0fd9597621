"""What lies inside the brain: ventricles, choroid plexus, deep nuclei, vessels."""

from __future__ import annotations

import dataclasses

import numpy as np

from tf_medsynth.phantoms.fields import Field, noise, stream
from tf_medsynth.phantoms.shapes import Point, ellipsoid, tube
from tf_medsynth.phantoms.skull import BODY, Skull


@dataclasses.dataclass(frozen=True)
class Interior:
    """Signed distances in mm on `BODY`, positive inside.

    Attributes:
        ventricles: lateral, third and fourth.
        choroid: plexus in the trigones.
        nuclei: caudate, putamen and thalamus.
        pallidum: globus pallidus.
        vessel_one: with `vessel_two`, two waves (mm) that vanish together along the vessels' axes.
        vessel_two: see `vessel_one`.
        sinus: superior sagittal sinus.
        folia: phase, radians, across the cerebellar leaves.
    """

    ventricles: Field
    choroid: Field
    nuclei: Field
    pallidum: Field
    vessel_one: Field
    vessel_two: Field
    sinus: Field
    folia: Field


def draw_interior(seed: int, patient: int, skull: Skull) -> Interior:
    """Inner structures of one patient's brain, named by (seed, patient)."""
    rng = stream(seed, patient, "interior")
    point, side = skull.point, skull.point.mirrored()
    swell = float(np.clip(rng.lognormal(0.15, 0.3), 0.6, 2.0))
    caudate = np.maximum(
        ellipsoid(side, (15, -22, 9), (6.5, 13, 10), tilt=-0.25),
        tube(side, [(16, -12, 15, 4), (18, 10, 21, 2.5)]),
    )
    ventricles = np.maximum(_lateral(side, swell, caudate), _middle(point, swell))
    thalamus = ellipsoid(side, (11.5, 11, 5), (8.5, 15, 11), tilt=0.1)
    nuclei = np.maximum(np.maximum(caudate, _putamen(side)), thalamus)
    return Interior(
        ventricles=ventricles.astype(np.float32),
        choroid=tube(side, [(13, 20, 16, 1.5), (22, 33, 10, 3.2), (25, 30, 0, 1.5)]),
        nuclei=nuclei,
        pallidum=ellipsoid(side, (19.5, -1, 2), (4.2, 9, 7)),
        vessel_one=_vessel_wave(rng),
        vessel_two=_vessel_wave(rng),
        sinus=_sinus(skull),
        folia=_folia(point, rng),
    )


def _lateral(side: Point, swell: float, caudate: Field) -> Field:
    """Lateral ventricle: frontal horn about the caudate head, body, trigone and two horns."""
    main = [(11, -36, 4, 3.0), (8, -24, 12, 5.0), (8, -6, 20, 4.8), (13, 14, 21, 5.0), (23, 32, 11, 6.0)]
    back = [(23, 32, 11, 5.5), (24, 52, 5, 2.0)]
    low = [(23, 32, 11, 5.5), (31, 16, -12, 1.6), (31, -10, -22, 1.3)]
    grow = 1.6 * (swell - 1)
    spine = np.maximum(tube(side, main), tube(side, back)) + grow
    spine = np.maximum(spine, tube(side, low) + grow / 3)
    septum = side.x - np.float32(0.9)
    return np.minimum(np.minimum(spine, septum), -caudate - np.float32(0.3))


def _middle(point: Point, swell: float) -> Field:
    """Third ventricle, a thin upright slab, and fourth ventricle behind the pons."""
    third = ellipsoid(point, (0, 1, 3), (1.4 + 1.2 * swell, 14, 9))
    fourth = ellipsoid(point, (0, 26, -36), (7, 4.5, 10), tilt=-0.3)
    aqueduct = tube(point, [(0, 13, -4, 0.8), (0, 22, -28, 1.2)])
    return np.maximum(np.maximum(third, fourth), aqueduct)


def _putamen(side: Point) -> Field:
    """Putamen: a lens that leans outward behind."""
    lean = side._replace(x=side.x - 0.18 * (side.y + 4))
    return ellipsoid(lean, (26.5, -4, 3), (5.0, 16, 11))


def _vessel_wave(rng: np.random.Generator) -> Field:
    """A wave in mm: near its zeros, roughly the distance from them."""
    return np.float32(24.0 / (2 * np.pi)) * noise(rng, BODY, 24.0, band=0.35)


def _sinus(skull: Skull) -> Field:
    """Superior sagittal sinus, under the vault in the midline, wider behind."""
    point = skull.point
    calibre = 1.6 + 1.6 * np.clip((point.y + 40) / 110, 0, 1)
    gap = np.sqrt((0.7 * point.x) ** 2 + (skull.cerebrum - 1.0) ** 2)
    return np.minimum(calibre - gap, point.z - np.float32(4)).astype(np.float32)


def _folia(point: Point, rng: np.random.Generator) -> Field:
    """Phase across the cerebellar leaves, which fan out from the fourth ventricle's roof."""
    y, z = point.y - np.float32(20), point.z + np.float32(34) + 0.004 * point.x**2
    bend = 1.2 * noise(rng, BODY, 25.0)
    return (np.arctan2(z, y) * np.float32(27) + 0.06 * np.abs(point.x) + bend).astype(np.float32)
