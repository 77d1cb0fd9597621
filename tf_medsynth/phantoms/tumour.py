"""Lesions: where they sit, how they grow, what they displace."""

from __future__ import annotations

import dataclasses

import numpy as np

from tf_medsynth.phantoms.fields import Field, noise, ramp, stream
from tf_medsynth.phantoms.shapes import Point
from tf_medsynth.phantoms.skull import BODY, Skull


@dataclasses.dataclass(frozen=True)
class Site:
    """One focus: atlas position (x, y, z) mm, core radius mm, oedema reach mm, axis ratios."""

    centre: tuple[float, float, float]
    radius: float
    oedema: float
    ratios: tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is decided about a patient's disease before any voxel is drawn.

    Attributes:
        grade: "HGG", or "LGG": no enhancement, little necrosis and oedema.
        sites: one or two foci.
        rim: thickness of the enhancing rim, mm.
        breaks: level under which the rim's own field leaves it open.
        solid: mm of core within the rim before necrosis begins.
        pressure: mass effect, 0 none.
    """

    grade: str
    sites: tuple[Site, ...]
    rim: float
    breaks: float
    solid: float
    pressure: float


@dataclasses.dataclass(frozen=True)
class Lesion:
    """Fields on `BODY`.

    Attributes:
        core: signed distance in mm to the tumour core's surface, positive inside.
        rim: thickness in mm of the enhancing rim, 0 where it is broken.
        solid: mm of core within the rim before necrosis begins.
        spread: mm that oedema reaches from the core in white matter.
        side: mm from the midline plane, positive in the hemisphere of the lesion.
        source: (3, z, y, x) index of the voxel of the healthy brain that mass effect put here.
    """

    core: Field
    rim: Field
    solid: Field
    spread: Field
    side: Field
    source: np.ndarray


def draw_plan(seed: int, patient: int) -> Plan:
    """Disease of one patient, named by (seed, patient)."""
    rng = stream(seed, patient, "plan")
    low_grade = rng.random() < 0.28
    radius = float(np.clip(rng.lognormal(np.log(15), 0.42), 6, 29))
    sites = [_site(rng, radius, low_grade, None)]
    if rng.random() < 0.22:
        sites.append(_site(rng, float(np.clip(radius * rng.uniform(0.3, 0.6), 4.5, 12)), low_grade, sites[0]))
    return Plan(
        grade="LGG" if low_grade else "HGG",
        sites=tuple(sites),
        rim=0.0 if low_grade else float(rng.uniform(2.8, 6.5)),
        breaks=float(rng.uniform(-1.6, -0.5)),
        solid=float(rng.uniform(5, 16) if low_grade else rng.uniform(-2.5, 3.5)),
        pressure=float(rng.uniform(0.15, 0.4)),
    )


def _site(rng: np.random.Generator, radius: float, low_grade: bool, near: Site | None) -> Site:
    """A focus in the white or grey matter of one hemisphere, off the midline."""
    if near is None:
        side = rng.choice((-1.0, 1.0))
        turn, height = rng.uniform(0, 2 * np.pi), rng.uniform(-6, 42)
        room = np.sqrt(1 - (height / 66) ** 2)
        x = side * (14 + radius * 0.45 + abs(np.sin(turn)) * max(room * 46 - 14 - radius * 0.75, 2))
        centre = (float(x), float(np.cos(turn) * room * 54), float(height))
    else:
        x, y, z = near.centre
        step = rng.normal(0, 1, 3)
        step *= (near.radius + radius + rng.uniform(3, 10)) / np.linalg.norm(step)
        x = np.sign(x) * np.clip(abs(x + step[0]), 12, 44)
        centre = (float(x), float(np.clip(y + step[1], -52, 52)), float(np.clip(z + step[2], -6, 42)))
    reach = rng.uniform(2, 8) if low_grade else rng.uniform(6, 26)
    ratios = np.exp(rng.normal(0, 0.14, 3))
    ratios /= np.prod(ratios) ** (1 / 3)
    return Site(centre, radius, float(reach), (float(ratios[0]), float(ratios[1]), float(ratios[2])))


def draw_lesion(seed: int, patient: int, plan: Plan, skull: Skull) -> Lesion:
    """Growth of the planned foci, named by (seed, patient)."""
    rng = stream(seed, patient, "lesion")
    lumps, ragged = noise(rng, BODY, 36.0), noise(rng, BODY, 14.0)
    core = np.full(BODY.shape, -np.inf, np.float32)
    spread = np.zeros(BODY.shape, np.float32)
    for site in plan.sites:
        own = site.radius * (1 + 0.16 * lumps + 0.07 * ragged) - _radius(skull.point, site)
        spread = np.where(own > core, np.float32(site.oedema), spread)
        core = np.maximum(core, own)
    side = np.float32(np.sign(plan.sites[0].centre[0])) * skull.point.x
    core = np.minimum(np.minimum(core, side - 1), skull.cerebrum - 0.5)
    whole = ramp(noise(rng, BODY, 26.0), plan.breaks - 0.3, plan.breaks + 0.3)
    rim = plan.rim * np.exp(0.45 * noise(rng, BODY, 16.0)) * whole
    solid = plan.solid + 2.5 * noise(rng, BODY, 18.0)
    fingers = np.clip(1 + 0.5 * noise(rng, BODY, 26.0), 0.1, 2)
    source = _displacement(plan, skull)
    return Lesion(core, rim.astype(np.float32), solid, spread * fingers, side, source)


def _radius(point: Point, site: Site) -> Field:
    """Distance in mm to a focus, stretched by its axis ratios."""
    squared = sum(
        ((axis - np.float32(middle)) / np.float32(ratio)) ** 2
        for axis, middle, ratio in zip(point, site.centre, site.ratios, strict=True)
    )
    return np.sqrt(squared)


def _displacement(plan: Plan, skull: Skull) -> np.ndarray:
    """Index of the healthy voxel that growth pushed here; the skull does not yield."""
    source = np.indices(BODY.shape, dtype=np.float32)
    give = ramp(skull.mask, 0, 18)
    for site in plan.sites:
        index = np.unravel_index(int(np.argmin(_radius(skull.point, site))), BODY.shape)
        offset = np.indices(BODY.shape, dtype=np.float32) - np.reshape(index, (3, 1, 1, 1)).astype(np.float32)
        squared = np.sum(offset**2, axis=0) * np.float32(BODY.spacing**2)
        pull = plan.pressure * np.exp(-squared / np.float32(1.7 * site.radius) ** 2) * give
        source -= pull * offset
    return source
