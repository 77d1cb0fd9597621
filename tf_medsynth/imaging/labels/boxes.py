"""Boxes with a class each, as a detector finds them: filled for the generator, moved as boxes."""

from __future__ import annotations

import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import LabelAugmentConfig
from tf_medsynth.imaging.augment import (
    LabelAugmentation,
    Motion,
    TrainingAugmentation,
    apply_training_augmentation,
    label_augmentation,
    label_matrices,
    training_matrices,
)
from tf_medsynth.imaging.labels.kind import LabelFeature, LabelKind
from tf_medsynth.imaging.labels.palette import Picture, grey, over
from tf_medsynth.types import Tensor

MOST_BOXES = 16
"""Rows of a label; those without a box are 0."""


class ClassBoxes(LabelKind):
    """Labels `(B, MOST_BOXES, 5)` float32: top, left, bottom, right as shares of the image, and the code.

    A row of code 0 is no box. What a box covers is drawn anew, so its lines are erased.
    """

    dtype = "float32"

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """`(MOST_BOXES, 5)`."""
        return (MOST_BOXES, 5)

    def feature(self, height: int, width: int) -> LabelFeature:
        """A table of floats."""
        return LabelFeature(
            (MOST_BOXES, 5),
            "float32",
            self.num_classes,
            "a row a box: top, left, bottom, right as shares of the image, class code; 0 where none",
        )

    def planes(self, label: Tensor, height: int, width: int) -> Tensor:
        """Filled boxes, a class each, `(B, H, W, K)` float32; where classes overlap, both are 1.

        A pixel is in a box if its centre is.
        """
        label = ops.cast(label, "float32")
        rows = _between(label[..., 0], label[..., 2], height)
        columns = _between(label[..., 1], label[..., 3], width)
        classes = ops.one_hot(ops.cast(label[..., 4], "int32"), self.num_classes, dtype="float32")
        covered = ops.einsum("bnh,bnw,bnk->bhwk", rows, columns, classes)
        boxes = ops.minimum(covered[..., 1:], 1.0)
        return ops.concatenate([1.0 - ops.max(boxes, axis=-1, keepdims=True), boxes], axis=-1)

    def codes(self, label: Tensor, height: int, width: int) -> Tensor:
        """Code of the box a pixel is in, the highest where several cover it, `(B, H, W, 1)` int32."""
        numbers = ops.arange(self.num_classes, dtype="float32")
        return ops.cast(ops.max(self.planes(label, height, width) * numbers, axis=-1, keepdims=True), "int32")

    def shown(self, label: Tensor) -> Tensor:
        """Whether there is a box, `(B,)` bool."""
        return ops.any(label[..., 4] > 0, axis=1)

    def erase(self, structure_map: Tensor, label: Tensor) -> Tensor:
        """Structure map without the lines in a box, `(B, H, W, 1)` float32."""
        _, height, width, _ = ops.shape(structure_map)
        return ops.cast(structure_map, "float32") * (1.0 - self.inside(label, height, width))

    def cut(self, background_mask: Tensor, label: Tensor) -> Tensor:
        """The boxes that lie inside the organ, those that do not are left out."""
        _, height, width, _ = ops.shape(background_mask)
        mask = ops.cast(background_mask[..., 0], "float32")
        label = ops.cast(label, "float32")
        rows = _between(label[..., 0], label[..., 2], height)
        columns = _between(label[..., 1], label[..., 3], width)
        outside = ops.einsum("bnh,bnw,bhw->bn", rows, columns, mask)
        return label * ops.cast(outside == 0, "float32")[..., None]

    def augment(
        self, label: Tensor, uniforms: Tensor, config: LabelAugmentConfig, height: int, width: int
    ) -> Tensor:
        """Boxes mirrored, moved and shrunk as a map would be, but never turned."""
        drawn = label_augmentation(uniforms, config)
        straight = LabelAugmentation(_straight(drawn.first), _straight(drawn.second))
        return moved(label, label_matrices(straight, height, width), height, width)

    def augment_with(
        self, images: Tensor, label: Tensor, augmentation: TrainingAugmentation
    ) -> tuple[Tensor, Tensor]:
        """Images, and boxes around what was in them: a turned box grows."""
        _, height, width, _ = ops.shape(images)
        matrices = training_matrices(augmentation, height, width)
        images, _ = apply_training_augmentation(images, images[..., :1], augmentation)
        return images, moved(label, matrices, height, width)

    def pictures(
        self, labels: ArrayLike, height: int, width: int, under: ArrayLike | None = None
    ) -> list[Picture]:
        """Each label's boxes as outlines over a darkened grey image, `(H, W, 3)` uint8.

        Args:
            labels: `(n, MOST_BOXES, 5)`.
            under: `(n, H, W)` in [0, 1]; None for black.
        """
        boxes = np.asarray(labels)
        codes = boxes[..., 4]
        known = bool(((codes >= 0) & (codes < self.num_classes)).all())
        check(f"labels must hold codes 0 to {self.num_classes - 1}", known)
        outlines = np.zeros((len(boxes), height, width), np.int64)
        size = np.array([height, width, height, width])
        for outline, rows in zip(outlines, boxes, strict=True):
            for row in rows[rows[:, 4] > 0]:
                top, left, bottom, right = np.round(row[:4] * size).astype(int)
                box = outline[top : max(bottom, top + 1), left : max(right, left + 1)]
                box[[0, -1]] = box[:, [0, -1]] = int(row[4])
        return over(outlines, grey(under, outlines.shape), opaque=True)


