"""The U-Net in two halves, so that what does not depend on the condition is computed once.

Where the published network convolves the concatenation of an enlarged map and a skip map, this one
adds two convolutions, one of each: the same sum, the same parameters. The skip map's share depends on
the image alone, so it belongs to the encoder ("skip projections"), as does the image's share of the
first convolution after the condition.

Source: Qu et al. (thesis), network G
"""

from __future__ import annotations

import keras

from tf_medsynth.config.base import check
from tf_medsynth.config.network_specs import UNetSpec
from tf_medsynth.layers import ConditionPlanes, CopyFor, Patchify, SharedAdd, ShrinkNoise, Unpatchify
from tf_medsynth.networks.blocks import Blocks, emit, prepare
from tf_medsynth.types import Tensor

Features = list[Tensor]
"""Bottleneck at 1/8, then the skip projections at 1/4, 1/2 and 1/1."""


def build_unet_encoder(spec: UNetSpec, name: str = "encoder") -> keras.Model:
    """The half that sees the image: `image` to `[bottleneck, quarter, half, full]`.

    Inputs ``image`` ``(B, H, W, in_channels)``; with `pixel_noise` a list of it and ``noise``
    ``(B, H, W, 1)``, unit normal. The outputs are only meant for the decoder of the same spec.
    """
    inputs = _image_inputs(spec)
    outputs = _encode(spec, inputs)
    return keras.Model(inputs if spec.pixel_noise else inputs[0], outputs, name=name)


def build_unet_decoder(spec: UNetSpec, name: str = "decoder") -> keras.Model:
    """The half that sees the condition: `[*features, condition]` to `(B, H, W, out_channels)` float32.

    Features are of B samples and conditions ``(N * B, conditions)`` of N copies of them, one batch
    after the other; the images are ``(N * B, H, W, out_channels)``. Without conditions the list is the
    features alone.
    """
    features = [
        keras.Input(shape, name=label)
        for label, shape in zip(("bottleneck", "quarter", "half", "full"), feature_shapes(spec), strict=True)
    ]
    conditions = _condition_inputs(spec)
    image = _decode(spec, features, conditions[0] if conditions else None)
    return keras.Model([*features, *conditions], image, name=name)


def build_unet(spec: UNetSpec, name: str = "unet") -> keras.Model:
    """Both halves in one: `image`, or the list of image, noise and condition that the spec has.

    Its layers have the names and the weights of the halves' layers.
    """
    images, conditions = _image_inputs(spec), _condition_inputs(spec)
    image = _decode(spec, _encode(spec, images), conditions[0] if conditions else None)
    inputs = [*images, *conditions]
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], image, name=name)


def build_segmentor(spec: UNetSpec, name: str = "segmentor") -> keras.Model:
    """A U-Net from images to lesion classes: `(B, H, W, in_channels)` to `(B, H, W, classes)` float32.

    Logits with ``output="linear"``, which is what stage L trains; probabilities with ``"softmax"`` or, as
    published, ``"sigmoid"``.

    Source: Qu et al. (thesis), G_l.
    """
    _check_segmentor(spec)
    return build_unet(spec, name)


def build_segmentor_encoder(spec: UNetSpec, name: str = "segmentor_encoder") -> keras.Model:
    """The half of a segmentor that sees the image, for the decoders of several: see `build_unet_encoder`.

    Source: Qu et al., EC_l.
    """
    _check_segmentor(spec)
    return build_unet_encoder(spec, name)


def build_segmentor_decoder(spec: UNetSpec, name: str = "segmentor_decoder") -> keras.Model:
    """The half of a segmentor that draws the classes: see `build_unet_decoder`.

    Source: Qu et al., DC_{l,i}.
    """
    _check_segmentor(spec)
    return build_unet_decoder(spec, name)


def _check_segmentor(spec: UNetSpec) -> None:
    check("a segmentor has no condition", spec.conditions == 0, conditions=spec.conditions)
    check(
        "a segmentor has at least 2 classes, background included",
        spec.out_channels >= 2,
        out_channels=spec.out_channels,
    )


def build_mask_generator(spec: UNetSpec, name: str = "mask_generator") -> keras.Model:
    """A U-Net from a structure map to the background mask, both `(B, H, W, C)`, float32 in [0, 1].

    With `one_hot` it sees and draws pairs of channels inside, as published.

    Source: Qu et al. (thesis), G_m.
    """
    check("a mask generator has no condition", spec.conditions == 0, conditions=spec.conditions)
    check(
        "a mask generator draws as many masks as it sees maps, by a sigmoid",
        spec.in_channels == spec.out_channels and spec.output == "sigmoid",
        in_channels=spec.in_channels,
        out_channels=spec.out_channels,
        output=spec.output,
    )
    return build_unet(spec, name)


