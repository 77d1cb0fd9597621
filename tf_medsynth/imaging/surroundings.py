"""What surrounds the brain in a volume: nothing, as after skull-stripping, or air and scalp.

A stripped head lies on one constant value. A head as it left the scanner lies in air, which is noise,
and wears a scalp, which is bright, outside a skull, which is dark. Both are looked for where no brain
can be: air in the corners of the cuboid that holds all that is not background, so that a margin of
zeros hides nothing; the scalp on rays from the head's centre outwards.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.imaging.extent import extent

AIR_SHARE = 0.02
"""Share of the cuboid's corners that is not background, from which air is told; stripped heads have 0."""

AIR_LEVEL = 0.3
"""Air is darker than this part of the head; brighter corners are brain that was cut off."""

RING_SHARE = 0.25
"""Share of rays that meet a bright shell outside a dark gap, from which a scalp is told.

Real heads with their scalp have 0.35 to 0.60 at the voxels they were taken in, stripped ones up to 0.14.
"""

_TINY = 1e-4  # of the head's level: what splines leave far from an edge is less
_CONSTANT = 0.98
_BRIGHT, _DARK = 0.35, 0.2  # of the head's level
_BELOW = 0.1  # of what is bright: splines overshoot, and not by more
_RIM = 0.3  # of a ray's length: a dark gap deeper than this is a ventricle
_RAYS = 300
_SAMPLES = 10_000


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What lies around a head.

    Attributes:
        background: the commonest value in the corners, behind a margin if there is one, in the
            image's own values; what a spline leaves of 0 is 0.
        air: 0 to 1, share of the outermost corners of what is not background that is not background.
        air_level: median of those voxels above the background, as part of the head's level.
        ring: 0 to 1, share of rays on which a bright shell lies outside a dark gap; 0 where much of
            the head is darker than the background.
    """

    background: float
    air: float
    air_level: float
    ring: float


def corner_value(image: NDArray[Any]) -> float:
    """The commonest value in a volume's eight corners, each of 3 voxels a side; 0 if none is finite."""
    return _commonest(_corners(image, (3, 3, 3)))[0]


