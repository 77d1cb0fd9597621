"""The shapes of every network as data, with their rules; `tf_medsynth.config.networks` has the tables.

A spec says what a network looks like and nothing about how it is trained. The builders in
`tf_medsynth.networks` take one spec each; a variant is another spec, never another builder.

Source: Qu et al. (thesis) and the authors' released settings.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

from tf_medsynth.config.base import Config, check

Activation = Literal["relu", "leaky_relu", "capped_relu"]
Initialiser = Literal["mean_filter", "he", "normal"]
Normalisation = Literal["instance", "none"]
Size = tuple[int, int]


def _check_common(spec: UNetSpec | DiscriminatorSpec | StructureVAESpec) -> None:
    check("patch must be at least 1", spec.patch >= 1, patch=spec.patch)
    check("base_filters must be positive", spec.base_filters > 0, base_filters=spec.base_filters)
    check("in_channels must be positive", spec.in_channels > 0, in_channels=spec.in_channels)
    check(
        "input_dropout must be in [0, 1)",
        0.0 <= spec.input_dropout < 1.0,
        "It is the share of input values set to 0 in training.",
        input_dropout=spec.input_dropout,
    )


def _check_divisible(size: Size, factor: int, why: str, name: str = "image_size") -> None:
    multiple = all(side > 0 and side % factor == 0 for side in size)
    nearest = tuple(max(factor, factor * round(side / factor)) for side in size)
    check(
        f"{name} must be a multiple of {factor} ({why})",
        multiple,
        f"Nearest: {nearest[0]},{nearest[1]}.",
        **{name: size},
    )


@dataclasses.dataclass(frozen=True)
class UNetSpec(Config):
    """The U-Net: generator, translator, segmentor or mask generator.

    Source: Qu et al. (thesis).
    Deviates: the condition enters by conditional instance norms (``conditioning="norm"``) unless the
        published form is asked for: constant planes followed by an instance norm cancel except at
        the border. At the start the published generator's T1 and T2 differ by 5.5e-10 in the mean
        (1.8e-7 at most), with conditional norms by 1.1e-4.
    """

    image_size: Size
    in_channels: int
    out_channels: int
    base_filters: int = 64
    widths: tuple[int, int, int, int] = (1, 2, 4, 4)
    """Multiples of `base_filters` at 1, 1/2, 1/4 and 1/8 of the image size."""
    conditions: int = 0
    """Length of the one-hot condition, 0 for none."""
    conditioning: Literal["concat", "norm"] = "norm"
    patch: int = 1
    """Side of the pixel blocks folded into channels before the first and after the last layer."""
    refine: int = 0
    """Channels that unfold from the patches for one more convolution, which hides the blocks' seams;
    with 0 the output itself unfolds."""
    normalisation: Normalisation = "instance"
    output: Literal["sigmoid", "softmax", "linear"] = "sigmoid"
    output_norm: bool = False
    """Instance norm before the output function: the published form, poor for empty labels."""
    initialiser: Initialiser = "he"
    input_dropout: float = 0.0
    activation: Activation = "relu"
    one_hot: bool = False
    """Whether every channel is a binary map that the network sees and draws as a pair (off, on)."""
    pixel_noise: bool = False
    """Whether the encoder takes a unit-normal noise image that the skip paths mix in."""
    norm_bias: bool = False
    """Biases on convolutions whose norm cancels them: only to match the published counts."""

    def __post_init__(self) -> None:
        _check_common(self)
        _check_divisible(self.image_size, 8 * self.patch, f"three halvings of patches of {self.patch}")
        check("out_channels must be positive", self.out_channels > 0, out_channels=self.out_channels)
        check(
            "refine mends the seams of patches",
            self.refine == 0 or (self.refine > 0 and self.patch > 1),
            "Set patch=2, or refine=0.",
            refine=self.refine,
            patch=self.patch,
        )
        check("conditions must be 0 or more", self.conditions >= 0, conditions=self.conditions)
        check("widths must be positive multiples of base_filters", min(self.widths) > 0, widths=self.widths)
        check(
            'conditioning="norm" needs instance norms to act on',
            not (self.conditions and self.conditioning == "norm" and self.normalisation == "none"),
            'Set normalisation="instance" or conditioning="concat".',
            normalisation=self.normalisation,
        )
        check(
            "one_hot pairs are merged after a sigmoid or linear output",
            not (self.one_hot and self.output == "softmax"),
            output=self.output,
        )
        check(
            "softmax needs at least 2 output channels",
            self.output != "softmax" or self.out_channels >= 2,
            "Use sigmoid for one channel.",
            out_channels=self.out_channels,
        )

    @property
    def filters(self) -> tuple[int, int, int, int]:
        """Channels at 1, 1/2, 1/4 and 1/8 of the (patched) image size."""
        return tuple(self.base_filters * width for width in self.widths)  # type: ignore[return-value]

    @property
    def grid(self) -> Size:
        """Rows and columns that the first convolution sees."""
        return self.image_size[0] // self.patch, self.image_size[1] // self.patch


@dataclasses.dataclass(frozen=True)
class DiscriminatorSpec(Config):
    """The patch discriminator, with or without a modality head.

    Source: Qu et al. (thesis).
    Deviates: no norm in the first layer and inputs centred to [-1, 1] by default; with a norm first
        it cannot see brightness or contrast, and uncentred it hardly learns.
    """

    image_size: Size
    in_channels: int
    base_filters: int = 64
    modalities: int = 0
    """Number of modalities to tell apart, 0 for no second head."""
    modality_head: Literal["logits", "index"] = "logits"
    """``"index"`` is the published single channel that estimates the modality's number."""
    scores: int = 1
    """Channels of the first head; more than 1 makes it the published patch classifier."""
    convolutions: tuple[tuple[int, int, int], ...] = ((5, 2, 1), (5, 2, 1), (3, 2, 2), (3, 2, 2))
    """Kernel side, stride and multiple of `base_filters` of each shared layer."""
    first_norm: bool = False
    normalisation: Normalisation = "instance"
    spectral: bool = False
    one_hot: bool = False
    """Whether every input channel is a binary map that the network sees as a pair (off, on)."""
    centre_inputs: bool = True
    see_detail: bool = False
    """Whether the image's Laplacian is put beside it: drawn images give themselves away by softness."""
    initialiser: Initialiser = "he"
    activation: Activation = "leaky_relu"
    input_dropout: float = 0.0
    patch: int = 1
    norm_bias: bool = False

    def __post_init__(self) -> None:
        _check_common(self)
        _check_divisible(self.image_size, self.patch, "whole patches")
        reach = self.patch * math.prod(stride for _, stride, _ in self.convolutions)
        check(
            "image_size must leave at least 2x2 patches to judge",
            min(self.image_size) > reach,
            f"With these layers a patch is {reach} pixels wide: enlarge the image or drop a layer.",
            image_size=self.image_size,
        )
        check("modalities must be 0 or at least 2", self.modalities != 1, modalities=self.modalities)
        check("scores must be positive", self.scores > 0, scores=self.scores)
        check(
            "first_norm needs instance norms",
            not (self.first_norm and self.normalisation == "none"),
            'Set normalisation="instance".',
            first_norm=self.first_norm,
        )

    @property
    def modality_channels(self) -> int:
        """Channels of the modality head, 0 without one."""
        return 1 if self.modalities and self.modality_head == "index" else self.modalities


