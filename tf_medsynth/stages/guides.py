"""Stage L: lesion segmentors, the guides of stage M and the judges of what it draws.

Source: Qu et al. (thesis), eq. 15, 22; `lesion_logits` is what eq. 15 sends gradients through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from tf_medsynth.config.stages import LesionSettings
from tf_medsynth.losses import lesion
from tf_medsynth.stages.base import AdversarialStage, Outputs, Terms
from tf_medsynth.types import MODALITIES, NUM_CLASSES, Tensor


def segmentor_names(scheme: str) -> tuple[str, ...]:
    """Network names of a scheme: one a modality, or one that sees all modalities stacked."""
    return tuple(f"segmentor_{m}" for m in MODALITIES) if scheme == "multiple" else ("segmentor_stacked",)


def lesion_logits(segmentors: Sequence[keras.Model], images: Tensor, training: bool) -> list[Tensor]:
    """Class logits ``(B, H, W, 5)`` of each segmentor: of its own modality, or of all for a lone one."""
    if len(segmentors) == 1:
        return [segmentors[0](images, training=training)]
    return [net(images[..., i : i + 1], training=training) for i, net in enumerate(segmentors)]


class LesionStage(AdversarialStage):
    """Stage L; one player owns every segmentor, whose losses do not touch each other."""

    players = {"segmentor": segmentor_names("multiple")}
    phases = {"train": ("segmentor",)}

    def __init__(self, settings: LesionSettings, **base: Any):
        names = segmentor_names(settings.scheme)
        self.players = {"segmentor": names}
        self.averaged = names
        super().__init__(weights=settings.weights, **base)
        self.settings = settings
        self.names = names

    def synthesise(self, batch: Mapping[str, Tensor], draws: Mapping[str, Tensor], training: bool) -> Outputs:
        """Logits of each segmentor on the real images."""
        segmentors = [self.networks[name] for name in self.names]
        return dict(zip(self.names, lesion_logits(segmentors, batch["images"], training), strict=True))

    def terms(self, player: str, batch: Mapping[str, Tensor], outputs: Outputs) -> Terms:
        """Cross-entropy, overlap and label error, summed over segmentors."""
        label, weights = batch["lesion_label"], self.settings.class_weights
        logits = [outputs[name] for name in self.names]
        return {
            "cross_entropy": sum(lesion.weighted_cross_entropy(label, x, weights) for x in logits),
            "overlap": sum(lesion.overlap_loss(label, x) for x in logits),
            "label_error": sum(lesion.weighted_label_error(label, x, weights) for x in logits),
        }

    def preview(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Images, their label, and what the first segmentor makes of them."""
        scale = 1.0 / (NUM_CLASSES - 1)
        found = ops.cast(self.segment(batch["images"])[..., :1], "float32")
        label = ops.cast(batch["lesion_label"], "float32")
        return {"image": batch["images"][..., -1:], "label": label * scale, "predicted": found * scale}

    def segment(self, images: Tensor) -> Tensor:
        """Predicted class of each segmentor, ``(B, H, W, n)`` int32, with the averaged networks."""
        return self.segment_surely(images)[0]

    def segment_surely(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """As `segment`, and the probability of any lesion, ``(B, H, W, n)`` float32 in [0, 1]."""
        logits = lesion_logits([self.best(name) for name in self.names], images, training=False)
        found = ops.stack([ops.argmax(x, axis=-1) for x in logits], axis=-1)
        # The sum of the lesion classes: 1 - background would round what is nearly 0 to 0.
        classes = [ops.softmax(ops.cast(x, "float32"), axis=-1)[..., 1:] for x in logits]
        probability = ops.stack([ops.sum(x, axis=-1) for x in classes], axis=-1)
        return ops.cast(found, "int32"), ops.minimum(probability, 1.0)
