"""Every network and layer once, as a small functional model; the other files prove one property each."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from tf_medsynth import layers, networks
from tf_medsynth.config.network_specs import (
    CodeDiscriminatorSpec,
    DiscriminatorSpec,
    StructureVAESpec,
    UNetSpec,
)
from tf_medsynth.types import Tensor

SIZE = (16, 16)
UNET = UNetSpec(SIZE, 2, 1, 4, conditions=3)
PUBLISHED_UNET = UNetSpec(
    SIZE,
    2,
    3,
    4,
    conditions=3,
    conditioning="concat",
    output_norm=True,
    initialiser="mean_filter",
    activation="capped_relu",
    norm_bias=True,
)
DISCRIMINATOR = DiscriminatorSpec((36, 36), 1, 4, modalities=3, see_detail=True)
VAE = StructureVAESpec((16, 32), 4, 4, patch=2, spatial_noise=((4, 2),), smooth=True)
PUBLISHED_VAE = StructureVAESpec(
    (16, 32),
    4,
    4,
    decoder_dense=(6,),
    normalisation="instance",
    output_norm=True,
    one_hot=True,
    initialiser="normal",
)

Build = Callable[[], keras.Model]

NETWORKS: dict[str, Build] = {
    "unet": lambda: networks.build_unet(UNET),
    "unet_published": lambda: networks.build_unet(PUBLISHED_UNET),
    "unet_encoder": lambda: networks.build_unet_encoder(
        UNetSpec((32, 16), 2, 1, 4, patch=2, pixel_noise=True)
    ),
    "unet_decoder": lambda: networks.build_unet_decoder(UNET),
    "unet_decoder_refined": lambda: networks.build_unet_decoder(
        UNetSpec((32, 16), 2, 1, 4, conditions=3, patch=2, refine=2)
    ),
    "segmentor": lambda: networks.build_segmentor(UNetSpec(SIZE, 1, 5, 4, output="softmax")),
    "segmentor_encoder": lambda: networks.build_segmentor_encoder(UNetSpec(SIZE, 1, 5, 4)),
    "segmentor_decoder": lambda: networks.build_segmentor_decoder(UNetSpec(SIZE, 1, 5, 4)),
    "mask_generator": lambda: networks.build_mask_generator(
        UNetSpec(SIZE, 1, 1, 4, one_hot=True, input_dropout=0.1)
    ),
    "discriminator": lambda: networks.build_discriminator(DISCRIMINATOR),
    "discriminator_spectral": lambda: networks.build_discriminator(
        DiscriminatorSpec((36, 36), 1, 4, spectral=True, normalisation="none")
    ),
    "discriminator_colour": lambda: networks.build_discriminator(
        DiscriminatorSpec((36, 36), 3, 4, modalities=2, see_detail=True)
    ),
    "unet_decoder_colour": lambda: networks.build_unet_decoder(UNetSpec(SIZE, 3, 3, 4, conditions=6)),
    "segmentor_colour": lambda: networks.build_segmentor(UNetSpec(SIZE, 6, 3, 4, output="linear")),
    "structure_encoder": lambda: networks.build_structure_encoder(VAE),
    "structure_encoder_published": lambda: networks.build_structure_encoder(PUBLISHED_VAE),
    "structure_decoder": lambda: networks.build_structure_decoder(VAE),
    "structure_decoder_published": lambda: networks.build_structure_decoder(PUBLISHED_VAE),
    "prior": lambda: networks.build_affine_prior(5),
    "calibration": lambda: networks.build_calibration((8, 6), 4),
    "code_discriminator": lambda: networks.build_code_discriminator(CodeDiscriminatorSpec(6)),
    "code_discriminator_conv": lambda: networks.build_code_discriminator(
        CodeDiscriminatorSpec(36, "conv", 2, normalisation="instance")
    ),
}


def _alone(layer: Callable[[], keras.layers.Layer], *shapes: tuple[int, ...]) -> Build:
    """A model of one layer."""

    def build() -> keras.Model:
        inputs = [keras.Input(shape) for shape in shapes]
        single = inputs[0] if len(inputs) == 1 else inputs
        return keras.Model(single, layer()(single))

    return build


IMAGE = (4, 6, 8)
LAYERS: dict[str, Build] = {
    "AffineLatent": _alone(layers.AffineLatent, (5,)),
    "BinomialBlur": _alone(layers.BinomialBlur, IMAGE),
    "CalibrateIntensity": _alone(layers.CalibrateIntensity, IMAGE, (*IMAGE[:2], 1)),
    "ConditionPlanes": _alone(lambda: layers.ConditionPlanes(2, 3), (4,)),
    "ConditionalInstanceNormalization": _alone(layers.ConditionalInstanceNormalization, IMAGE, (3,)),
    "CopyFor": _alone(layers.CopyFor, IMAGE, (3,)),
    "InstanceNormalization": _alone(layers.InstanceNormalization, IMAGE),
    "MergePairs": _alone(lambda: layers.MergePairs(True), IMAGE),
    "NamedDropout": _alone(lambda: layers.NamedDropout(0.5), IMAGE),
    "Patchify": _alone(lambda: layers.Patchify(2), IMAGE),
    "SharedAdd": _alone(layers.SharedAdd, IMAGE, IMAGE),
    "ShrinkNoise": _alone(lambda: layers.ShrinkNoise(2), IMAGE),
    "SpectralConv2D": _alone(lambda: layers.SpectralConv2D(3, 3, 2, power_steps=2), IMAGE),
    "SplitPairs": _alone(layers.SplitPairs, IMAGE),
    "Unpatchify": _alone(lambda: layers.Unpatchify(2), IMAGE),
    "UpsampleConv2D": _alone(lambda: layers.UpsampleConv2D(3), IMAGE),
    "WithDetail": _alone(lambda: layers.WithDetail(2.0), IMAGE),
}

EVERYTHING = NETWORKS | LAYERS


def inputs_for(model: keras.Model, batch: int = 3, seed: int = 0) -> Tensor:
    """Random inputs in [0, 1), as `model` takes them: a tensor or a list."""
    rng = np.random.default_rng(seed)
    tensors = [
        keras.ops.convert_to_tensor(rng.uniform(size=(batch, *tensor.shape[1:])).astype("float32"))
        for tensor in model.inputs
    ]
    return tensors if isinstance(model.input, list) else tensors[0]


def randomise(model: keras.Model, seed: int = 0) -> None:
    """Gives every weight a random value, so that no bias, gain or offset is at its start."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(np.asarray(weight) + 0.2 * rng.normal(size=weight.shape))


def arrays(outputs: Tensor) -> list[np.ndarray]:
    """Outputs of a model, whatever their structure, as arrays."""
    return [keras.ops.convert_to_numpy(tensor) for tensor in keras.tree.flatten(outputs)]
