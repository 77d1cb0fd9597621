"""Settings of the papers' baselines, `families/gan` and `families/skrgan`: a GAN a modality, of one class."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from tf_medsynth.config.base import Weights, check
from tf_medsynth.config.family import Family, FamilySettings, SwitchedOff
from tf_medsynth.config.networks import DiscriminatorSpec, UNetSpec
from tf_medsynth.config.training import MIRRORED, PUBLISHED_TRAINING, TrainingSettings

if TYPE_CHECKING:
    from tf_medsynth.config.families.multimodal import MultimodalSettings


@dataclasses.dataclass(frozen=True)
class BaselineWeights(Weights):
    """Weights of a baseline, `method` section 4.6; the defaults are those of SkrGAN*."""

    real: float = 5.0
    fake: float = 3.0
    adversarial: float = 3.0
    squared_reconstruction: float = 5.0


@dataclasses.dataclass(frozen=True)
class BaselineSettings(FamilySettings):
    """A generator and a discriminator for each modality, which know nothing of the other modalities.

    Attributes:
        sees: what generators are fed: ``noise``, N(0, 1) of the image's size, a draw of its own a
            modality; ``sketch``, ``1 - structure_map``, the same for every modality.
        generator: of one modality, without condition.
        discriminator: of one modality, without modality head.
    """

    sees: Literal["noise", "sketch"]
    generator: UNetSpec
    discriminator: DiscriminatorSpec
    weights: BaselineWeights = dataclasses.field(default_factory=BaselineWeights)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        check(
            "an image drawn from noise is of no real image that it could be compared with",
            self.sees == "sketch" or self.weights.squared_reconstruction == 0.0,
            "Set weights.squared_reconstruction=0.",
            squared_reconstruction=self.weights.squared_reconstruction,
        )
        check(
            "a baseline has no condition and no modality head, and draws without noise of pixels",
            not (self.generator.conditions or self.discriminator.modalities or self.generator.pixel_noise),
            conditions=self.generator.conditions,
            modalities=self.discriminator.modalities,
            pixel_noise=self.generator.pixel_noise,
        )

    def switched_off(self) -> Iterator[SwitchedOff]:
        """What is drawn from noise is compared with nothing."""
        if self.sees == "noise":
            yield SwitchedOff(("weights.squared_reconstruction",), "sees", self.sees, "train skrgan")


def as_wide_as(own: MultimodalSettings) -> dict[str, UNetSpec | DiscriminatorSpec]:
    """Networks of a baseline with the widths of stage M's, so that a comparison is of methods."""
    return {
        "generator": own.generator.override({"in_channels": 1, "conditions": 0, "pixel_noise": False}),
        "discriminator": own.discriminator.override({"in_channels": 1, "modalities": 0}),
    }


def image_gan(
    name: str,
    about: str,
    sees: Literal["noise", "sketch"],
    weights: BaselineWeights,
    needs: tuple[str, ...],
    tiny: Mapping[str, Any],
    like: MultimodalSettings,
) -> Family:
    """The family of a baseline.

    Args:
        sees: what it is fed, which no setting changes.
        weights: of the papers' own runs.
        needs: families that draw what it is fed.
        tiny: what the small presets change of it.
        like: stage M as published, which it is as wide as.
    """

    def fits(settings: BaselineSettings) -> None:
        check("gan sees noise and skrgan a sketch", settings.sees == sees, **{f"{name}.sees": settings.sees})

    longer = {**tiny, "training.steps": 1500}
    return Family(
        name=name,
        about=about,
        settings=BaselineSettings(sees, weights=weights, **as_wide_as(like)),  # type: ignore[arg-type]
        presets={"thesis": {"training": PUBLISHED_TRAINING}, "tiny": tiny}
        | dict.fromkeys(("brats96", "phantom96"), longer),
        follows=lambda run: as_wide_as(run.multimodal),
        fits=fits,
        model_family="baselines",
        needs=needs,
        batch=("structure",) if sees == "sketch" else (),
        module="tf_medsynth.stages.baselines.image_gan",
    )


SMALL_TRAINING = TrainingSettings(
    steps=400, batch_size=4, learning_rate=1e-3, discriminator_rate=1e-3, augment=MIRRORED
)
"""Of a baseline in the small presets."""
