"""Family `multimodal`, stage M: structure map, noise and lesion label to all modalities."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from tf_medsynth.config.base import Config, Weights, check
from tf_medsynth.config.family import Family, FamilySettings, SwitchedOff, published
from tf_medsynth.config.imaging import FusionConfig, LabelPlace
from tf_medsynth.config.networks import TINY_SPECS, DiscriminatorSpec, UNetSpec
from tf_medsynth.config.training import MIRRORED, PUBLISHED_TRAINING, TrainingSettings


@dataclasses.dataclass(frozen=True)
class MultimodalWeights(Weights):
    """Weights of stage M, `method` section 4.3.

    The terms from `reconstruction` on compare with real slices, on their own map and label; the
    rest judges slices drawn from synthetic maps and free labels.
    """

    real: float = 5.0
    fake: float = 3.0
    modality_real: float = 5.0
    adversarial: float = 3.0
    modality: float = 5.0
    lesion: float = 5.0
    registration: float = 20.0
    background: float = 0.0
    reconstruction: float = 0.0
    squared_reconstruction: float = 0.0
    masked_reconstruction: float = 0.0
    dissimilarity: float = 0.0


@dataclasses.dataclass(frozen=True)
class PretrainingWeights(Config):
    """Weights of stage M's first phase, which sees real slices on their own map and label alone.

    Source: Qu et al. (thesis), eq. 18: `squared_reconstruction` 5, `masked_reconstruction` 5 (0.1 outside
    BRATS). By default none, as the thesis trains on BRATS without this phase.
    Deviates: the other two terms are ours; the thesis' second phase has none of the four, see `weights`.
    """

    reconstruction: float = 0.0
    squared_reconstruction: float = 0.0
    masked_reconstruction: float = 0.0
    dissimilarity: float = 0.0


@dataclasses.dataclass(frozen=True)
class MultimodalSettings(FamilySettings):
    """Stage M: structure map + noise + lesion label to all modalities.

    Attributes:
        weights: of the second phase.
        pretraining: of the first, ``training.pretrain_steps`` long.
        maps: where the adversarial part takes its maps from: drawn by stage S, or real.
        label_place: of its labels: ``inside`` the organ of their map, or ``anywhere``.
        lesion_loss: ``label_error`` (thesis eq. 15) or ``overlap`` (cross-entropy + soft Dice).
        lesion_class_weights: class weights of either, as `LesionSettings.class_weights`.
        lesion_emphasis: factor on lesion pixels in `reconstruction`.
        translations: ``all`` ordered pairs in the registration term, or ``one`` target a source, drawn
            by sample so that translations meet, which estimates the same sum at a third of the cost.
    """

    second_phase: ClassVar[tuple[str, ...]] = tuple(MultimodalWeights().to_dict())

    maps: Literal["synthetic", "real"] = "synthetic"
    map_pool: int = 2000
    label_place: LabelPlace = "inside"
    lesion_loss: Literal["label_error", "overlap"] = "label_error"
    lesion_class_weights: tuple[float, ...] = (0.5, 5.0, 25.0, 25.0, 25.0)
    lesion_emphasis: float = 1.0
    translations: Literal["all", "one"] = "all"
    fusion: FusionConfig = dataclasses.field(default_factory=FusionConfig)
    generator: UNetSpec = published("generator_brats")
    discriminator: DiscriminatorSpec = published("discriminator_brats")
    weights: MultimodalWeights = dataclasses.field(default_factory=MultimodalWeights)
    pretraining: PretrainingWeights = dataclasses.field(default_factory=PretrainingWeights)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        check("map_pool must be positive", self.map_pool > 0, map_pool=self.map_pool)
        check(
            "lesion_class_weights has one weight a class, or one of background and one of the rest",
            len(self.lesion_class_weights) >= 2,
            lesion_class_weights=self.lesion_class_weights,
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The settings held by a nested dictionary; an unknown key raises.

        One from before the first phase had weights of its own was trained with those of `weights` in it.
        """
        weights, training = values.get("weights"), values.get("training")
        if "pretraining" not in values and weights and training and training.get("pretrain_steps"):
            names = [field.name for field in dataclasses.fields(PretrainingWeights)]
            values = {**values, "pretraining": {name: weights.get(name, 0.0) for name in names}}
        return super().from_dict(values)

    def switched_off(self) -> Iterator[SwitchedOff]:
        """No head, no modality to tell; no first phase, no weights of its own."""
        if not self.discriminator.modalities:
            yield SwitchedOff(
                ("weights.modality_real", "weights.modality"),
                "discriminator.modalities",
                self.discriminator.modalities,
                "discriminator.modalities to the number of modalities",
            )
        length = self.training.pretrain_steps
        if not length:
            keys = tuple(f"pretraining.{name}" for name in PretrainingWeights().to_dict())
            remedy = "training.pretrain_steps to the phase's length"
            yield SwitchedOff(keys, "training.pretrain_steps", length, remedy)

    def check_training(self) -> None:
        """Raises where the first phase has no weight."""
        check(
            "a first phase needs a weight of its own that is not 0",
            not self.training.pretrain_steps or any(self.pretraining.to_dict().values()),
            "Set pretraining.squared_reconstruction=5 pretraining.masked_reconstruction=5 (eq. 18), "
            "or training.pretrain_steps=0.",
            **{"training.pretrain_steps": self.training.pretrain_steps},
            pretraining=self.pretraining.to_dict(),
        )


