"""The pieces every network is made of: convolution, norm, activation, as its spec says."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras

from tf_medsynth.config.network_specs import (
    Activation,
    CodeDiscriminatorSpec,
    DiscriminatorSpec,
    Initialiser,
    Normalisation,
    StructureVAESpec,
    UNetSpec,
)
from tf_medsynth.layers import (
    ConditionalInstanceNormalization,
    InstanceNormalization,
    MergePairs,
    NamedDropout,
    Patchify,
    SpectralConv2D,
    SplitPairs,
    Unpatchify,
    UpsampleConv2D,
)
from tf_medsynth.types import Tensor

MEAN_FILTER_SPREAD = 1e-6
NORMAL_SPREAD = 0.02
LEAK = 0.2
CAP = 100.0


@dataclasses.dataclass(frozen=True)
class Blocks:
    """How one network's convolutions start, are normed and activated.

    Attributes:
        bias: Whether convolutions whose norm cancels a bias have one all the same.
        spectral: Whether kernels are divided by their largest singular value.
    """

    initialiser: Initialiser
    activation: Activation
    normalisation: Normalisation
    bias: bool
    spectral: bool = False

    @classmethod
    def of(cls, spec: UNetSpec | DiscriminatorSpec | StructureVAESpec | CodeDiscriminatorSpec) -> Blocks:
        """The pieces that `spec` asks for."""
        return cls(
            spec.initialiser,
            spec.activation,
            spec.normalisation,
            spec.norm_bias,
            getattr(spec, "spectral", False),
        )

    def kernel(self, fan_in: int, final: bool = False) -> keras.initializers.Initializer:
        """The initialiser of a kernel whose sum has `fan_in` terms.

        Args:
            fan_in: Kernel area times input channels; for a kernel split in two, of both together.
            final: Whether no activation follows that would halve the variance.
        """
        if self.initialiser == "mean_filter":
            return keras.initializers.RandomNormal(1.0 / fan_in, MEAN_FILTER_SPREAD)
        if self.initialiser == "normal":
            return keras.initializers.RandomNormal(0.0, NORMAL_SPREAD)
        return keras.initializers.RandomNormal(0.0, math.sqrt((1.0 if final else 2.0) / fan_in))

    def convolve(
        self,
        features: Tensor,
        filters: int,
        name: str,
        *,
        size: int = 3,
        stride: int = 1,
        channels: int | None = None,
        bias: bool | None = None,
        final: bool = False,
    ) -> Tensor:
        """`features` convolved, padding "same".

        Args:
            features: `(B, H, W, C)`.
            filters: Output channels.
            name: Of the layer.
            size: Side of the kernel.
            stride: Step in rows and columns.
            channels: Input channels the initialiser counts, C if not given.
            bias: Whether to add one; if not given, unless a norm cancels it.
            final: Whether no activation follows.
        """
        layer = SpectralConv2D if self.spectral else keras.layers.Conv2D
        padding: dict[str, Any] = {} if self.spectral else {"padding": "same"}
        return layer(
            filters,
            size,
            strides=stride,
            use_bias=self.biased if bias is None else bias,
            kernel_initializer=self.kernel(size * size * (channels or features.shape[-1]), final),
            name=name,
            **padding,
        )(features)

    def enlarge(self, features: Tensor, filters: int, name: str) -> Tensor:
        """`features` on a grid twice as fine, convolved 3x3."""
        kernel = self.kernel(9 * features.shape[-1])
        return UpsampleConv2D(filters, use_bias=self.biased, kernel_initializer=kernel, name=name)(features)

    @property
    def biased(self) -> bool:
        """Whether a convolution before `finish` has a bias."""
        return self.bias or self.normalisation == "none"

    def norm(self, features: Tensor, name: str, condition: Tensor | None = None) -> Tensor:
        """`features` normed, with the spread and mean of `condition` if there is one."""
        if self.normalisation == "none":
            return features
        if condition is None:
            return InstanceNormalization(name=f"{name}_norm")(features)
        return ConditionalInstanceNormalization(name=f"{name}_norm")([features, condition])

    def activate(self, features: Tensor, name: str) -> Tensor:
        """`features` through the activation."""
        if self.activation == "leaky_relu":
            layer = keras.layers.LeakyReLU(LEAK, name=f"{name}_act")
        else:
            # The published max(0.2 x, x) clipped to [0, 100] is a ReLU with a cap.
            layer = keras.layers.ReLU(CAP if self.activation == "capped_relu" else None, name=f"{name}_act")
        return layer(features)

    def finish(self, features: Tensor, name: str, condition: Tensor | None = None) -> Tensor:
        """`features` normed and activated."""
        return self.activate(self.norm(features, name, condition), name)


def prepare(images: Tensor, patch: int, dropout: float, one_hot: bool = False) -> Tensor:
    """What the first layer sees of `images`: pairs, dropout and patches where the spec has them."""
    if one_hot:
        images = SplitPairs(name="pairs")(images)
    if dropout:
        images = NamedDropout(dropout, name="input_dropout")(images)
    return Patchify(patch, name="patchify")(images) if patch > 1 else images


def emit(
    features: Tensor, output: str, patch: int = 1, one_hot: bool = False, bias: Tensor | None = None
) -> Tensor:
    """The network's output, float32 whatever the policy: patches unfolded, `bias` added, output function.

    Args:
        features: `(B, h, w, patch * patch * C)`.
        output: "sigmoid", "softmax" or "linear".
        patch: Side of the blocks to unfold.
        one_hot: Whether channels are pairs to merge.
        bias: `(B, 1, 1, C)` or None.
    """
    images = Unpatchify(patch, name="unpatchify")(features) if patch > 1 else features
    if bias is not None:
        # The bias first: Keras takes a second term (B, 1, 1, 1) for a bias of the rows where B equals H.
        images = keras.layers.Add(name="output_bias", dtype="float32")([bias, images])
    images = keras.layers.Activation(output, name="output", dtype="float32")(images)
    return MergePairs(output == "linear", name="merge_pairs", dtype="float32")(images) if one_hot else images
