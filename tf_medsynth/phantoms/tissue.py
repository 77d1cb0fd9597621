"""Tissue fractions of one patient at any voxel size: anatomy and lesion painted together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import scipy.ndimage

from tf_medsynth.phantoms.cortex import Brain, lay_cortex
from tf_medsynth.phantoms.fields import Field, Grid, Sampler, block_mean, occupancy, ramp
from tf_medsynth.phantoms.folding import Folds, draw_folds
from tf_medsynth.phantoms.interior import Interior, draw_interior
from tf_medsynth.phantoms.skull import BODY, Skull, draw_skull
from tf_medsynth.phantoms.tumour import Lesion, Plan, draw_lesion

LESION_TISSUES = ("necrosis", "oedema", "non_enhancing", "enhancing")
"""In the order of the label codes 1 to 4."""

TISSUES = ("fluid", "grey", "white", "nuclei", "pallidum", "vessel", "choroid", *LESION_TISSUES)

Fields = TypeVar("Fields", Folds, Interior)


@dataclasses.dataclass(frozen=True)
class Head:
    """One patient's fields on `BODY`, independent of the image's size."""

    skull: Skull
    folds: Folds
    interior: Interior
    lesion: Lesion


def draw_head(seed: int, patient: int, plan: Plan) -> Head:
    """All fields of one patient, mass effect applied to everything inside the skull."""
    skull = draw_skull(seed, patient)
    lesion = draw_lesion(seed, patient, plan, skull)

    moved = np.abs(lesion.source - np.indices(BODY.shape, np.float32)).max(axis=0) > 0.02
    source = lesion.source[:, moved]

    def displaced(field: Field) -> Field:
        field = field.copy()
        field[moved] = scipy.ndimage.map_coordinates(field, source, order=1, mode="nearest")
        return field

    folds = _each(draw_folds(seed, patient, skull), displaced)
    return Head(skull, folds, _each(draw_interior(seed, patient, skull), displaced), lesion)


def _each(fields: Fields, change: Callable[[Field], Field]) -> Fields:
    """The same set of fields with `change` applied to each."""
    names = [field.name for field in dataclasses.fields(fields)]
    return type(fields)(**{name: change(getattr(fields, name)) for name in names})


def paint(head: Head, voxels: Grid, factor: int) -> tuple[dict[str, Field], Field]:
    """Fractions of every tissue in each voxel, and the share of the voxel inside the mask.

    Args:
        head: the patient's fields.
        voxels: the image's grid.
        factor: subdivision of a voxel, for partial volume.

    Returns:
        ``{tissue: (z, y, x) float32 in [0, 1]}`` summing to 1, and the mask's share.
    """
    fine = voxels.refined(factor)
    sampler, spacing = Sampler(BODY, fine), fine.spacing
    interior = _each(head.interior, sampler)
    brain = lay_cortex(head.skull, _each(head.folds, sampler), interior, sampler, spacing)
    layers = _Layers(factor)
    oedema = _lay_lesion(layers, head.lesion, brain, interior.ventricles, sampler, spacing)
    ventricles = occupancy(interior.ventricles, spacing)
    layers.add("choroid", occupancy(interior.choroid, spacing) * ventricles)
    layers.add("fluid", ventricles)
    layers.add("vessel", brain.vessels)
    layers.add("fluid", brain.fluid)
    layers.add("oedema", oedema)
    layers.add("pallidum", occupancy(interior.pallidum, spacing))
    layers.add("nuclei", occupancy(interior.nuclei, spacing))
    layers.add("white", brain.white)
    layers.rest("grey")
    mask = occupancy(sampler(head.skull.mask), spacing)
    return layers.fractions(), block_mean(mask, factor)


class _Layers:
    """Opaque-to-transparent stack: each layer takes its share of what those before it left."""

    def __init__(self, factor: int) -> None:
        self._factor = factor
        self._left: Field = np.ones((), np.float32)
        self._shares: dict[str, Field] = {}

    def add(self, tissue: str, opacity: Field) -> None:
        """Gives `tissue` the share `opacity` of what is left."""
        share = opacity * self._left
        self._left = self._left - share
        self._store(tissue, share)

    def rest(self, tissue: str) -> None:
        """Gives `tissue` all that is left."""
        self._store(tissue, self._left)

    def _store(self, tissue: str, share: Field) -> None:
        mean = block_mean(share, self._factor)
        self._shares[tissue] = self._shares[tissue] + mean if tissue in self._shares else mean

    def fractions(self) -> dict[str, Field]:
        """Share of every tissue in each voxel."""
        return {tissue: self._shares[tissue] for tissue in TISSUES}


def _lay_lesion(
    layers: _Layers, lesion: Lesion, brain: Brain, ventricles: Field, sampler: Sampler, spacing: float
) -> Field:
    """Adds rim, necrosis and non-enhancing core to `layers`; returns the opacity of oedema."""
    core = sampler(lesion.core)
    core = np.minimum(core, np.maximum(-ventricles - 0.5, core - 4))
    rim = sampler(lesion.rim)
    inside = occupancy(core, spacing)
    layers.add("enhancing", inside * occupancy(np.minimum(rim - core, 2 * rim - 1.5), spacing))
    layers.add("necrosis", inside * occupancy(core - rim - sampler(lesion.solid), spacing))
    layers.add("non_enhancing", inside)
    # Oedema runs along white matter, spares the cortex and crosses to the other side by the callosum only.
    reach = sampler(lesion.spread) * (0.32 + 0.68 * ramp(brain.pial, 1.0, 5.5))
    crossing = sampler(lesion.side) + 12 * ramp(brain.block, -1, 4)
    swollen = np.minimum(np.minimum(core + reach, crossing), brain.cerebrum)
    swollen = np.where(reach > 0.5, swollen, -spacing)
    return occupancy(swollen, max(spacing, 2.5)) * _attached(swollen > 0, inside > 0)


def _attached(region: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """Those connected parts of `region` that touch `seed`."""
    parts, count = scipy.ndimage.label(region | seed)
    touched = np.zeros(count + 1, bool)
    touched[np.unique(parts[seed])] = True
    touched[0] = False
    return touched[parts]
