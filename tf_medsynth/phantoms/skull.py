"""The outer form of one patient's head: where the brain lies, how large and how bent it is."""

from __future__ import annotations

import dataclasses

import numpy as np

from tf_medsynth.phantoms.fields import Field, Grid, distance, noise, ramp, smooth_max, smooth_min, stream
from tf_medsynth.phantoms.shapes import Point, ellipsoid, tube

BODY = Grid(shape=(64, 80, 64), spacing=2.5, start=(-5.0, 30.0, 40.0))
"""The grid that all anatomy is drawn on; it holds every head with room to spare."""

CENTRE = (119.5, 130.0, 70.0)
"""Where BraTS volumes have the middle of the brain, (x, y, z) mm."""


@dataclasses.dataclass(frozen=True)
class Skull:
    """Outer surfaces of a head on `BODY`; signed distances in mm, positive inside.

    Attributes:
        point: position of every voxel in the frame that the atlas of shapes is written in.
        mask: what skull stripping leaves.
        cerebrum: both hemispheres as one body, without the cleft between them.
        cerebellum: cerebellum.
        stem: midbrain, pons and medulla.
    """

    point: Point
    mask: Field
    cerebrum: Field
    cerebellum: Field
    stem: Field


def draw_skull(seed: int, patient: int) -> Skull:
    """Outer surfaces of one patient's head, named by (seed, patient)."""
    rng = stream(seed, patient, "skull")
    point = _atlas_position(rng)
    stem, cerebellum = _stem(point), _cerebellum(point)
    room = np.minimum(-cerebellum - 1.5, np.maximum(-stem - 2.5, point.z + 3))
    cerebrum = distance(np.minimum(_cerebrum(point), room), BODY.spacing)
    fringe = -1.5 + 0.7 * noise(rng, BODY, 14.0)
    whole = smooth_max(smooth_max(cerebrum, cerebellum, 7.0), stem, 7.0)
    mask = smooth_max(whole, _cisterns(point), 3.0) + fringe
    return Skull(point, mask.astype(np.float32), cerebrum, cerebellum, stem)


def _atlas_position(rng: np.random.Generator) -> Point:
    """Where each voxel of `BODY` lies in the atlas: individual size, tilt and smooth bending."""
    z, y, x = BODY.positions()
    shift, scale = rng.normal(0, 1.5, 3), np.clip(rng.normal(1, 0.035, 3), 0.92, 1.06)
    offsets = [axis - np.float32(c + s) for axis, c, s in zip((x, y, z), CENTRE, shift, strict=True)]
    turn = _rotation(rng.normal(0, 0.03, 3))
    axes = []
    for row, size in zip(turn, scale, strict=True):
        straight = sum(np.float32(weight) * offset for weight, offset in zip(row, offsets, strict=True))
        bend = 2.3 * noise(rng, BODY, 75.0) + 0.9 * noise(rng, BODY, 30.0)
        axes.append((straight / np.float32(size) + bend).astype(np.float32))
    return Point(*axes)


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Rotation matrix of three small angles (radians) about x, y and z."""
    (a, b, c), (sa, sb, sc) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, a, -sa], [0, sa, a]])
    about_y = np.array([[b, 0, sb], [0, 1, 0], [-sb, 0, b]])
    about_z = np.array([[c, -sc, 0], [sc, c, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def _cerebrum(point: Point) -> Field:
    """Vault of both hemispheres above a base, and the temporal lobes below it."""
    egg = point._replace(x=point.x / (1 + np.clip(0.0021 * point.y, -0.18, 0.07)))
    vault = ellipsoid(egg, (0, 0, 2), (65, 82, 68), power=2.2)
    side = point.mirrored()
    behind = ramp(point.y, 0, 30)
    tent = 16 * np.exp(-((point.x / 24) ** 2)) * behind * (1 - 0.9 * ramp(point.y, 34, 66))
    floor = -20 - 3 * behind + tent - 0.06 * np.minimum(point.y + 20, 0)
    upper = smooth_min(vault, point.z - floor, 8.0)
    temporal = ellipsoid(side, (40, -8, -19), (23, 42, 19), tilt=0.15, power=2.1)
    return smooth_max(upper, temporal, 2.5)


def _cerebellum(point: Point) -> Field:
    """Two cerebellar hemispheres joined by the vermis."""
    roof = point._replace(z=point.z + 0.005 * point.x**2 + 0.2 * np.maximum(point.y - 40, 0))
    lobes = ellipsoid(roof.mirrored(), (24, 40, -33), (28, 28, 25), power=2.0)
    vermis = ellipsoid(roof, (0, 34, -28), (15, 23, 25))
    return smooth_max(lobes, vermis, 3.0)


def _stem(point: Point) -> Field:
    """Midbrain with its peduncles, pons, medulla."""
    axis = tube(point, [(0, 3, -2, 16), (0, 8, -18, 13), (0, 12, -34, 15), (0, 20, -52, 10), (0, 24, -80, 8)])
    notch = ellipsoid(point, (0, -10, -13), (4.5, 9, 10))
    peduncle = tube(point.mirrored(), [(8, 12, -34, 9), (24, 32, -36, 9)])
    return smooth_max(np.minimum(axis, -notch), peduncle, 3.0)


def _cisterns(point: Point) -> Field:
    """Wide fluid spaces at the base that stay inside a skull-stripped brain."""
    suprasellar = ellipsoid(point, (0, -9, -18), (13, 11, 8))
    ambient = ellipsoid(point, (0, 14, -14), (20, 20, 10))
    return np.maximum(suprasellar, ambient)
