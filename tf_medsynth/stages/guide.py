"""What a guide is to a generator, and to whoever judges its images: segmentor, classifier or detector.

A guide reads images with one or more networks ("readers"; a modality each, or all modalities together)
and says how far their answers are from a label. Stages, gates and judges ask a guide and know neither its
networks nor the form of its labels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.losses import lesion
from tf_medsynth.types import Tensor

Answers = Sequence[Tensor]
"""What each reader says of the images, raw."""

Read = Callable[[Tensor, bool], Answers]
"""(images ``(B, H, W, M C)``, training) to the readers' answers: trained networks."""


class Found(NamedTuple):
    """What a guide sees in images, a column a reader."""

    label: Tensor  # as the label kind has it, with a last axis of n readers, before the row of a box
    probability: Tensor  # of any lesion, float32 in [0, 1]


class Guide(Protocol):
    """Reads images, and compares what it reads with a label."""

    def reads(self, images: Tensor, training: bool = False) -> Answers:
        """What each reader says of images ``(B, H, W, M C)``."""

    def loss(self, label: Tensor, outputs: Answers) -> dict[str, Tensor]:
        """Terms that train it, ``(B,)`` each, summed over readers."""

    def agreement(self, label: Tensor, outputs: Answers) -> Tensor:
        """How well the answers agree with the label, mean over readers, ``(B,)`` in [0, 1]."""

    def found(self, outputs: Answers) -> Found:
        """What the answers say is there."""


def guidance(
    guide: Guide, label: Tensor, outputs: Answers, terms: Sequence[str], num_modalities: int
) -> Tensor:
    """What leads a generator, ``(B,)``: the guide's terms, as if every modality had its own reader.

    Args:
        guide: frozen.
        label: what the images were drawn from.
        outputs: what the guide reads of them.
        terms: names of the terms of its `loss`.
        num_modalities: M.
    """
    each = [guide.loss(label, [answer]) for answer in outputs]
    check(
        "a guide leads by terms of its own",
        all(set(terms) <= set(known) for known in each),
        terms=tuple(terms),
        known=sorted(each[0]),
    )
    return num_modalities / len(outputs) * sum(sum(known[name] for name in terms) for known in each)


@dataclasses.dataclass(frozen=True)
class SegmentorGuide:
    """A guide that says the class of every pixel; labels are maps.

    Attributes:
        read: images to class logits ``(B, H, W, K)``, one a reader.
        class_weights: K weights of the cross-entropy or squared error, background first.

    Source: Qu et al. (thesis), eq. 15, 22.
    """

    read: Read
    class_weights: tuple[float, ...]

    def reads(self, images: Tensor, training: bool = False) -> Answers:
        """Class logits ``(B, H, W, K)`` of each segmentor."""
        return self.read(images, training)

    def loss(self, label: Tensor, outputs: Answers) -> dict[str, Tensor]:
        """Cross-entropy, overlap and label error."""
        weights = self.class_weights
        return {
            "cross_entropy": sum(lesion.weighted_cross_entropy(label, x, weights) for x in outputs),
            "overlap": sum(lesion.overlap_loss(label, x) for x in outputs),
            "label_error": sum(lesion.weighted_label_error(label, x, weights) for x in outputs),
        }

    def agreement(self, label: Tensor, outputs: Answers) -> Tensor:
        """Soft Dice of the whole lesion and its classes."""
        return sum(1.0 - lesion.overlap_loss(label, x) for x in outputs) / len(outputs)

    def found(self, outputs: Answers) -> Found:
        """Likeliest classes ``(B, H, W, n)`` int32, and how likely any lesion is, of the same shape."""
        label = ops.stack([ops.argmax(x, axis=-1) for x in outputs], axis=-1)
        # The sum of the lesion classes: 1 - background would round what is nearly 0 to 0.
        classes = [ops.softmax(ops.cast(x, "float32"), axis=-1)[..., 1:] for x in outputs]
        probability = ops.stack([ops.sum(x, axis=-1) for x in classes], axis=-1)
        return Found(ops.cast(label, "int32"), ops.minimum(probability, 1.0))
