"""Family `lesion`, stage L: the segmentors that guide stage M and judge what it draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from tf_medsynth.config.base import Weights, check
from tf_medsynth.config.family import Family, FamilySettings, published
from tf_medsynth.config.imaging import TrainAugmentConfig
from tf_medsynth.config.networks import TINY_SPECS, UNetSpec
from tf_medsynth.config.training import PUBLISHED_TRAINING, TrainingSettings


@dataclasses.dataclass(frozen=True)
class LesionWeights(Weights):
    """Weights of stage L; `label_error` is the papers' class-weighted MSE (section 4.4)."""

    cross_entropy: float = 1.0
    overlap: float = 1.0
    label_error: float = 0.0


@dataclasses.dataclass(frozen=True)
class LesionSettings(FamilySettings):
    """Stage L: lesion segmentors.

    Attributes:
        scheme: who sees what, in training as in guiding stage M. ``multiple``, one segmentor a
            modality; ``shared``, one encoder and a decoder a modality; ``single``, one segmentor for
            every modality in turn; ``stacked``, one segmentor of all modalities together (a judge,
            or a downstream model).
        class_weights: weights of the cross-entropy or squared error, background first: one a class, or
            two, the second of which every lesion class has.
        folds, fold: trains on the patients of this fold only, so that a judge of fold 1 shares no
            patient with guides of fold 0; one fold trains on all.
        held_out: share of the fold's persons who are left out, one at least: what the guides reach on
            them is what a sample is held against (`GenerationConfig.lesion`). 0 trains on all, and
            generation then needs thresholds.
    """

    scheme: Literal["multiple", "shared", "single", "stacked"] = "multiple"
    class_weights: tuple[float, ...] = (0.5, 5.0, 25.0, 25.0, 25.0)
    folds: int = 1
    fold: int = 0
    held_out: float = 0.2
    segmentor: UNetSpec = published("segmentor_brats")
    weights: LesionWeights = dataclasses.field(default_factory=LesionWeights)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        check(
            "class_weights has one weight a class, or one of background and one of the rest",
            len(self.class_weights) >= 2,
            class_weights=self.class_weights,
        )
        check(
            "a segmentor draws logits, which the losses take through their own function",
            self.segmentor.output == "linear",
            "Set segmentor.output=linear.",
            output=self.segmentor.output,
        )
        check("fold must lie in [0, folds)", 0 <= self.fold < self.folds, fold=self.fold, folds=self.folds)
        check("held_out must lie in [0, 1)", 0.0 <= self.held_out < 1.0, held_out=self.held_out)


_TINY: Mapping[str, Any] = {
    "segmentor": TINY_SPECS["segmentor"],
    "class_weights": (0.5, 2.0),
    "training": TrainingSettings(
        steps=200,
        batch_size=16,
        learning_rate=2e-3,
        beta_1=0.9,
        final_rate=0.05,
        ema_decay=0.98,
        augment=TrainAugmentConfig(),
    ),
}
_BRATS96: Mapping[str, Any] = {**_TINY, "training.steps": 300}
_PHANTOM96: Mapping[str, Any] = {
    **_BRATS96,
    "segmentor": TINY_SPECS["segmentor"].override({"base_filters": 10}),
}
_THESIS: Mapping[str, Any] = {
    "weights.cross_entropy": 0.0,
    "weights.overlap": 0.0,
    "weights.label_error": 5.0,
    "training": PUBLISHED_TRAINING,
}

FAMILY = Family(
    name="lesion",
    about="lesion segmentors, which guide `multimodal` and judge samples",
    settings=LesionSettings(),
    presets={"thesis": _THESIS, "tiny": _TINY, "brats96": _BRATS96, "phantom96": _PHANTOM96},
    model_family="thesis",
    holds_out=True,
    module="tf_medsynth.stages.guides",
)
