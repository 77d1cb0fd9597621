"""Settings of the four training stages: loss weights by name, networks, and how long to train."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Self

from tf_medsynth.config.base import Config, Weights, check
from tf_medsynth.config.imaging import FusionConfig, LabelPlace
from tf_medsynth.config.networks import (
    PAPER_SPECS,
    CodeDiscriminatorSpec,
    DiscriminatorSpec,
    StructureVAESpec,
    UNetSpec,
)
from tf_medsynth.config.training import TrainingSettings
from tf_medsynth.types import NUM_CLASSES


def _paper(name: str) -> Any:
    """A field that defaults to a published network; its image size is set when the data are known."""
    return dataclasses.field(default_factory=lambda: PAPER_SPECS[name])


@dataclasses.dataclass(frozen=True)
class StructureWeights(Weights):
    """Weights of stage S, `method` section 4.1; the defaults are those of the thesis' own runs."""

    code_real: float = 10.0
    code_fake: float = 10.0
    map_real: float = 25.0
    map_fake: float = 25.0
    code_adversarial: float = 0.001
    map_adversarial: float = 0.1
    code_mean: float = 0.001
    code_deviation: float = 0.001
    code_divergence: float = 0.0
    line_cross_entropy: float = 0.0
    line_squared: float = 25.0
    line_absolute: float = 10.0
    anatomy: float = 0.0
    background_reconstructed: float = 1.0
    background_drawn: float = 1.0
    mask: float = 15.0


@dataclasses.dataclass(frozen=True)
class StructureSettings(Config):
    """Stage S: VAE-GAN of structure maps, and the mask generator.

    Attributes:
        drawing: ``lines``, the decoder draws the map itself (the papers); ``anatomy``, it draws
            an image whose edges, taken by the structure-map operator, are the map.
        line_weight: weight of a line pixel in the cross-entropy.
        temperature: width of the soft threshold that lets gradients through the operator.
        critic_sees: whether the map discriminator sees the map alone or the anatomy beside it.
        prior: what a drawn z ~ N(0, 1) is decoded as: itself (``standard``, eq. 8), or moved to the
            mean and covariance of the codes of real maps (``fitted``).
    """

    drawing: Literal["lines", "anatomy"] = "lines"
    line_weight: float = 1.5
    temperature: float = 0.02
    critic_sees: Literal["map", "map_and_anatomy"] = "map"
    prior: Literal["fitted", "standard"] = "fitted"
    vae: StructureVAESpec = _paper("structure_vae")
    mask_generator: UNetSpec = _paper("mask_generator")
    map_discriminator: DiscriminatorSpec = _paper("structure_discriminator")
    code_discriminator: CodeDiscriminatorSpec = _paper("code_discriminator")
    weights: StructureWeights = dataclasses.field(default_factory=StructureWeights)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        check(
            "the map discriminator can see the anatomy only where one is drawn",
            self.drawing == "anatomy" or self.critic_sees == "map",
            "Set critic_sees=map.",
            drawing=self.drawing,
            critic_sees=self.critic_sees,
        )
        check("temperature must be positive", self.temperature > 0, temperature=self.temperature)


@dataclasses.dataclass(frozen=True)
class LesionWeights(Weights):
    """Weights of stage L; `label_error` is the papers' class-weighted MSE (section 4.4)."""

    cross_entropy: float = 1.0
    overlap: float = 1.0
    label_error: float = 0.0


@dataclasses.dataclass(frozen=True)
class LesionSettings(Config):
    """Stage L: lesion segmentors.

    Attributes:
        scheme: who sees what, in training as in guiding stage M. ``multiple``, one segmentor a
            modality; ``shared``, one encoder and a decoder a modality; ``single``, one segmentor for
            every modality in turn; ``stacked``, one segmentor of all modalities together (a judge,
            or a downstream model).
        class_weights: weights of the cross-entropy or squared error, background first.
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
    segmentor: UNetSpec = _paper("segmentor_brats")
    weights: LesionWeights = dataclasses.field(default_factory=LesionWeights)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        check(
            "class_weights has one weight a class",
            len(self.class_weights) == NUM_CLASSES,
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


@dataclasses.dataclass(frozen=True)
class TranslationWeights(Weights):
    """Weights of stage T, `method` section 4.5."""

    real: float = 5.0
    fake: float = 3.0
    modality_real: float = 5.0
    adversarial: float = 3.0
    modality: float = 5.0
    cycle: float = 20.0
    agreement: float = 0.0
    paired: float = 0.0


@dataclasses.dataclass(frozen=True)
class TranslationSettings(Config):
    """Stage T: modality i to modality j.

    Attributes:
        pairs: ``all`` twelve ordered pairs a step, or ``one`` target a source, drawn by sample,
            which estimates the same sum at a third of the cost; no two translations then meet in
            one target, so `agreement` has no term.
    """

    pairs: Literal["all", "one"] = "all"
    generator: UNetSpec = _paper("translator_brats")
    discriminator: DiscriminatorSpec = _paper("discriminator_brats")
    weights: TranslationWeights = dataclasses.field(default_factory=TranslationWeights)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)


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
class MultimodalSettings(Config):
    """Stage M: structure map + noise + lesion label to all modalities.

    Attributes:
        weights: of the second phase.
        pretraining: of the first, ``training.pretrain_steps`` long.
        maps: where the adversarial part takes its maps from: drawn by stage S, or real.
        label_place: of its labels: ``inside`` the organ of their map, or ``anywhere``.
        lesion_loss: ``label_error`` (thesis eq. 15) or ``overlap`` (cross-entropy + soft Dice).
        lesion_class_weights: class weights of either, background first.
        lesion_emphasis: factor on lesion pixels in `reconstruction`.
        translations: ``all`` ordered pairs in the registration term, or ``one`` target a source, drawn
            by sample so that translations meet, which estimates the same sum at a third of the cost.
    """

    maps: Literal["synthetic", "real"] = "synthetic"
    map_pool: int = 2000
    label_place: LabelPlace = "inside"
    lesion_loss: Literal["label_error", "overlap"] = "label_error"
    lesion_class_weights: tuple[float, ...] = (0.5, 5.0, 25.0, 25.0, 25.0)
    lesion_emphasis: float = 1.0
    translations: Literal["all", "one"] = "all"
    fusion: FusionConfig = dataclasses.field(default_factory=FusionConfig)
    generator: UNetSpec = _paper("generator_brats")
    discriminator: DiscriminatorSpec = _paper("discriminator_brats")
    weights: MultimodalWeights = dataclasses.field(default_factory=MultimodalWeights)
    pretraining: PretrainingWeights = dataclasses.field(default_factory=PretrainingWeights)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        check("map_pool must be positive", self.map_pool > 0, map_pool=self.map_pool)
        check(
            "lesion_class_weights has one weight a class",
            len(self.lesion_class_weights) == NUM_CLASSES,
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
