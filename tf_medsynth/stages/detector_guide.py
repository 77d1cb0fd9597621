"""A guide that says where boxes are and of which class: labels are boxes."""

from __future__ import annotations

import dataclasses

import keras
from keras import ops

from tf_medsynth.config.network_specs import DiscriminatorSpec
from tf_medsynth.imaging.labels.boxes import MOST_BOXES
from tf_medsynth.losses import detection
from tf_medsynth.networks import build_discriminator
from tf_medsynth.stages.guide import Answers, Found, Read
from tf_medsynth.types import Tensor

SURE = 0.5
"""Least probability of a box that counts as found."""


def build_detector(spec: DiscriminatorSpec, name: str = "detector") -> keras.Model:
    """Images to the cells ``(B, h, w, K + 4)`` of a detector: a patch network with as many scores.

    Args:
        spec: `scores` is K + 4.
    """
    network = build_discriminator(spec, name)
    return keras.Model(network.input, network.output["validity"], name=name)


@dataclasses.dataclass(frozen=True)
class DetectorGuide:
    """A guide of labels ``(B, MOST_BOXES, 5)``, see `imaging.labels.boxes`.

    Attributes:
        read: images to cells ``(B, h, w, K + 4)``, see `losses.detection`, one a reader.
    """

    read: Read

    def reads(self, images: Tensor, training: bool = False) -> Answers:
        """Cells of each detector."""
        return self.read(images, training)

    def loss(self, label: Tensor, outputs: Answers) -> dict[str, Tensor]:
        """Cross-entropy of the classes and error of the boxes."""
        return {
            "cross_entropy": sum(detection.cell_cross_entropy(label, x) for x in outputs),
            "box_error": sum(detection.box_error(label, x) for x in outputs),
        }

    def agreement(self, label: Tensor, outputs: Answers) -> Tensor:
        """Probability times overlap of the boxes."""
        return sum(detection.detection_agreement(label, x) for x in outputs) / len(outputs)

    def found(self, outputs: Answers) -> Found:
        """The surest boxes ``(B, MOST_BOXES, n, 5)``, 0 where less sure than `SURE`; of each its probability.

        Of neighbouring cells the surest alone has a box.
        """
        parts = [_found(x) for x in outputs]
        return Found(ops.stack([p[0] for p in parts], axis=2), ops.stack([p[1] for p in parts], axis=2))


def _found(cells: Tensor) -> tuple[Tensor, Tensor]:
    probability = ops.softmax(ops.cast(cells[..., :-4], "float32"), axis=-1)[..., 1:]
    code = ops.cast(ops.argmax(probability, axis=-1) + 1, "float32")[..., None]
    sure = ops.max(probability, axis=-1, keepdims=True)
    peak = ops.cast(sure == ops.max_pool(sure, 3, 1, padding="same"), "float32")
    rows = ops.concatenate([detection.predicted_boxes(cells), code, sure * peak], axis=-1)
    rows = ops.reshape(rows, (ops.shape(cells)[0], -1, 6))
    few = min(MOST_BOXES, rows.shape[1])
    best, order = ops.top_k(rows[..., 5], few)
    picked = ops.take_along_axis(rows, ops.broadcast_to(order[..., None], (*ops.shape(order), 6)), axis=1)
    kept = ops.cast(best >= SURE, "float32")
    spare = [[0, 0], [0, MOST_BOXES - few]]
    return ops.pad(picked[..., :5] * kept[..., None], [*spare, [0, 0]]), ops.pad(best * kept, spare)