@dataclasses.dataclass(frozen=True)
class StructureVAESpec(Config):
    """Encoder and decoder of structure maps; both widths are tables.

    The code is one flat vector of `code_size` values, unit normal a priori: `latent_dim` values for
    the whole map, then, for every `spatial_noise` level ``(stride, channels)``, a grid of
    ``(H / stride, W / stride, channels)`` values that place detail (sulci) where they stand. H and W
    are of `inner_size`.

    Source: Qu et al. (thesis).
    Deviates: patches and the spatial part of the code are ours.
    """

    image_size: Size
    latent_dim: int = 32
    base_filters: int = 16
    in_channels: int = 1
    out_channels: int = 1
    working_size: Size | None = None
    """Size to which maps are brought before they are encoded, and in which they are drawn, by nearest
    neighbours; none stays at `image_size`."""
    patch: int = 1
    encoder_convolutions: tuple[tuple[int, int, int], ...] = (
        (3, 1, 1), (3, 2, 2), (3, 1, 2), (3, 2, 3), (3, 1, 3), (3, 2, 4),
    )  # fmt: skip
    """Kernel side, stride and multiple of `base_filters`."""
    decoder_levels: tuple[tuple[int, ...], ...] = ((4,), (4, 4), (3, 3), (2, 2))
    """Multiples of `base_filters` of each level's convolutions, coarse to fine; each level but the
    first doubles the grid, the last one reaches ``inner_size / patch``."""
    decoder_dense: tuple[int, ...] = ()
    """Widths of linear layers between the code and the first grid."""
    seed_filters: int = 4
    """Multiple of `base_filters` on the decoder's first grid."""
    spatial_noise: tuple[tuple[int, int], ...] = ()
    spatial_posterior: bool = True
    """Whether the encoder infers the spatial part; otherwise its posterior is the prior."""
    input_scale: tuple[float, float] = (2.0, -1.0)
    """The encoder sees ``scale * map + shift``."""
    smooth: bool = False
    """Whether each enlargement is smoothed, as a drawing needs whose edges are taken."""
    normalisation: Normalisation = "none"
    output: Literal["linear", "sigmoid"] = "sigmoid"
    output_norm: bool = False
    one_hot: bool = False
    """Whether the decoder draws each binary map as a pair of channels (off, on) and merges them."""
    initialiser: Initialiser = "he"
    activation: Activation = "leaky_relu"
    input_dropout: float = 0.0
    norm_bias: bool = False

    def __post_init__(self) -> None:
        _check_common(self)
        check("latent_dim must be positive", self.latent_dim > 0, latent_dim=self.latent_dim)
        check("decoder_levels needs a first level", len(self.decoder_levels) > 0, received=())
        doublings = 2 ** (len(self.decoder_levels) - 1)
        _check_divisible(
            self.inner_size,
            self.patch * doublings,
            f"{doublings}x enlargement of patches of {self.patch}",
            "working_size" if self.working_size else "image_size",
        )
        for stride, channels in self.spatial_noise:
            check(
                "a spatial_noise stride must be a grid of both encoder and decoder, with 1 or more channels",
                channels > 0 and stride in self.decoder_strides and stride in self.encoder_strides,
                f"Possible strides: {sorted(set(self.decoder_strides) & set(self.encoder_strides))}.",
                spatial_noise=(stride, channels),
            )
        check(
            "spatial_noise strides must differ",
            len({stride for stride, _ in self.spatial_noise}) == len(self.spatial_noise),
            spatial_noise=self.spatial_noise,
        )

    @property
    def inner_size(self) -> Size:
        """Rows and columns of maps as they are encoded and drawn."""
        return self.working_size or self.image_size

    @property
    def decoder_strides(self) -> tuple[int, ...]:
        """Pixels of `inner_size` per cell at each decoder level, coarse to fine."""
        levels = len(self.decoder_levels)
        return tuple(self.patch * 2 ** (levels - 1 - level) for level in range(levels))

    @property
    def encoder_strides(self) -> tuple[int, ...]:
        """Pixels of `inner_size` per cell after each encoder layer."""
        strides = [self.patch]
        for _, stride, _ in self.encoder_convolutions:
            strides.append(strides[-1] * stride)
        return tuple(strides[1:])

    def cells(self, stride: int) -> Size:
        """Rows and columns of the grid with `stride` pixels of `inner_size` per cell."""
        return self.inner_size[0] // stride, self.inner_size[1] // stride

    @property
    def code_parts(self) -> tuple[int, ...]:
        """Lengths of the parts of the flat code: the global part, then one a spatial level."""
        spatial = [math.prod(self.cells(stride)) * channels for stride, channels in self.spatial_noise]
        return (self.latent_dim, *spatial)

    @property
    def code_size(self) -> int:
        """Length of the flat code that the decoder takes and the encoder describes."""
        return sum(self.code_parts)


