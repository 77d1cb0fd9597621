"""Settings of the papers' baselines: a GAN a modality, fed noise or a sketch; both are rows of one class."""

from __future__ import annotations

import dataclasses
from typing import Literal

from tf_medsynth.config.base import Config, Weights, check
from tf_medsynth.config.networks import DiscriminatorSpec, UNetSpec
from tf_medsynth.config.stages import MultimodalSettings, TrainingSettings

BASELINES = ("gan", "skrgan")


@dataclasses.dataclass(frozen=True)
class BaselineWeights(Weights):
    """Weights of a baseline, `method` section 4.6; the defaults are those of SkrGAN*."""

    real: float = 5.0
    fake: float = 3.0
    adversarial: float = 3.0
    squared_reconstruction: float = 5.0


@dataclasses.dataclass(frozen=True)
class BaselineSettings(Config):
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
    weights: BaselineWeights = BaselineWeights()
    training: TrainingSettings = TrainingSettings()

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


def as_wide_as(own: MultimodalSettings) -> dict[str, UNetSpec | DiscriminatorSpec]:
    """Networks of a baseline with the widths of stage M's, so that a comparison is of methods."""
    return {
        "generator": own.generator.override({"in_channels": 1, "conditions": 0, "pixel_noise": False}),
        "discriminator": own.discriminator.override({"in_channels": 1, "modalities": 0}),
    }


def published(name: str) -> BaselineSettings:
    """Baseline `name` with the weights of the papers' own runs and the published networks."""
    sees: Literal["noise", "sketch"] = "noise" if name == "gan" else "sketch"
    weights = BaselineWeights(100.0, 70.0, 70.0, 0.0) if name == "gan" else BaselineWeights()
    return BaselineSettings(sees, weights=weights, **as_wide_as(MultimodalSettings()))  # type: ignore[arg-type]
