"""Presets: all settings of a run by name. A variant is a row of overrides, never a copied table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.baselines import BASELINES, BaselineSettings, BaselineWeights, as_wide_as, published
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.imaging import OPERATOR_PRESETS, OperatorConfig, TrainAugmentConfig
from tf_medsynth.config.networks import TINY_SPECS, DiscriminatorSpec, StructureVAESpec
from tf_medsynth.config.stages import (
    LesionSettings,
    MultimodalSettings,
    PretrainingWeights,
    StructureSettings,
    TrainingSettings,
    TranslationSettings,
)

STAGES = ("structure", "lesion", "translation", "multimodal")
"""Of a run, in the order in which they are trained."""

TRAINABLE = (*STAGES, *BASELINES)

LABEL_FREE = ("translation",)
"""Those that read no lesion label, and so also train on patients who have none."""


@dataclasses.dataclass(frozen=True)
class Preset(Config):
    """Settings of a whole run, and of the baselines that it is compared with.

    `operators` none takes those measured for the images' size.
    """

    data: DataSettings = dataclasses.field(default_factory=DataSettings)
    operators: OperatorConfig | None = None
    structure: StructureSettings = dataclasses.field(default_factory=StructureSettings)
    lesion: LesionSettings = dataclasses.field(default_factory=LesionSettings)
    translation: TranslationSettings = dataclasses.field(default_factory=TranslationSettings)
    multimodal: MultimodalSettings = dataclasses.field(default_factory=MultimodalSettings)
    gan: BaselineSettings = published("gan")
    skrgan: BaselineSettings = published("skrgan")

    def __post_init__(self) -> None:
        seen = {name: getattr(self, name).sees for name in BASELINES}
        check("gan sees noise and skrgan a sketch", tuple(seen.values()) == ("noise", "sketch"), **seen)


def preset(name: str) -> Preset:
    """The settings called `name`.

    Raises:
        MedSynthError: unknown name.
    """
    check("unknown preset", name in PRESETS, f"Known: {', '.join(PRESETS)}.", preset=name)
    return PRESETS[name]


def _thesis() -> Preset:
    """The thesis' weights, rates and lengths with its published networks, for 184x144 slices.

    Source: Qu et al. (thesis), and the authors' released settings, `method` sections 2 to 5.
    Deviates: in stage S the encoder and decoder of maps alone work at 512x512, as published; the mask
        generator, D_s and every loss see maps of the image's size, where the release keeps all of them
        at 512x512. The lines of a lesion are taken out of maps, as the papers say and the release does
        not. D_s also judges reconstructions, and D of stage M renderings of real maps, each at half the
        weight of what is drawn from z. A guide's sigmoid is in its loss; which class is likeliest does
        not change, and the probability of a lesion is the softmax of the same logits. Input dropout
        acts in training only. Stage M is fed the label, translations are what D of stage T judges,
        modalities and not slices are summed over, and 671,000 steps of four slices are 200 epochs of
        the 13,420 training slices.
    """
    training = TrainingSettings(
        steps=671_000, batch_size=4, learning_rate=1e-5, discriminator_rate=1e-5, final_rate=1.0,
        gradient_clip=0.0, ema_decay=0.0, log_every=500, checkpoint_every=5000,
    )  # fmt: skip
    return Preset(
        data=DataSettings(normalisation="minmax"),
        operators=OPERATOR_PRESETS["thesis/brats"],
        structure=StructureSettings(drawing="lines", critic_sees="map", prior="standard", training=training),
        lesion=LesionSettings(training=training).override(
            {"weights.cross_entropy": 0.0, "weights.overlap": 0.0, "weights.label_error": 5.0}
        ),
        translation=TranslationSettings(training=training),
        multimodal=MultimodalSettings(training=training),
        gan=published("gan").override({"training": training}),
        skrgan=published("skrgan").override({"training": training}),
    )


_MIRROR = TrainAugmentConfig(degrees=0.0, scale=0.0, shift=0.0, gain=0.0, bias=0.0)
_MOVE = TrainAugmentConfig(degrees=8.0, scale=0.05, shift=0.02, gain=0.0, bias=0.0)

_BASELINE_TRAINING = TrainingSettings(
    steps=400, batch_size=4, learning_rate=1e-3, discriminator_rate=1e-3, augment=_MIRROR
)
_BASELINES: Mapping[str, Any] = {
    "gan.weights": BaselineWeights(real=1.0, fake=1.0, adversarial=1.0, squared_reconstruction=0.0),
    # 600 steps at 96 pixels end in one shape a modality, at this rate as at twice it.
    "gan.training": _BASELINE_TRAINING.override({"learning_rate": 5e-4}),
    "skrgan.weights": BaselineWeights(real=1.0, fake=1.0, adversarial=0.25, squared_reconstruction=5.0),
    "skrgan.training": _BASELINE_TRAINING,
}

_TINY: Mapping[str, Any] = {
    **_BASELINES,
    "structure.drawing": "anatomy",
    "structure.critic_sees": "map_and_anatomy",
    "structure.vae": StructureVAESpec(
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
    "structure.mask_generator": TINY_SPECS["mask_generator"],
    "structure.map_discriminator": DiscriminatorSpec(
        (64, 64), in_channels=2, base_filters=24, convolutions=((4, 2, 1), (4, 2, 2), (4, 2, 4), (3, 1, 4))
    ),
    "structure.code_discriminator": TINY_SPECS["code_discriminator"],
    "structure.weights.code_real": 1.0,
    "structure.weights.code_fake": 1.0,
    "structure.weights.map_real": 1.0,
    "structure.weights.map_fake": 1.0,
    "structure.weights.code_adversarial": 0.01,
    "structure.weights.map_adversarial": 0.15,
    "structure.weights.code_divergence": 0.02,
    "structure.weights.line_cross_entropy": 0.3,
    "structure.weights.line_squared": 0.0,
    "structure.weights.line_absolute": 0.0,
    "structure.weights.anatomy": 4.0,
    "structure.weights.background_drawn": 0.0,
    "structure.weights.mask": 3.0,
    "structure.training": TrainingSettings(
        steps=600,
        pretrain_steps=250,
        batch_size=16,
        learning_rate=1e-3,
        discriminator_rate=4e-4,
        augment=_MOVE,
    ),
    "lesion.segmentor": TINY_SPECS["segmentor"],
    "lesion.class_weights": (0.5, 2.0, 2.0, 2.0, 2.0),
    "lesion.training": TrainingSettings(
        steps=200,
        batch_size=16,
        learning_rate=2e-3,
        beta_1=0.9,
        final_rate=0.05,
        ema_decay=0.98,
        augment=TrainAugmentConfig(),
    ),
    "translation.pairs": "one",
    "translation.generator": TINY_SPECS["translator"].override({"patch": 2}),
    "translation.discriminator": TINY_SPECS["discriminator"],
    "translation.weights.real": 1.0,
    "translation.weights.fake": 1.0,
    "translation.weights.modality_real": 0.5,
    "translation.weights.adversarial": 0.1,
    "translation.weights.modality": 0.1,
    "translation.weights.cycle": 2.0,
    "translation.weights.paired": 10.0,
    "translation.training": TrainingSettings(steps=150, batch_size=4, learning_rate=1e-3, augment=_MIRROR),
    "multimodal.generator": TINY_SPECS["generator"].override({"pixel_noise": True}),
    "multimodal.discriminator": TINY_SPECS["discriminator"].override(
        {
            "convolutions": ((4, 2, 1), (4, 2, 2), (3, 1, 4)),
            "normalisation": "none",
            "spectral": True,
            "see_detail": True,
        }
    ),
    "multimodal.map_pool": 500,
    "multimodal.lesion_loss": "overlap",
    "multimodal.lesion_class_weights": (0.5, 2.0, 2.0, 2.0, 2.0),
    "multimodal.lesion_emphasis": 3.0,
    "multimodal.translations": "one",
    "multimodal.weights.real": 1.0,
    "multimodal.weights.fake": 1.0,
    "multimodal.weights.modality_real": 0.5,
    "multimodal.weights.adversarial": 0.25,
    "multimodal.weights.modality": 0.1,
    "multimodal.weights.lesion": 0.25,
    "multimodal.weights.registration": 0.05,
    "multimodal.weights.background": 1.0,
    "multimodal.weights.reconstruction": 5.0,
    "multimodal.weights.squared_reconstruction": 2.0,
    "multimodal.weights.masked_reconstruction": 1.0,
    "multimodal.weights.dissimilarity": 2.0,
    "multimodal.pretraining": PretrainingWeights(5.0, 2.0, 1.0, 2.0),
    "multimodal.training": TrainingSettings(
        steps=400,
        pretrain_steps=200,
        batch_size=4,
        learning_rate=2e-3,
        discriminator_rate=1e-3,
        second_phase_rate=0.3,
        augment=_MIRROR,
    ),
}

_BRATS96: Mapping[str, Any] = {
    **_TINY,
    "data.normalisation": "organ_mean",
    "structure.vae.latent_dim": 64,
    "structure.training": TrainingSettings(
        steps=1300, pretrain_steps=350, batch_size=24, learning_rate=1e-3, discriminator_rate=5e-4,
        augment=_MOVE,
    ),
    "lesion.training": TrainingSettings(
        steps=300, batch_size=16, learning_rate=2e-3, beta_1=0.9, final_rate=0.05, ema_decay=0.98,
        augment=TrainAugmentConfig(),
    ),
    "translation.training": TrainingSettings(steps=300, batch_size=4, learning_rate=1e-3, augment=_MIRROR),
    "multimodal.generator": TINY_SPECS["generator"].override(
        {"base_filters": 32, "patch": 2, "refine": 8, "pixel_noise": True}
    ),
    "multimodal.map_pool": 1500,
    "multimodal.lesion_class_weights": (0.5, 4.0, 2.0, 2.0, 3.0),
    "multimodal.weights.lesion": 0.4,
    "multimodal.training": TrainingSettings(
        steps=1500, pretrain_steps=600, batch_size=4, learning_rate=2e-3, discriminator_rate=1e-3,
        second_phase_rate=0.3, augment=_MIRROR,
    ),
    **{f"{name}.training.steps": 1500 for name in BASELINES},
}  # fmt: skip

_PHANTOM96: Mapping[str, Any] = {
    **_BRATS96,
    "data.normalisation": "percentile",
    "structure.vae.base_filters": 14,
    "structure.mask_generator": TINY_SPECS["mask_generator"].override({"base_filters": 8}),
    "lesion.segmentor": TINY_SPECS["segmentor"].override({"base_filters": 10}),
    "translation.generator": TINY_SPECS["translator"].override({"patch": 2, "base_filters": 10}),
    "multimodal.generator": TINY_SPECS["generator"].override(
        {"base_filters": 20, "patch": 2, "refine": 8, "pixel_noise": True}
    ),
}


def _small(table: Mapping[str, Any]) -> Preset:
    """The settings of `table`, with baselines as wide as their stage M."""
    settings = Preset().override(table)
    wide = as_wide_as(settings.multimodal)
    return settings.override({f"{name}.{key}": spec for name in BASELINES for key, spec in wide.items()})


PRESETS: dict[str, Preset] = {
    "thesis": _thesis(),
    "tiny": _small(_TINY),
    "brats96": _small(_BRATS96),
    "phantom96": _small(_PHANTOM96),
}
"""``thesis``: as published. ``tiny``: 64 pixels on two cores in minutes, the demo's. ``brats96``: a
dozen real patients at 96 pixels on two cores in about an hour. ``phantom96``: the model in the box, the
same with narrower networks, for a download of 10 MB."""