def feature_shapes(spec: UNetSpec) -> list[tuple[int, int, int]]:
    """Shapes of the encoder's outputs for one sample: bottleneck, quarter, half, full."""
    rows, columns = spec.grid
    full, half, _, bottom = spec.filters
    return [
        (rows // 8, columns // 8, bottom),
        (rows // 4, columns // 4, half),
        (rows // 2, columns // 2, full),
        (rows, columns, full),
    ]


def _image_inputs(spec: UNetSpec) -> list[Tensor]:
    inputs = [keras.Input((*spec.image_size, spec.in_channels), name="image")]
    if spec.pixel_noise:
        inputs.append(keras.Input((*spec.image_size, 1), name="noise"))
    return inputs


def _condition_inputs(spec: UNetSpec) -> list[Tensor]:
    return [keras.Input((spec.conditions,), name="condition")] if spec.conditions else []


def _encode(spec: UNetSpec, inputs: list[Tensor]) -> Features:
    """Layers 1 to 9 of the published table, the skip projections, and the image's share of layer 10."""
    blocks = Blocks.of(spec)
    full, half, quarter, bottom = spec.filters

    # As published, the mean-filter start counts one channel in the first layer, whatever it is given.
    first_count = 1 if spec.initialiser == "mean_filter" else None

    def block(
        features: Tensor, filters: int, name: str, stride: int = 1, channels: int | None = None
    ) -> Tensor:
        return blocks.finish(blocks.convolve(features, filters, name, stride=stride, channels=channels), name)

    features = prepare(inputs[0], spec.patch, spec.input_dropout, spec.one_hot)
    skips = []
    for level, filters in enumerate((full, half, quarter)):
        count = None if level else first_count
        features = block(features, filters, f"level{level}_conv1", channels=count)
        features = block(features, filters, f"level{level}_conv2")
        skips.append(features)
        if level < 2:
            features = block(features, filters, f"level{level}_down", stride=2)
    features = blocks.convolve(features, bottom, "level2_down", stride=2, bias=True, final=True)
    bottleneck = blocks.convolve(features, bottom, "bottleneck")
    projections = []
    # Each projection has the width of the convolution that its concatenation fed, see `_decode`.
    for level, (skip, filters) in enumerate(zip(skips, (full, full, half), strict=True)):
        projection = blocks.convolve(
            skip, filters, f"level{level}_skip", channels=2 * skip.shape[-1], bias=False
        )
        if spec.pixel_noise:
            grain = _grain(inputs[1], spec.patch, level, filters)
            projection = keras.layers.Add(name=f"level{level}_grain")([projection, grain])
        projections.append(projection)
    return [bottleneck, *reversed(projections)]


def _grain(noise: Tensor, patch: int, level: int, filters: int) -> Tensor:
    """Noise on the grid of `level`, weighed for each of `filters` channels; silent until it is learned."""
    noise = Patchify(patch, name=f"level{level}_noise_patches")(noise) if patch > 1 else noise
    noise = ShrinkNoise(2**level, name=f"level{level}_noise")(noise)
    gain = keras.layers.Conv2D(
        filters, 1, use_bias=False, kernel_initializer="zeros", name=f"level{level}_noise_gain"
    )
    return gain(noise)


def _decode(spec: UNetSpec, features: Features, condition: Tensor | None) -> Tensor:
    """Layers 10 to 20 of the published table, without the skip maps' shares."""
    blocks = Blocks.of(spec)
    full, half, quarter, _ = spec.filters
    bottleneck, *projections = features
    by_norm = condition if spec.conditioning == "norm" else None
    merged = _meet_condition(spec, blocks, bottleneck, condition)
    merged = blocks.finish(merged, "bottleneck", by_norm)
    # Level by level: channels after enlarging (those of the skip map), then of the two convolutions.
    for level, enlarged, filters in ((2, quarter, half), (1, half, full), (0, full, full)):
        name = f"level{level}_up"
        merged = blocks.finish(blocks.enlarge(merged, enlarged, name), name, by_norm)
        name = f"level{level}_conv3"
        merged = blocks.convolve(merged, filters, name, channels=2 * enlarged)
        merged = SharedAdd(name=f"level{level}_merge")([merged, projections[2 - level]])
        merged = blocks.finish(merged, name, by_norm)
        name = f"level{level}_conv4"
        merged = blocks.finish(blocks.convolve(merged, filters, name), name, by_norm)
    channels, patch = spec.out_channels * (2 if spec.one_hot else 1), spec.patch
    if spec.refine:
        merged = blocks.convolve(merged, spec.refine * patch**2, "unfold", bias=True)
        merged = blocks.activate(Unpatchify(patch, name="unfold_patches")(merged), "unfold")
        patch = 1
    merged = blocks.convolve(merged, channels * patch**2, "last", bias=True, final=True)
    if spec.output_norm:
        merged = blocks.norm(merged, "last")
    bias = None
    if by_norm is not None:
        # The last convolution has no norm to be told the condition by.
        bias = keras.layers.Dense(
            channels, use_bias=False, kernel_initializer="zeros", name="condition_bias"
        )(by_norm)
        bias = keras.layers.Reshape((1, 1, channels), name="condition_bias_shape")(bias)
    return emit(merged, spec.output, patch, spec.one_hot, bias)


def _meet_condition(spec: UNetSpec, blocks: Blocks, bottleneck: Tensor, condition: Tensor | None) -> Tensor:
    """The bottleneck of every copy, with the planes' share of the convolution added in concat form."""
    if condition is None:
        return bottleneck
    if spec.conditioning == "norm":
        return CopyFor(name="copies")([bottleneck, condition])
    rows, columns, filters = feature_shapes(spec)[0]
    planes = ConditionPlanes(rows, columns, name="condition_planes")(condition)
    # As published, the initialiser leaves the condition's channels out of its count.
    share = blocks.convolve(planes, filters, "condition_share", channels=spec.filters[3], bias=False)
    return SharedAdd(name="condition_merge")([share, bottleneck])