@dataclasses.dataclass(frozen=True)
class CodeDiscriminatorSpec(Config):
    """Discriminator on the flat structure code.

    Source: Qu et al. (thesis).
    Deviates: no norm by default: with one, mean and scale of the code are invisible to it.
    """

    latent_dim: int
    kind: Literal["conv", "mlp"] = "mlp"
    base_filters: int = 64
    convolutions: tuple[tuple[int, int, int], ...] = ((7, 1, 2), (7, 1, 2), (5, 1, 2), (5, 2, 4), (3, 1, 4))
    """Kernel side, stride and multiple of `base_filters`, for ``kind="conv"``."""
    hidden: tuple[int, ...] = (128, 128)
    """Widths of the hidden layers, for ``kind="mlp"``."""
    normalisation: Normalisation = "none"
    initialiser: Initialiser = "he"
    activation: Activation = "leaky_relu"
    norm_bias: bool = False

    def __post_init__(self) -> None:
        check("latent_dim must be positive", self.latent_dim > 0, latent_dim=self.latent_dim)
        check("base_filters must be positive", self.base_filters > 0, base_filters=self.base_filters)
        check("hidden layers have a positive width", min(self.hidden, default=1) > 0, hidden=self.hidden)
        check(
            'kind="conv" lays the code out as a square, so latent_dim must be a square number',
            self.kind != "conv" or math.isqrt(self.latent_dim) ** 2 == self.latent_dim,
            'Use kind="mlp".',
            latent_dim=self.latent_dim,
        )
        check(
            'normalisation="instance" needs kind="conv"',
            self.kind == "conv" or self.normalisation == "none",
            normalisation=self.normalisation,
        )


NetworkSpec = UNetSpec | DiscriminatorSpec | StructureVAESpec | CodeDiscriminatorSpec
