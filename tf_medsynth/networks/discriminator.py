"""The patch discriminator, and the discriminator of structure codes."""

from __future__ import annotations

import math

import keras

from tf_medsynth.config.network_specs import CodeDiscriminatorSpec, DiscriminatorSpec
from tf_medsynth.layers import WithDetail
from tf_medsynth.networks.blocks import Blocks, emit, prepare
from tf_medsynth.types import Tensor


def build_discriminator(spec: DiscriminatorSpec, name: str = "discriminator") -> keras.Model:
    """Images to ``{"validity": (B, h, w, scores)}``, and ``"modality"`` if the spec has modalities.

    ``"modality"`` is ``(B, h, w, modalities)`` logits a patch, or ``(B, h, w, 1)``, the estimated
    number of the modality, for ``modality_head="index"``. Both are linear and float32.

    Source: Qu et al. (thesis), D
    """
    blocks = Blocks.of(spec)
    image = keras.Input((*spec.image_size, spec.in_channels), name="image")
    centred = keras.layers.Rescaling(2.0, -1.0, name="centre")(image) if spec.centre_inputs else image
    if spec.see_detail:
        centred = WithDetail(name="detail")(centred)
    features = prepare(centred, spec.patch, spec.input_dropout, spec.one_hot)
    for index, (size, stride, width) in enumerate(spec.convolutions):
        layer = f"conv{index}"
        normed = index > 0 or spec.first_norm
        features = blocks.convolve(
            features,
            spec.base_filters * width,
            layer,
            size=size,
            stride=stride,
            bias=None if normed else True,
        )
        features = blocks.finish(features, layer) if normed else blocks.activate(features, layer)
    outputs = {"validity": _head(blocks, features, spec.base_filters, spec.scores, "validity")}
    if spec.modalities:
        outputs["modality"] = _head(blocks, features, spec.base_filters, spec.modality_channels, "modality")
    return keras.Model(image, outputs, name=name)


def _head(blocks: Blocks, features: Tensor, filters: int, channels: int, name: str) -> Tensor:
    hidden = blocks.finish(blocks.convolve(features, filters, f"{name}_hidden"), f"{name}_hidden")
    scores = blocks.convolve(hidden, channels, f"{name}_scores", bias=True, final=True)
    return keras.layers.Activation("linear", name=name, dtype="float32")(scores)


def build_code_discriminator(spec: CodeDiscriminatorSpec, name: str = "code_discriminator") -> keras.Model:
    """Codes `(B, latent_dim)` to linear float32 scores: `(B, 1)`, or `(B, h, w, 1)` for ``kind="conv"``.

    Source: Qu et al. (thesis), D_z
    """
    blocks = Blocks.of(spec)
    code = keras.Input((spec.latent_dim,), name="code")
    features = code
    if spec.kind == "mlp":
        for index, width in enumerate((*spec.hidden, 1)):
            final = index == len(spec.hidden)
            kernel = blocks.kernel(features.shape[-1], final)
            features = keras.layers.Dense(width, kernel_initializer=kernel, name=f"dense{index}")(features)
            features = features if final else blocks.activate(features, f"dense{index}")
    else:
        side = math.isqrt(spec.latent_dim)
        features = keras.layers.Reshape((side, side, 1), name="square")(features)
        for index, (size, stride, width) in enumerate(spec.convolutions):
            layer, filters = f"conv{index}", spec.base_filters * width
            features = blocks.finish(
                blocks.convolve(features, filters, layer, size=size, stride=stride), layer
            )
        features = blocks.convolve(features, 1, "scores", bias=True, final=True)
    return keras.Model(code, emit(features, "linear"), name=name)
