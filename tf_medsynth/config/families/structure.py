"""Family `structure`, stage S: a VAE-GAN of structure maps, and the mask generator."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from tf_medsynth.config.base import Weights, check
from tf_medsynth.config.family import Family, FamilySettings, SwitchedOff, published
from tf_medsynth.config.networks import (
    TINY_SPECS,
    CodeDiscriminatorSpec,
    DiscriminatorSpec,
    StructureVAESpec,
    UNetSpec,
)
from tf_medsynth.config.training import MOVED, PUBLISHED_TRAINING, TrainingSettings


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
class StructureSettings(FamilySettings):
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

    second_phase: ClassVar[tuple[str, ...]] = (
        "code_real",
        "code_fake",
        "map_real",
        "map_fake",
        "code_adversarial",
        "map_adversarial",
        "background_drawn",
    )

    drawing: Literal["lines", "anatomy"] = "lines"
    line_weight: float = 1.5
    temperature: float = 0.02
    critic_sees: Literal["map", "map_and_anatomy"] = "map"
    prior: Literal["fitted", "standard"] = "fitted"
    vae: StructureVAESpec = published("structure_vae")
    mask_generator: UNetSpec = published("mask_generator")
    map_discriminator: DiscriminatorSpec = published("structure_discriminator")
    code_discriminator: CodeDiscriminatorSpec = published("code_discriminator")
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

    def switched_off(self) -> Iterator[SwitchedOff]:
        """No anatomy is drawn where the decoder draws lines."""
        if self.drawing == "lines":
            yield SwitchedOff(("weights.anatomy",), "drawing", self.drawing, "drawing=anatomy")


_TINY: Mapping[str, Any] = {
    "drawing": "anatomy",
    "critic_sees": "map_and_anatomy",
    "vae": StructureVAESpec(
        (64, 64),
        latent_dim=32,
        encoder_convolutions=((3, 2, 1), (3, 2, 2), (3, 2, 4), (3, 2, 6)),
        decoder_levels=((8,), (6, 6), (4, 4), (2, 2), (1,)),
        seed_filters=8,
        spatial_noise=((8, 4), (4, 4), (2, 2)),
        spatial_posterior=False,
        smooth=True,
        output="sigmoid",
    ),
    "mask_generator": TINY_SPECS["mask_generator"],
    "map_discriminator": DiscriminatorSpec(
        (64, 64), in_channels=2, base_filters=24, convolutions=((4, 2, 1), (4, 2, 2), (4, 2, 4), (3, 1, 4))
    ),
    "code_discriminator": TINY_SPECS["code_discriminator"],
    "weights.code_real": 1.0,
    "weights.code_fake": 1.0,
    "weights.map_real": 1.0,
    "weights.map_fake": 1.0,
    "weights.code_adversarial": 0.01,
    "weights.map_adversarial": 0.15,
    "weights.code_divergence": 0.02,
    "weights.line_cross_entropy": 0.3,
    "weights.line_squared": 0.0,
    "weights.line_absolute": 0.0,
    "weights.anatomy": 4.0,
    "weights.background_drawn": 0.0,
    "weights.mask": 3.0,
    "training": TrainingSettings(
        steps=600,
        pretrain_steps=250,
        batch_size=16,
        learning_rate=1e-3,
        discriminator_rate=4e-4,
        augment=MOVED,
    ),
}
_BRATS96: Mapping[str, Any] = {
    **_TINY,
    "vae.latent_dim": 64,
    "training.steps": 1300,
    "training.pretrain_steps": 350,
    "training.batch_size": 24,
    "training.discriminator_rate": 5e-4,
}
_PHANTOM96: Mapping[str, Any] = {
    **_BRATS96,
    "vae.base_filters": 14,
    "mask_generator": TINY_SPECS["mask_generator"].override({"base_filters": 8}),
}
_THESIS: Mapping[str, Any] = {
    "drawing": "lines",
    "critic_sees": "map",
    "prior": "standard",
    "training": PUBLISHED_TRAINING,
}

FAMILY = Family(
    name="structure",
    about="structure maps and organ masks, from noise",
    settings=StructureSettings(),
    presets={"thesis": _THESIS, "tiny": _TINY, "brats96": _BRATS96, "phantom96": _PHANTOM96},
    model_family="thesis",
    batch=("structure",),
)
