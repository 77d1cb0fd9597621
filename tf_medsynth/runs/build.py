"""From settings to a stage: networks at the images' size, optimisers, frozen networks of earlier stages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import keras

from tf_medsynth import networks
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.config.network_specs import UNetSpec
from tf_medsynth.config.presets import Preset
from tf_medsynth.config.training import TrainingSettings
from tf_medsynth.stages.base import AdversarialStage
from tf_medsynth.stages.baselines.image_gan import ImageGANStage, of_each_modality
from tf_medsynth.stages.guides import SCHEMES, LesionStage
from tf_medsynth.stages.multimodal import MultimodalStage
from tf_medsynth.stages.optimisers import optimisers_of
from tf_medsynth.stages.structure import StructureStage
from tf_medsynth.stages.translation import TranslationStage
from tf_medsynth.types import MODALITIES, NUM_CLASSES

Spec = TypeVar("Spec")
Size = tuple[int, int]

_SEGMENTOR_PARTS = {
    1: (networks.build_segmentor,),
    2: (networks.build_segmentor_encoder, networks.build_segmentor_decoder),
}
"""What builds the parts of a segmentor, by their number."""


def build_stage(
    name: str,
    settings: Preset,
    operators: OperatorConfig,
    image_size: Size,
    seed: int,
    frozen: Mapping[str, keras.Model] | None = None,
) -> AdversarialStage:
    """Stage `name` with its optimisers; call it inside the strategy's scope, after `runtime.configure`.

    Args:
        settings: of the whole run; the stage takes its own part.
        seed: of the stage's draws; initial weights follow the process's seed.
        frozen: networks of earlier stages; stage M needs guides and translator.
    """
    own = getattr(settings, name)
    training: TrainingSettings = own.training
    common = {"seed": seed, "ema_decay": training.ema_decay, "gradient_clip": training.gradient_clip}
    built = build_networks(name, own, image_size) | dict(frozen or {})
    stage = _STAGES[name](own, operators, image_size, networks=built, **common)
    stage.compile_players(optimisers_of(stage, training))
    return stage


def build_networks(name: str, own: Any, image_size: Size) -> dict[str, keras.Model]:
    """The networks that stage `name` trains, by their names.

    Args:
        own: settings of the stage.
        image_size: of the data; what the settings say of it is replaced.
    """
    return _NETWORKS[name](own, image_size)


def _sized(spec: Spec, image_size: Size) -> Spec:
    return dataclasses.replace(spec, image_size=image_size)  # type: ignore[type-var]


def _structure(own: Any, size: Size) -> dict[str, keras.Model]:
    vae = _sized(own.vae, size)
    code = dataclasses.replace(own.code_discriminator, latent_dim=vae.latent_dim)
    seen = vae.out_channels + (own.critic_sees == "map_and_anatomy")
    critic = dataclasses.replace(own.map_discriminator, image_size=size, in_channels=seen)
    built = {
        "structure_encoder": networks.build_structure_encoder(vae),
        "structure_decoder": networks.build_structure_decoder(vae),
        "mask_generator": networks.build_mask_generator(_sized(own.mask_generator, size)),
        "structure_discriminator": networks.build_discriminator(critic),
        "code_discriminator": networks.build_code_discriminator(code),
    }
    if own.prior == "fitted":
        built["prior"] = networks.build_affine_prior(vae.latent_dim)
    return built


def _lesion(own: Any, size: Size) -> dict[str, keras.Model]:
    return build_segmentors(_sized(own.segmentor, size), own.scheme)


def build_segmentors(spec: UNetSpec, scheme: str) -> dict[str, keras.Model]:
    """The networks of a scheme by name, each with as many channels as its segmentor sees."""
    chains = SCHEMES[scheme]
    spec = dataclasses.replace(spec, in_channels=len(MODALITIES) if len(chains) == 1 else 1)
    built: dict[str, keras.Model] = {}
    for chain in chains:
        for name, build in zip(chain, _SEGMENTOR_PARTS[len(chain)], strict=True):
            if name not in built:
                built[name] = build(spec, name)
    return built


def _translation(own: Any, size: Size) -> dict[str, keras.Model]:
    spec = _sized(own.generator, size)
    return {
        "translation_encoder": networks.build_unet_encoder(spec),
        "translation_decoder": networks.build_unet_decoder(spec),
        "discriminator": networks.build_discriminator(_sized(own.discriminator, size)),
    }


def _multimodal(own: Any, size: Size) -> dict[str, keras.Model]:
    seen = NUM_CLASSES + (own.fusion.label_mode == "concat")
    spec = dataclasses.replace(own.generator, image_size=size, in_channels=seen)
    return {
        "encoder": networks.build_unet_encoder(spec),
        "decoder": networks.build_unet_decoder(spec),
        "calibration": networks.build_calibration(size, len(MODALITIES)),
        "discriminator": networks.build_discriminator(_sized(own.discriminator, size)),
    }


def _image_gan(own: Any, size: Size) -> dict[str, keras.Model]:
    generator, discriminator = _sized(own.generator, size), _sized(own.discriminator, size)
    built = {n: networks.build_unet(generator, n) for n in of_each_modality("generator")}
    built |= {n: networks.build_discriminator(discriminator, n) for n in of_each_modality("discriminator")}
    built["calibration"] = networks.build_calibration(size, len(MODALITIES))
    return built


_NETWORKS = {
    "structure": _structure,
    "lesion": _lesion,
    "translation": _translation,
    "multimodal": _multimodal,
    "gan": _image_gan,
    "skrgan": _image_gan,
}
"""What builds the networks of a stage, of its settings and the images' size."""


def _structure_stage(own: Any, operators: OperatorConfig, size: Size, **base: Any) -> StructureStage:
    return StructureStage(dataclasses.replace(own, vae=_sized(own.vae, size)), operators.structure, **base)


_STAGES: Mapping[str, Callable[..., AdversarialStage]] = {
    "structure": _structure_stage,
    "lesion": lambda own, operators, size, **base: LesionStage(own, **base),
    "translation": lambda own, operators, size, **base: TranslationStage(own, **base),
    "multimodal": lambda own, operators, size, **base: MultimodalStage(own, size, **base),
    "gan": lambda own, operators, size, **base: ImageGANStage(own, size, **base),
    "skrgan": lambda own, operators, size, **base: ImageGANStage(own, size, **base),
}