def moved(boxes: Tensor, matrices: Tensor, height: Tensor, width: Tensor) -> Tensor:
    """The boxes around what was in `boxes` after a motion, cut by the frame; 0 where nothing is left.

    Args:
        boxes: `(B, n, 5)`, see `ClassBoxes`.
        matrices: `(B, 3, 3)`, output to input, in px about the image's centre, as `geometry` has them.
        height: px.
        width: px.
    """
    size = ops.cast(ops.stack([height, width]), "float32")
    # Corners (B, n, 4, 2) in px about the centre, and the way from input to output.
    edges = [boxes[..., k] for k in range(4)]
    corners = ops.stack([ops.stack([y, x], -1) for y in edges[::2] for x in edges[1::2]], axis=2)
    linear, shift = matrices[:, :2, :2], matrices[:, :2, 2]
    points = (corners - 0.5) * size - shift[:, None, None, :]
    points = ops.einsum("bij,bncj->bnci", _inverse(linear), points) / size + 0.5
    low = ops.clip(ops.min(points, axis=2), 0.0, 1.0)
    high = ops.clip(ops.max(points, axis=2), 0.0, 1.0)
    left = ops.all(high > low, axis=-1, keepdims=True) & (boxes[..., 4:] > 0)
    return ops.concatenate([low, high, boxes[..., 4:]], axis=-1) * ops.cast(left, "float32")


def _inverse(matrices: Tensor) -> Tensor:
    """Of `(B, 2, 2)`."""
    a, b, c, d = matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 1, 0], matrices[:, 1, 1]
    rows = ops.stack([ops.stack([d, -b], axis=-1), ops.stack([-c, a], axis=-1)], axis=-2)
    return rows / (a * d - b * c)[:, None, None]


def _between(low: Tensor, high: Tensor, count: int) -> Tensor:
    """Whether the centre of each of `count` pixels lies from `low` to `high`, `(B, n, count)` float32."""
    centre = (ops.arange(count, dtype="float32") + 0.5) / ops.cast(count, "float32")
    return ops.cast((centre >= low[..., None]) & (centre < high[..., None]), "float32")


def _straight(motion: Motion) -> Motion:
    return motion._replace(degrees=ops.zeros_like(motion.degrees), fitted=ops.zeros_like(motion.fitted))
