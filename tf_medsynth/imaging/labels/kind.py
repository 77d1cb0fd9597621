"""What every kind of label can say of itself: the protocol, and what follows from it for all.

A label of a batch is what its kind says (`shape`, `dtype`) with a leading B; whoever handles one asks its
kind and knows neither classes nor forms. H and W are handed in where a label has none of its own.
"""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import LabelAugmentConfig
from tf_medsynth.imaging.augment import TrainingAugmentation, apply_training_augmentation
from tf_medsynth.imaging.labels.palette import PALETTE, Colour, Picture
from tf_medsynth.types import Tensor

WHOLE = "whole"
"""Region of whatever is labelled, whichever its class."""


class LabelFeature(NamedTuple):
    """How a prepared set stores a label."""

    shape: tuple[int, ...]
    dtype: str
    num_classes: int
    meaning: str  # in plain words


@dataclasses.dataclass(frozen=True)
class LabelKind(abc.ABC):
    """One kind of label of one domain.

    Attributes:
        classes: names; the index is the code.
    """

    classes: tuple[str, ...]
    dtype = "int32"
    """Of a label in a batch."""
    follows_map = False
    """Whether the label of a drawn map is taken from the map (`of_map`), not drawn from a pool."""

    @property
    def num_classes(self) -> int:
        """K."""
        return len(self.classes)

    @property
    def num_planes(self) -> int:
        """P, channels that the generator is given."""
        return self.num_classes

    @property
    def regions(self) -> tuple[str, ...]:
        """Names under which coverage counts: what is labelled as a whole, then each class."""
        return (WHOLE, *self.classes[1:])

    @property
    def colours(self) -> dict[str, Colour]:
        """Of each class that a picture shows, for its legend."""
        return {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(self.classes[1:])}

    @abc.abstractmethod
    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Of one label in a batch, without B."""

    @abc.abstractmethod
    def feature(self, height: int, width: int) -> LabelFeature | None:
        """How one label is stored; None where nothing is."""

    @abc.abstractmethod
    def codes(self, label: Tensor, height: int, width: int) -> Tensor:
        """The class code of every pixel, `(B, H, W, 1)` int32."""

    @abc.abstractmethod
    def shown(self, label: Tensor) -> Tensor:
        """Whether a label shows anything, `(B,)` bool."""

    def planes(self, label: Tensor, height: int, width: int) -> Tensor:
        """The generator's channels, `(B, H, W, P)` float32 in [0, 1]: a class each."""
        codes = self.codes(label, height, width)
        return ops.one_hot(codes[..., 0], self.num_classes, dtype="float32")

    def inside(self, label: Tensor, height: int, width: int) -> Tensor:
        """Which pixels are labelled, `(B, H, W, 1)` float32 of 0 and 1."""
        return ops.cast(self.codes(label, height, width) > 0, "float32")

    def erase(self, structure_map: Tensor, label: Tensor) -> Tensor:
        """Structure map without what the label forbids in it, `(B, H, W, 1)` float32: here all of it."""
        return ops.cast(structure_map, "float32")

    def fits(self, background_mask: Tensor, label: Tensor) -> Tensor:
        """Whether no labelled pixel lies outside the organ, `(B,)` bool; true for an empty label.

        Args:
            background_mask: `(B, H, W, 1)`, 0 or 1, 1 outside the organ.
            label: of as many samples.
        """
        return self.outside(background_mask, label) == 0

    def outside(self, background_mask: Tensor, label: Tensor) -> Tensor:
        """Labelled pixels outside the organ, `(B,)` float32."""
        _, height, width, _ = ops.shape(background_mask)
        mask = ops.cast(background_mask, "float32")
        return ops.sum(self.inside(label, height, width) * mask, axis=(1, 2, 3))

    def cut(self, background_mask: Tensor, label: Tensor) -> Tensor:
        """The label without what lies outside the organ, same shape and dtype."""
        return label

    def augment(
        self, label: Tensor, uniforms: Tensor, config: LabelAugmentConfig, height: int, width: int
    ) -> Tensor:
        """A label to draw from, moved on its own; same shape and dtype. Here it stays.

        Args:
            uniforms: `(B, imaging.augment.LABEL_UNIFORMS)` in [0, 1).
            config: ranges.
        """
        return label

    def augment_with(
        self, images: Tensor, label: Tensor, augmentation: TrainingAugmentation
    ) -> tuple[Tensor, Tensor]:
        """Real images and their label after the light augmentation of training. Here the label stays.

        Args:
            images: `(B, H, W, M)` in [0, 1].
            augmentation: of as many samples.
        """
        return apply_training_augmentation(images, images[..., :1], augmentation)[0], label

    def of_map(self, structure_map: Tensor, background_mask: Tensor) -> Tensor:
        """The label that a drawn structure map implies.

        Raises:
            MedSynthError: labels of this kind follow no map.
        """
        check("labels of this kind are drawn from a pool", False, kind=type(self).__name__)

    def describe(self, label: ArrayLike, height: int, width: int) -> dict[str, Any]:
        """Pixels and centroid of every region of one label, as plain JSON values.

        Returns:
            ``{"lesion_pixels": {region: int}, "lesion_centroid": {region: [row, column]}}``; centroids
            are fractions of height and width in [0, 1]. An absent region has 0 pixels and no centroid.
        """
        pixels: dict[str, int] = {}
        centroid: dict[str, list[float]] = {}
        for region, where in self._places(label, height, width).items():
            places = np.argwhere(where)
            pixels[region] = len(places)
            if len(places):
                middle = (places.mean(axis=0) + 0.5) / where.shape
                centroid[region] = [round(float(part), 4) for part in middle]
        return {"lesion_pixels": pixels, "lesion_centroid": centroid}

    @abc.abstractmethod
    def pictures(
        self, labels: ArrayLike, height: int, width: int, under: ArrayLike | None = None
    ) -> list[Picture]:
        """Each label in colours over a darkened grey image, `(H, W, 3)` uint8; nothing where there is none.

        Args:
            labels: `(n, ...)`.
            under: `(n, H, W)` in [0, 1]; None for black.
        """

    def _places(self, label: ArrayLike, height: int, width: int) -> dict[str, NDArray[np.bool_]]:
        """Pixels of each region of one label, `(H, W)`."""
        planes = np.asarray(self.planes(np.asarray(label)[None], height, width))[0] > 0
        classes = {name: planes[..., k] for k, name in enumerate(self.classes) if k}
        return {WHOLE: planes[..., 1:].any(axis=-1), **classes}
