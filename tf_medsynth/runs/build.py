"""From settings to a stage: networks of the domain at the images' size, optimisers, frozen networks.

A specification's numbers of channels, conditions and modalities are replaced by those that follow from the
domain: images `(B, H, W, M C)`, M modalities of C channels, and K classes of the label.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import keras

from tf_medsynth import networks
from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.config.network_specs import DiscriminatorSpec, UNetSpec
from tf_medsynth.config.presets import Preset
from tf_medsynth.config.training import TrainingSettings
from tf_medsynth.imaging.labels import label_kind
from tf_medsynth.stages.base import AdversarialStage
from tf_medsynth.stages.baselines.image_gan import ImageGANStage, of_each_modality
from tf_medsynth.stages.guides import LesionStage, chains_of
from tf_medsynth.stages.multimodal import MultimodalStage
from tf_medsynth.stages.optimisers import optimisers_of
from tf_medsynth.stages.structure import StructureStage
from tf_medsynth.stages.translation import TranslationStage, check_translatable

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
    domain: Domain,
    image_size: Size,
    seed: int,
    frozen: Mapping[str, keras.Model] | None = None,
) -> AdversarialStage:
    """Stage `name` with its optimisers; call it inside the strategy's scope, after `runtime.configure`.

    Args:
        settings: of the whole run; the stage takes its own part.
        operators: that take structure maps from images.
        domain: of the data.
        image_size: of the data.
        seed: of the stage's draws; initial weights follow the process's seed.
        frozen: networks of earlier stages; stage M needs guides and, of two modalities or more, a
            translator.

    Raises:
        MedSynthError: settings that do not fit the domain.
    """
    own = getattr(settings, name)
    training: TrainingSettings = own.training
    common = {"seed": seed, "ema_decay": training.ema_decay, "gradient_clip": training.gradient_clip}
    built = build_networks(name, own, domain, image_size) | dict(frozen or {})
    stage = _STAGES[name](own, operators, domain, image_size, networks=built, **common)
    stage.compile_players(optimisers_of(stage, training))
    return stage


def build_networks(name: str, own: Any, domain: Domain, image_size: Size) -> dict[str, keras.Model]:
    """The networks that stage `name` trains, by their names.

    Args:
        own: settings of the stage.
        domain: of the data; what the settings say of channels, conditions and modalities is replaced.
        image_size: of the data; what the settings say of it is replaced.
    """
    return _NETWORKS[name](own, domain, image_size)


def _sized(spec: Spec, image_size: Size) -> Spec:
    return dataclasses.replace(spec, image_size=image_size)  # type: ignore[type-var]


def _translator(spec: UNetSpec, domain: Domain, size: Size) -> UNetSpec:
    channels = domain.channels
    return dataclasses.replace(
        spec,
        image_size=size,
        in_channels=channels,
        out_channels=channels,
        conditions=domain.num_modalities,
    )


def _image_discriminator(spec: DiscriminatorSpec, domain: Domain, size: Size) -> DiscriminatorSpec:
    """One of single modalities; it tells them apart where the spec has a head and there are several."""
    heads = domain.num_modalities if spec.modalities and domain.num_modalities > 1 else 0
    return dataclasses.replace(spec, image_size=size, in_channels=domain.channels, modalities=heads)


def _structure(own: Any, domain: Domain, size: Size) -> dict[str, keras.Model]:
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


def _lesion(own: Any, domain: Domain, size: Size) -> dict[str, keras.Model]:
    return build_segmentors(_sized(own.segmentor, size), own.scheme, domain)


def build_segmentors(spec: UNetSpec, scheme: str, domain: Domain) -> dict[str, keras.Model]:
    """The networks of a scheme by name, each with as many channels as its segmentor sees."""
    check(
        "a segmentor learns labels of pixels",
        domain.label.kind in ("classes", "structure"),
        domain=domain.name,
        label=domain.label.kind,
    )
    chains = chains_of(scheme, domain.modalities)
    seen = domain.image_channels if len(chains) == 1 else domain.channels
    spec = dataclasses.replace(spec, in_channels=seen, out_channels=domain.num_classes)
    built: dict[str, keras.Model] = {}
    for chain in chains:
        for name, build in zip(chain, _SEGMENTOR_PARTS[len(chain)], strict=True):
            if name not in built:
                built[name] = build(spec, name)
    return built


def _translation(own: Any, domain: Domain, size: Size) -> dict[str, keras.Model]:
    check_translatable(domain)
    critic = _image_discriminator(own.discriminator, domain, size)
    translator = build_translator(own.generator, domain, size)
    return {**translator, "discriminator": networks.build_discriminator(critic)}


def build_translator(spec: UNetSpec, domain: Domain, image_size: Size) -> dict[str, keras.Model]:
    """Both halves of a translator by name, which stage M needs of stage T."""
    spec = _translator(spec, domain, image_size)
    return {
        "translation_encoder": networks.build_unet_encoder(spec),
        "translation_decoder": networks.build_unet_decoder(spec),
    }


def _multimodal(own: Any, domain: Domain, size: Size) -> dict[str, keras.Model]:
    spec = dataclasses.replace(
        own.generator,
        image_size=size,
        in_channels=label_kind(domain).num_planes + (own.fusion.label_mode == "concat"),
        out_channels=domain.channels,
        conditions=domain.num_modalities if domain.num_modalities > 1 else 0,
    )
    critic = _image_discriminator(own.discriminator, domain, size)
    return {
        "encoder": networks.build_unet_encoder(spec),
        "decoder": networks.build_unet_decoder(spec),
        "calibration": networks.build_calibration(size, domain.image_channels),
        "discriminator": networks.build_discriminator(critic),
    }


def _image_gan(own: Any, domain: Domain, size: Size) -> dict[str, keras.Model]:
    generator = dataclasses.replace(
        own.generator, image_size=size, in_channels=1, out_channels=domain.channels
    )
    critic = _image_discriminator(own.discriminator, domain, size)
    names = of_each_modality("generator", domain.modalities)
    built = {name: networks.build_unet(generator, name) for name in names}
    names = of_each_modality("discriminator", domain.modalities)
    built |= {name: networks.build_discriminator(critic, name) for name in names}
    built["calibration"] = networks.build_calibration(size, domain.image_channels)
    return built


_NETWORKS = {
    "structure": _structure,
    "lesion": _lesion,
    "translation": _translation,
    "multimodal": _multimodal,
    "gan": _image_gan,
    "skrgan": _image_gan,
}
"""What builds the networks of a stage, of its settings, the domain and the images' size."""


def _structure_stage(
    own: Any, operators: OperatorConfig, domain: Domain, size: Size, **base: Any
) -> StructureStage:
    own = dataclasses.replace(own, vae=_sized(own.vae, size))
    return StructureStage(own, domain, operators.structure, **base)


_STAGES: Mapping[str, Callable[..., AdversarialStage]] = {
    "structure": _structure_stage,
    "lesion": lambda own, operators, domain, size, **base: LesionStage(own, domain, **base),
    "translation": lambda own, operators, domain, size, **base: TranslationStage(own, domain, **base),
    "multimodal": lambda own, operators, domain, size, **base: MultimodalStage(own, domain, size, **base),
    "gan": lambda own, operators, domain, size, **base: ImageGANStage(own, domain, size, **base),
    "skrgan": lambda own, operators, domain, size, **base: ImageGANStage(own, domain, size, **base),
}
