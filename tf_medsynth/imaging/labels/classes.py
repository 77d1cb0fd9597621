"""A map of classes, as lesions are labelled: what it covers is drawn anew, so its lines are erased."""

from __future__ import annotations

import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import LabelAugmentConfig
from tf_medsynth.imaging.augment import (
    TrainingAugmentation,
    apply_label_augmentation,
    apply_training_augmentation,
    label_augmentation,
)
from tf_medsynth.imaging.fusion import label_inside, remove_lesion
from tf_medsynth.imaging.labels.kind import WHOLE, LabelFeature, LabelKind
from tf_medsynth.imaging.labels.palette import Picture, grey, over
from tf_medsynth.types import Tensor


class ClassMap(LabelKind):
    """Labels `(B, H, W, 1)` of class codes, 0 where nothing is labelled."""

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """`(H, W, 1)`."""
        return (height, width, 1)

    def feature(self, height: int, width: int) -> LabelFeature:
        """A labelled image of uint8 codes."""
        return LabelFeature(
            (height, width, 1), "uint8", self.num_classes, "class code of every pixel, 0 where none"
        )

    def codes(self, label: Tensor, height: int, width: int) -> Tensor:
        """The label itself."""
        return ops.cast(label, "int32")

    def shown(self, label: Tensor) -> Tensor:
        """Whether any pixel is labelled, `(B,)` bool."""
        return ops.any(label != 0, axis=(1, 2, 3))

    def erase(self, structure_map: Tensor, label: Tensor) -> Tensor:
        """Structure map without the lines under the lesion, `(B, H, W, 1)` float32."""
        return remove_lesion(structure_map, label)

    def fits(self, background_mask: Tensor, label: Tensor) -> Tensor:
        """Whether no labelled pixel lies outside the organ, `(B,)` bool; true for an empty label."""
        return label_inside(background_mask, label)

    def cut(self, background_mask: Tensor, label: Tensor) -> Tensor:
        """The label, 0 outside the organ."""
        return label * ops.cast(1.0 - ops.cast(background_mask, "float32"), label.dtype)

    def augment(
        self, label: Tensor, uniforms: Tensor, config: LabelAugmentConfig, height: int, width: int
    ) -> Tensor:
        """Moved by two of four operations, see `imaging.augment.label_augmentation`."""
        return apply_label_augmentation(label, label_augmentation(uniforms, config))

    def augment_with(
        self, images: Tensor, label: Tensor, augmentation: TrainingAugmentation
    ) -> tuple[Tensor, Tensor]:
        """Images and label moved together."""
        return apply_training_augmentation(images, label, augmentation)

    def pictures(
        self, labels: ArrayLike, height: int, width: int, under: ArrayLike | None = None
    ) -> list[Picture]:
        """Each label in colours over a darkened grey image, `(H, W, 3)` uint8.

        Args:
            labels: `(n, H, W)` or `(n, H, W, 1)` class codes.
            under: `(n, H, W)` in [0, 1]; None for black.
        """
        codes = np.asarray(labels)
        codes = codes[..., 0] if codes.ndim == 4 else codes
        check(
            "a label to draw must have shape (n, H, W, 1)",
            codes.shape[1:] == (height, width) and codes.size > 0,
            shape=codes.shape,
        )
        known = bool(((codes >= 0) & (codes < self.num_classes)).all())
        check(f"labels must hold codes 0 to {self.num_classes - 1}", known)
        return over(codes, grey(under, codes.shape), opaque=under is None)

    def _places(self, label: ArrayLike, height: int, width: int) -> dict[str, NDArray[np.bool_]]:
        codes = np.asarray(label)
        codes = codes[..., 0] if codes.ndim == 3 else codes
        check("a label to describe must have shape (H, W)", codes.ndim == 2, shape=codes.shape)
        classes = {name: codes == k for k, name in enumerate(self.classes) if k}
        return {WHOLE: codes > 0, **classes}
