"""Encoder and decoder of structure maps, and the affine prior between noise and code.

Source: Qu et al. (thesis), E_s and G_s
"""

from __future__ import annotations

import keras

from tf_medsynth.config.network_specs import Size, StructureVAESpec
from tf_medsynth.layers import AffineLatent, BinomialBlur
from tf_medsynth.networks.blocks import Blocks, emit, prepare
from tf_medsynth.types import Tensor

DETAIL_SPREAD = 0.2


def build_structure_encoder(spec: StructureVAESpec, name: str = "structure_encoder") -> keras.Model:
    """Maps `(B, H, W, in_channels)` to `[z_mean, z_logvar]`, each `(B, code_size)` float32.

    With ``spatial_posterior=False`` the spatial part is not inferred: its mean and log-variance are 0,
    those of the prior.
    """
    blocks = Blocks.of(spec)
    image = keras.Input((*spec.image_size, spec.in_channels), name="structure_map")
    features = _resized(image, spec.inner_size, "enlarged") if spec.working_size else image
    features = keras.layers.Rescaling(*spec.input_scale, name="input_scale")(features)
    features = prepare(features, spec.patch, spec.input_dropout)
    by_stride: dict[int, Tensor] = {}
    for index, (size, stride, width) in enumerate(spec.encoder_convolutions):
        layer = f"conv{index}"
        features = blocks.convolve(features, spec.base_filters * width, layer, size=size, stride=stride)
        features = blocks.finish(features, layer)
        by_stride[spec.encoder_strides[index]] = features
    flat = keras.layers.Flatten(name="flatten")(features)
    outputs = []
    for moment in ("z_mean", "z_logvar"):
        parts = [keras.layers.Dense(spec.latent_dim, name=f"{moment}_global", dtype="float32")(flat)]
        parts += [
            _spatial_moment(blocks, by_stride[stride], channels, f"{moment}_stride{stride}")
            for stride, channels in spec.spatial_noise
            if spec.spatial_posterior
        ]
        joined = (
            parts[0]
            if len(parts) == 1
            else keras.layers.Concatenate(name=f"{moment}_parts", dtype="float32")(parts)
        )
        if spec.spatial_noise and not spec.spatial_posterior:
            missing = (0, spec.code_size - spec.latent_dim)
            joined = _pad(joined, missing, f"{moment}_prior")
        outputs.append(joined)
    return keras.Model(image, outputs, name=name)


def build_structure_decoder(spec: StructureVAESpec, name: str = "structure_decoder") -> keras.Model:
    """Codes `(B, code_size)` to maps `(B, H, W, out_channels)` float32: probabilities, or logits.

    Each spatial part of the code joins the features of its grid through a 1x1 convolution.
    """
    blocks = Blocks.of(spec)
    code = keras.Input((spec.code_size,), name="code")
    features, grids = _split_code(spec, code)
    for index, width in enumerate(spec.decoder_dense):
        features = keras.layers.Dense(width, name=f"dense{index}")(features)
    rows, columns = spec.cells(spec.decoder_strides[0])
    seed = spec.base_filters * spec.seed_filters
    features = keras.layers.Dense(rows * columns * seed, name="seed")(features)
    features = keras.layers.Reshape((rows, columns, seed), name="seed_grid")(features)
    for level, widths in enumerate(spec.decoder_levels):
        for index, width in enumerate(widths):
            layer, filters = f"level{level}_conv{index}", spec.base_filters * width
            enlarge = level > 0 and index == 0
            features = (
                blocks.enlarge(features, filters, layer)
                if enlarge
                else blocks.convolve(features, filters, layer)
            )
            if enlarge and spec.smooth:
                features = BinomialBlur(name=f"{layer}_smooth")(features)
            grid = grids.pop(spec.decoder_strides[level], None)
            if grid is not None:
                detail = keras.layers.Conv2D(
                    filters,
                    1,
                    use_bias=False,
                    kernel_initializer=keras.initializers.RandomNormal(0.0, DETAIL_SPREAD),
                    name=f"{layer}_detail",
                )(grid)
                features = keras.layers.Add(name=f"{layer}_with_detail")([features, detail])
            features = blocks.finish(features, layer)
    channels = spec.out_channels * (2 if spec.one_hot else 1)
    features = blocks.convolve(features, channels * spec.patch**2, "last", bias=True, final=True)
    if spec.output_norm:
        features = blocks.norm(features, "last")
    drawn = emit(features, spec.output, spec.patch, spec.one_hot)
    return keras.Model(
        code, _resized(drawn, spec.image_size, "shrunk") if spec.working_size else drawn, name=name
    )


def build_affine_prior(size: int, name: str = "prior") -> keras.Model:
    """Unit-normal z `(B, size)` to codes `(B, size)` float32 through one `AffineLatent` layer, "affine".

    ``prior.get_layer("affine").fit(mean, covariance)`` sets it after training.
    """
    z = keras.Input((size,), name="z")
    return keras.Model(z, AffineLatent(name="affine", dtype="float32")(z), name=name)


def _resized(maps: Tensor, size: Size, name: str) -> Tensor:
    """`maps` at another size, the nearest pixel of each."""
    layer = keras.layers.Resizing(
        *size, interpolation="nearest", data_format="channels_last", dtype="float32", name=name
    )
    return layer(maps)


def _spatial_moment(blocks: Blocks, features: Tensor, channels: int, name: str) -> Tensor:
    """`(B, rows * columns * channels)` float32: one moment of a spatial part of the code."""
    convolution = keras.layers.Conv2D(
        channels,
        1,
        kernel_initializer=blocks.kernel(features.shape[-1], final=True),
        dtype="float32",
        name=name,
    )
    return keras.layers.Flatten(name=f"{name}_flat", dtype="float32")(convolution(features))


def _split_code(spec: StructureVAESpec, code: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
    """The global part `(B, latent_dim)` and, by stride, the grids `(B, rows, columns, channels)`."""
    grids: dict[int, Tensor] = {}
    start = spec.latent_dim
    for (stride, channels), length in zip(spec.spatial_noise, spec.code_parts[1:], strict=True):
        part = code[:, start : start + length]
        grids[stride] = keras.layers.Reshape((*spec.cells(stride), channels), name=f"grid_stride{stride}")(
            part
        )
        start += length
    return (code[:, : spec.latent_dim] if grids else code), grids


def _pad(values: Tensor, width: tuple[int, int], name: str) -> Tensor:
    """`(B, n)` with zeros before and after."""
    column = keras.layers.Reshape((values.shape[-1], 1), name=f"{name}_column", dtype="float32")(values)
    padded = keras.layers.ZeroPadding1D(width, name=f"{name}_pad", dtype="float32")(column)
    return keras.layers.Flatten(name=name, dtype="float32")(padded)
