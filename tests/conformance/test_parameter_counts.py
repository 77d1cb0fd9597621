"""The published networks have the published numbers of parameters."""

from __future__ import annotations

import math

import keras
import pytest

from tf_medsynth import networks
from tf_medsynth.config.networks import PAPER_SPECS
from tf_medsynth.config.presets import preset

PUBLISHED = {
    "generator_brats": 4_333_507,
    "generator_brats_unlabelled": 4_330_627,
    "translator_brats": 4_330_627,
    "generator_retina": 4_322_569,
    "generator_lung_ct": 4_321_411,
    "generator_chest_xray": 4_323_139,
    "generator_lung_nodules": 4_326_601,
    "segmentor_brats": 4_323_727,
    "segmentor_vessels": 4_323_142,
    "mask_generator": 1_083_014,
    "mask_generator_lung_nodules": 1_085_330,
    "discriminator_brats": 475_330,
    "discriminator": 400_833,
    "discriminator_retina": 404_033,
    "structure_discriminator": 402_433,
    "structure_discriminator_lung_nodules": 408_833,
    "classifier_chest_xray": 401_987,
    "structure_encoder": 75_856_064,
    "structure_decoder": 37_736_326,
    "code_discriminator": 2_632_705,
}
BUILDERS = {
    "segmentor": networks.build_segmentor,
    "mask": networks.build_mask_generator,
    "code": networks.build_code_discriminator,
    "discriminator": networks.build_discriminator,
    "classifier": networks.build_discriminator,
    "generator": networks.build_unet,
    "translator": networks.build_unet,
}


def parameters(*models: keras.Model) -> int:
    """Number of trained values."""
    return sum(math.prod(weight.shape) for model in models for weight in model.trainable_weights)


def build(name: str) -> keras.Model:
    """The network that `PUBLISHED` calls `name`."""
    if name == "structure_encoder":
        return networks.build_structure_encoder(PAPER_SPECS["structure_vae"])
    if name == "structure_decoder":
        return networks.build_structure_decoder(PAPER_SPECS["structure_vae"])
    family = "discriminator" if name.startswith("structure_") else name.split("_")[0]
    return BUILDERS[family](PAPER_SPECS[name])


def test_every_published_spec_is_counted() -> None:
    vae = {"structure_encoder", "structure_decoder"}
    assert set(PUBLISHED) - vae == set(PAPER_SPECS) - {"structure_vae"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_count(name: str) -> None:
    assert parameters(build(name)) == PUBLISHED[name]


def test_the_thesis_preset_has_these_networks() -> None:
    thesis, size = preset("thesis"), PAPER_SPECS["generator_brats"].image_size
    assert thesis.structure.vae == PAPER_SPECS["structure_vae"]
    assert thesis.structure.code_discriminator == PAPER_SPECS["code_discriminator"]
    trained = {
        "mask_generator": thesis.structure.mask_generator,
        "structure_discriminator": thesis.structure.map_discriminator,
        "segmentor_brats": thesis.lesion.segmentor,
        "translator_brats": thesis.translation.generator,
        "generator_brats": thesis.multimodal.generator,
        "discriminator_brats": thesis.multimodal.discriminator,
        "generator_lung_ct": thesis.gan.generator,  # the same of another size: 1 channel to 1, no condition
        "discriminator": thesis.skrgan.discriminator,
    }
    for name, spec in trained.items():
        assert spec.override({"image_size": size}) == PAPER_SPECS[name].override({"image_size": size}), name
    assert thesis.translation.discriminator == thesis.multimodal.discriminator
    assert (thesis.gan.discriminator, thesis.skrgan.generator) == (
        thesis.skrgan.discriminator,
        thesis.gan.generator,
    )


@pytest.mark.parametrize("name", ["generator_brats", "generator_retina", "segmentor_brats"])
def test_halves_count_as_the_whole(name: str) -> None:
    spec = PAPER_SPECS[name]
    halves = networks.build_unet_encoder(spec), networks.build_unet_decoder(spec)
    assert parameters(*halves) == PUBLISHED[name]