def surroundings(image: NDArray[Any]) -> Surroundings:
    """What surrounds the head of one modality.

    Args:
        image: `(z, y, x)`, any numbers; values that are not finite count as background.

    Raises:
        MedSynthError: not three axes, or no voxel.
    """
    check(
        "a volume has three axes and at least one voxel",
        image.ndim == 3 and image.size > 0,
        shape=image.shape,
    )
    inner, background = image, corner_value(image)
    for _ in range(3):  # a margin, what lies behind it, and no more
        level = _level(inner, background)
        box = _box(inner, background, _TINY * level) if level > 0 else None
        if box is None:
            return Surroundings(background, 0.0, 0.0, 0.0)
        background = background if abs(background) > _TINY * level else 0.0
        inner = inner[box]
        corners = _corners(inner, tuple(max(1, n // 10) for n in inner.shape))
        value, share = _commonest(corners)
        if value == background or share < _CONSTANT:
            break
        background = value  # the first was a margin around another constant
    height = np.abs(corners - background)
    outside = height[height > _TINY * level]
    air = outside.size / max(corners.size, 1)  # all of them may be NaN
    return Surroundings(
        background=background,
        air=float(air),
        air_level=float(np.median(outside) / level) if outside.size else 0.0,
        ring=_ring(inner, background, level),
    )


def unstripped(images: Mapping[str, NDArray[Any]]) -> str | None:
    """The evidence, in a sentence without a full stop, that a head is not skull-stripped; else None.

    Args:
        images: `(z, y, x)` by modality; each is judged for itself, one that is not empty around
            the brain is enough.

    Raises:
        MedSynthError: as of `surroundings`.
    """
    measured = {modality: surroundings(image) for modality, image in images.items()}
    parts = []
    noisy = {m: s.air for m, s in measured.items() if s.air > AIR_SHARE and s.air_level < AIR_LEVEL}
    if noisy:
        parts.append(f"the air around the head is not empty ({_shares(noisy)} of the far corners)")
    ringed = {m: s.ring for m, s in measured.items() if s.ring > RING_SHARE}
    if ringed:
        parts.append(f"a bright shell lies outside a dark gap ({_shares(ringed)} of all directions)")
    return f"the head is not skull-stripped: {' and '.join(parts)}" if parts else None


def _shares(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {100 * value:.0f} %" for name, value in values.items())


def _corners(image: NDArray[Any], sides: tuple[int, ...]) -> NDArray[np.float64]:
    """`(n,)`: the voxels of the eight corner blocks with sides of up to half the volume's."""
    ends = [(slice(0, s), slice(max(n - s, s), n)) for n, s in zip(image.shape, sides, strict=True)]
    blocks = [image[z, y, x].ravel() for z in ends[0] for y in ends[1] for x in ends[2]]
    found = np.concatenate(blocks).astype(np.float64)
    return found[np.isfinite(found)]


def _commonest(values: NDArray[np.float64]) -> tuple[float, float]:
    """The commonest value and its share; (0, 0) of none."""
    if not values.size:
        return 0.0, 0.0
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()]), float(counts.max() / values.size)


def _sampled(image: NDArray[Any]) -> NDArray[Any]:
    """Every n-th voxel along each axis, some ten thousands in all."""
    step = max(1, int((image.size / _SAMPLES) ** (1 / 3)))
    return image[::step, ::step, ::step]


def _level(image: NDArray[Any], background: float) -> float:
    """How far the head rises above the background: 0 of an empty image."""
    values = _sampled(image).astype(np.float64).ravel()
    height = np.abs(values[np.isfinite(values)] - background)
    height = height[height > 0]
    if not height.size:
        return 0.0
    # The air may fill most of the volume: what is bright is the head, and its middle the level
    return float(np.median(height[height >= 0.25 * np.percentile(height, 98)]))


def _box(image: NDArray[Any], background: float, least: float) -> tuple[slice, ...] | None:
    """The smallest cuboid that holds whatever rises above the background; None of nothing."""
    low, high = background - least, background + least
    box = extent((image < low) | (image > high))  # false of NaN
    return box if box[0].stop else None


def _ring(image: NDArray[Any], background: float, level: float) -> float:
    """Share of rays that, from outside, meet what is bright, then a dark gap near it, then brightness."""
    few = _sampled(image).astype(np.float64) - background
    bright = np.argwhere(few > _BRIGHT * level)
    # Where brain lies on both sides of the background, as after z-scores, what is dark is no gap
    if not len(bright) or (few < -_DARK * level).sum() > _BELOW * len(bright):
        return 0.0
    centre = bright.mean(axis=0) * (np.array(image.shape) / few.shape)
    # In units of the cuboid's half sides, so that flat voxels do not bend the head into a disc
    half = np.maximum(np.array(image.shape) / 2, 1)
    steps = np.arange(0, 1.3, 1 / half.max())
    points = centre + _directions()[:, None, :] * half * steps[None, :, None]
    index = np.rint(points).astype(int)
    inside = ((index >= 0) & (index < image.shape)).all(axis=-1)
    z, y, x = np.moveaxis(np.where(inside[..., None], index, 0), -1, 0)
    height = np.where(inside, image[z, y, x].astype(np.float64) - background, 0.0)
    shines, dark = height > _BRIGHT * level, height < _DARK * level
    last = len(steps) - 1
    outermost = last - shines[:, ::-1].argmax(axis=1)
    place = np.arange(len(steps))
    near = (place < outermost[:, None]) & (place > (1 - _RIM) * outermost[:, None])
    gap = dark & near
    gap[:, 1:] &= dark[:, :-1]  # two samples: one alone is noise
    found = gap.any(axis=1) & shines.any(axis=1)
    return float(found.mean())


def _directions() -> NDArray[np.float64]:
    """`(n, 3)` unit vectors, evenly over the half sphere that looks up: below lies the neck."""
    place = np.arange(_RAYS) + 0.5
    rise = place / _RAYS
    turn = math.pi * (1 + math.sqrt(5)) * place
    flat = np.sqrt(1 - rise**2)
    return np.stack([rise, flat * np.sin(turn), flat * np.cos(turn)], axis=-1)
