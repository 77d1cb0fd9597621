"""Builders: ``build_<name>(spec)`` returns a functional `keras.Model` that knows no loss and no data."""

from tf_medsynth.networks.calibration import build_calibration
from tf_medsynth.networks.discriminator import build_code_discriminator, build_discriminator
from tf_medsynth.networks.encode_once import decode_each, decode_each_unrolled
from tf_medsynth.networks.structure import (
    build_affine_prior,
    build_structure_decoder,
    build_structure_encoder,
)
from tf_medsynth.networks.unet import (
    build_mask_generator,
    build_segmentor,
    build_segmentor_decoder,
    build_segmentor_encoder,
    build_unet,
    build_unet_decoder,
    build_unet_encoder,
)

__all__ = [
    "build_affine_prior",
    "build_calibration",
    "build_code_discriminator",
    "build_discriminator",
    "build_mask_generator",
    "build_segmentor",
    "build_segmentor_decoder",
    "build_segmentor_encoder",
    "build_structure_decoder",
    "build_structure_encoder",
    "build_unet",
    "build_unet_decoder",
    "build_unet_encoder",
    "decode_each",
    "decode_each_unrolled",
]