_TINY: Mapping[str, Any] = {
    "generator": TINY_SPECS["generator"].override({"pixel_noise": True}),
    "discriminator": TINY_SPECS["discriminator"].override(
        {
            "convolutions": ((4, 2, 1), (4, 2, 2), (3, 1, 4)),
            "normalisation": "none",
            "spectral": True,
            "see_detail": True,
        }
    ),
    "map_pool": 500,
    "lesion_loss": "overlap",
    "lesion_class_weights": (0.5, 2.0),
    "lesion_emphasis": 3.0,
    "translations": "one",
    "weights.real": 1.0,
    "weights.fake": 1.0,
    "weights.modality_real": 0.5,
    "weights.adversarial": 0.25,
    "weights.modality": 0.1,
    "weights.lesion": 0.25,
    "weights.registration": 0.05,
    "weights.background": 1.0,
    "weights.reconstruction": 5.0,
    "weights.squared_reconstruction": 2.0,
    "weights.masked_reconstruction": 1.0,
    "weights.dissimilarity": 2.0,
    "pretraining": PretrainingWeights(5.0, 2.0, 1.0, 2.0),
    "training": TrainingSettings(
        steps=400,
        pretrain_steps=200,
        batch_size=4,
        learning_rate=2e-3,
        discriminator_rate=1e-3,
        second_phase_rate=0.3,
        augment=MIRRORED,
    ),
}
_BRATS96: Mapping[str, Any] = {
    **_TINY,
    "generator": TINY_SPECS["generator"].override(
        {"base_filters": 32, "patch": 2, "refine": 8, "pixel_noise": True}
    ),
    "map_pool": 1500,
    "lesion_class_weights": (0.5, 4.0, 2.0, 2.0, 3.0),
    "weights.lesion": 0.4,
    "training.steps": 1500,
    "training.pretrain_steps": 600,
}
_PHANTOM96: Mapping[str, Any] = {
    **_BRATS96,
    "generator": TINY_SPECS["generator"].override(
        {"base_filters": 20, "patch": 2, "refine": 8, "pixel_noise": True}
    ),
}

FAMILY = Family(
    name="multimodal",
    about="all modalities of one imaginary patient, registered, from map, noise and label",
    settings=MultimodalSettings(),
    presets={
        "thesis": {"training": PUBLISHED_TRAINING},
        "tiny": _TINY,
        "brats96": _BRATS96,
        "phantom96": _PHANTOM96,
    },
    model_family="thesis",
    needs=("structure", "lesion", "translation"),
    frozen=("lesion", "translation"),
    batch=("structure", "drawn_maps"),
)
