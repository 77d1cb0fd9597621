"""Structures that are drawn and not erased, as vessels are: they are among the map's own lines."""

from __future__ import annotations

from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import LabelAugmentConfig
from tf_medsynth.imaging import geometry
from tf_medsynth.imaging.labels.classes import ClassMap
from tf_medsynth.types import Tensor

SHRUNK = 0.9
"""Size of the organ, as a share of its own, within which the lines of a map count as structures."""


class DrawnStructure(ClassMap):
    """Labels `(B, H, W, 1)` of class codes whose lines the structure map has as well, and keeps.

    A label belongs to one map: it is never moved or drawn alone, and that of a drawn map is read off it.
    """

    follows_map = True

    def erase(self, structure_map: Tensor, label: Tensor) -> Tensor:
        """Structure map as it is, float32."""
        return ops.cast(structure_map, "float32")

    def augment(
        self, label: Tensor, uniforms: Tensor, config: LabelAugmentConfig, height: int, width: int
    ) -> Tensor:
        """The label as it is: it follows its map."""
        return label

    def of_map(self, structure_map: Tensor, background_mask: Tensor) -> Tensor:
        """The map's lines without the organ's outline, as class 1: see `coarse_label`."""
        return coarse_label(structure_map, background_mask)


def coarse_label(structure_map: Tensor, background_mask: Tensor, shrunk: float = SHRUNK) -> Tensor:
    """Lines well inside the organ, `(B, H, W, 1)` int32: 1 on a line, 0 elsewhere and along the outline.

    The organ is made smaller about its own centre, and what of the map lies in it is kept.

    Args:
        structure_map: `(B, H, W, 1)` in [0, 1], 1 on a line.
        background_mask: `(B, H, W, 1)`, 0 or 1, 1 outside the organ.
        shrunk: size of the smaller organ, in (0, 1].

    Source: Qu et al. (thesis), section 5.6.2, coarse vessel labels.
    Deviates: the thesis gives no factor; 0.9 clears an outline of the usual thickness. The centre is the
    organ's, not the image's, so that an organ off the middle loses as much on either side.
    """
    check("an organ is shrunk to a share of its size in (0, 1]", 0 < shrunk <= 1, shrunk=shrunk)
    organ = 1.0 - ops.cast(background_mask, "float32")
    down, right = _centre(organ)
    factor = ops.full_like(down, shrunk)
    matrices = ops.matmul(
        geometry.scaling_matrix(factor, factor),
        geometry.translation_matrix(down * (1 - shrunk), right * (1 - shrunk)),
    )
    inner = geometry.transform(organ, matrices, "nearest")
    return ops.cast((ops.cast(structure_map, "float32") > 0.5) & (inner > 0.5), "int32")


def _centre(organ: Tensor) -> tuple[Tensor, Tensor]:
    """Centroid of each organ in px down and right of the image's centre, `(B,)` each; 0 for none."""
    area = ops.maximum(ops.sum(organ, axis=(1, 2, 3)), 1.0)
    centre = []
    for axis, other in ((1, 2), (2, 1)):
        size = ops.cast(ops.shape(organ)[axis], "float32")
        position = ops.cast(ops.arange(ops.shape(organ)[axis]), "float32") - (size - 1) / 2
        centre.append(ops.sum(ops.sum(organ, axis=(other, 3)) * position, axis=1) / area)
    return centre[0], centre[1]
