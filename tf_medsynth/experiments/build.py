"""From settings to a stage: networks at the images' size, optimisers, frozen networks of earlier stages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import keras

from tf_medsynth import networks
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.config.presets import Preset
from tf_medsynth.config.stages import TrainingSettings
from tf_medsynth.stages.base import AdversarialStage
from tf_medsynth.stages.guides import LesionStage, segmentor_names
from tf_medsynth.stages.multimodal import MultimodalStage
from tf_medsynth.stages.structure import StructureStage
from tf_medsynth.stages.translation import TranslationStage
from tf_medsynth.types import MODALITIES

Spec = TypeVar("Spec")
Size = tuple[int, int]


def build_stage(
    name: str,
    settings: Preset,
    operators: OperatorConfig,
    image_size: Size,
    seed: int,
    frozen: Mapping[str, keras.Model] | None = None,
) -> AdversarialStage:
    """Stage `name`, initialised by `seed`, with its optimisers; call it inside the strategy's scope.

    Args:
        settings: of the whole run; the stage takes its own part.
        frozen: networks of earlier stages; stage M needs guides and translator.
    """
    keras.utils.set_random_seed(seed)
    own = getattr(settings, name)
    training: TrainingSettings = own.training
    common = {"seed": seed, "ema_decay": training.ema_decay, "gradient_clip": training.gradient_clip}
    builder = {
        "structure": _structure,
        "lesion": _lesion,
        "translation": _translation,
        "multimodal": _multimodal,
    }[name]
    stage = builder(own, operators, image_size, dict(frozen or {}), common)
    stage.compile_players({player: _optimizer(training, stage, player) for player in stage.players})
    return stage


def _sized(spec: Spec, image_size: Size) -> Spec:
    return dataclasses.replace(spec, image_size=image_size)  # type: ignore[type-var]


def _structure(own: Any, operators: OperatorConfig, size: Size, frozen: Any, common: Any) -> StructureStage:
    vae = _sized(own.vae, size)
    code = dataclasses.replace(own.code_discriminator, latent_dim=vae.latent_dim)
    seen = vae.out_channels + (own.critic_sees == "map_and_anatomy")
    critic = dataclasses.replace(own.map_discriminator, image_size=size, in_channels=seen)
    built = {
        "structure_encoder": networks.build_structure_encoder(vae),
        "structure_decoder": networks.build_structure_decoder(vae),
        "prior": networks.build_affine_prior(vae.latent_dim),
        "mask_generator": networks.build_mask_generator(_sized(own.mask_generator, size)),
        "structure_discriminator": networks.build_discriminator(critic),
        "code_discriminator": networks.build_code_discriminator(code),
    }
    return StructureStage(dataclasses.replace(own, vae=vae), operators.structure, networks=built, **common)


def _lesion(own: Any, operators: OperatorConfig, size: Size, frozen: Any, common: Any) -> LesionStage:
    names = segmentor_names(own.scheme)
    channels = 1 if len(names) > 1 else len(MODALITIES)
    spec = dataclasses.replace(own.segmentor, image_size=size, in_channels=channels)
    return LesionStage(own, networks={n: networks.build_segmentor(spec, n) for n in names}, **common)


def _translation(own: Any, operators: OperatorConfig, size: Size, frozen: Any, common: Any) -> TranslationStage:
    spec = _sized(own.generator, size)
    built = {
        "translation_encoder": networks.build_unet_encoder(spec),
        "translation_decoder": networks.build_unet_decoder(spec),
        "discriminator": networks.build_discriminator(_sized(own.discriminator, size)),
    }
    return TranslationStage(own, networks=built, **common)


def _multimodal(own: Any, operators: OperatorConfig, size: Size, frozen: Any, common: Any) -> MultimodalStage:
    spec = _sized(own.generator, size)
    built = {
        "encoder": networks.build_unet_encoder(spec),
        "decoder": networks.build_unet_decoder(spec),
        "discriminator": networks.build_discriminator(_sized(own.discriminator, size)),
    }
    return MultimodalStage(own, size, networks=built | frozen, **common)


def _optimizer(training: TrainingSettings, stage: AdversarialStage, player: str) -> keras.optimizers.Optimizer:
    """Adam whose rate falls linearly over the steps in which `player` takes part."""
    start = training.discriminator_rate if player == "discriminator" else training.learning_rate
    first_phase = next(iter(stage.phases.values()))
    steps = training.steps if player in first_phase else training.steps - training.pretrain_steps
    rate: Any = start
    if training.final_rate != 1.0:
        rate = keras.optimizers.schedules.PolynomialDecay(start, max(steps, 1), start * training.final_rate)
    return keras.optimizers.Adam(rate, beta_1=training.beta_1)
