"""A guide that says the class of an image: labels are planes."""

from __future__ import annotations

import dataclasses

from keras import ops

from tf_medsynth.losses import classification
from tf_medsynth.stages.guide import Answers, Found, Read
from tf_medsynth.types import Tensor


@dataclasses.dataclass(frozen=True)
class ClassifierGuide:
    """A guide of labels ``(B,)`` of class codes.

    Attributes:
        read: images to class logits, ``(B, K)`` or of patches ``(B, h, w, K)``, one a reader.
        class_weights: K weights of the cross-entropy.
    """

    read: Read
    class_weights: tuple[float, ...]

    def reads(self, images: Tensor, training: bool = False) -> Answers:
        """Class logits of each classifier."""
        return self.read(images, training)

    def loss(self, label: Tensor, outputs: Answers) -> dict[str, Tensor]:
        """Cross-entropy and label error."""
        weights = self.class_weights
        return {
            "cross_entropy": sum(classification.class_cross_entropy(label, x, weights) for x in outputs),
            "label_error": sum(classification.class_error(label, x) for x in outputs),
        }

    def agreement(self, label: Tensor, outputs: Answers) -> Tensor:
        """Probability of the wanted class."""
        return sum(classification.class_probability(label, x) for x in outputs) / len(outputs)

    def found(self, outputs: Answers) -> Found:
        """Likeliest class ``(B, n)`` int32, and how likely any class but the first is, ``(B, n)``."""
        scores = ops.stack([classification.class_scores(x) for x in outputs], axis=1)
        others = ops.sum(ops.softmax(scores, axis=-1)[..., 1:], axis=-1)
        return Found(ops.cast(ops.argmax(scores, axis=-1), "int32"), ops.minimum(others, 1.0))
