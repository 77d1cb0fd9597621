"""The brain's surface at fine spacing: pia, fluid, cortex and the white matter within it."""

from __future__ import annotations

import dataclasses

import numpy as np

from tf_medsynth.phantoms.fields import Field, Sampler, occupancy, ramp, smooth_min
from tf_medsynth.phantoms.folding import DIMPLE, GYRUS, Folds
from tf_medsynth.phantoms.interior import Interior
from tf_medsynth.phantoms.skull import Skull

DIMPLE_REACH = 2.0
"""Depth in mm of a secondary sulcus."""


@dataclasses.dataclass(frozen=True)
class Brain:
    """Fields at fine spacing.

    Attributes:
        cerebrum: signed distance in mm into the cerebrum.
        pial: mm below the nearest pia, negative in fluid.
        fluid: opacity of fluid outside the ventricles, in [0, 1].
        white: opacity of white matter, in [0, 1].
        vessels: opacity of vessels and dura, in [0, 1].
        block: mm inside the block that joins the hemispheres.
    """

    cerebrum: Field
    pial: Field
    fluid: Field
    white: Field
    vessels: Field
    block: Field


def lay_cortex(skull: Skull, folds: Folds, interior: Interior, sampler: Sampler, spacing: float) -> Brain:
    """Pia, fluid and tissue of cerebrum, cerebellum and stem.

    Args:
        skull: on `BODY`.
        folds: sampled.
        interior: sampled.
        sampler: from `BODY` to the fine grid.
        spacing: of the fine grid, mm.
    """
    cerebrum, midline, block = sampler(skull.cerebrum), folds.midline, folds.block
    depth = smooth_min(cerebrum, midline, 1.5)
    walls = np.minimum(_sulci(folds, depth), folds.lateral - 0.7)
    opening = folds.width + 0.35 * np.exp(-np.maximum(depth, 0) / 3)
    pial = np.minimum(depth, walls - np.maximum(folds.width, 0))
    cortex = folds.thickness * (1 - ramp(block, -3, 1))
    sheets = np.minimum(walls - opening, midline - 0.5 * folds.width - 0.5)
    fluid = occupancy(-np.minimum(sheets, cerebrum - folds.width), spacing)
    # The inner border of the cortex is no step: layer VI fades into the white matter.
    white = occupancy(pial - cortex, max(spacing, 2.0))

    stem, cerebellum = sampler(skull.stem), sampler(skull.cerebellum)
    hind = np.maximum(stem, cerebellum)
    leaves = np.sin(interior.folia)
    leaf_fluid = np.where(cerebellum > stem + 2, -leaves - 0.93, -spacing)
    hind_fluid = occupancy(np.maximum(-hind, leaf_fluid), spacing)
    hind_white = np.maximum(0.8 * ramp(stem, -1, 2), 0.9 * ramp(cerebellum + 3.5 * leaves, 8, 14))

    upper = occupancy(cerebrum - np.maximum(hind, -2), spacing)
    pial = np.where(upper > 0.5, pial, hind)
    return Brain(
        cerebrum=cerebrum,
        pial=pial,
        fluid=upper * fluid + (1 - upper) * hind_fluid,
        white=upper * white + (1 - upper) * hind_white,
        vessels=_vessels(interior, midline, cerebrum, pial, spacing),
        block=block,
    )


def _sulci(folds: Folds, depth: Field) -> Field:
    """Distance in mm (>= 0) to the nearest middle sheet of a primary or secondary sulcus."""
    primary = _sheet(folds.wave, folds.slope, GYRUS, depth - folds.reach)
    secondary = _sheet(folds.dimple, folds.dimple_slope, DIMPLE, depth - np.float32(DIMPLE_REACH))
    return np.sqrt(np.minimum(primary, secondary))


def _sheet(wave: Field, slope: Field, wavelength: float, beyond: Field) -> Field:
    """Squared distance to the zeros of `wave` where `beyond` < 0, else to their lower edge."""
    # Where the wave is flat its own slope would put the zeros infinitely far: a sulcus just ends.
    floor = np.float32((0.35 * 2 * np.pi / wavelength) ** 2)
    return wave * wave / (slope * slope + floor) + np.maximum(beyond, 0) ** 2


def _vessels(interior: Interior, midline: Field, cerebrum: Field, pial: Field, spacing: float) -> Field:
    """Opacity of arteries and veins near the pia, of the sagittal sinus and, faintly, of the falx."""
    axis = np.sqrt(interior.vessel_one**2 + interior.vessel_two**2)
    winding = occupancy(0.8 - axis, spacing) * (1 - ramp(pial, 0.5, 2.5))
    falx = 0.3 * occupancy(0.6 - midline, spacing) * ramp(cerebrum, 0, 2)
    return np.maximum(np.maximum(winding, falx), occupancy(interior.sinus, spacing))
