"""Keras layers with weights or state, and the stateless ones the networks are made of."""

from tf_medsynth.layers.calibration import CalibrateIntensity
from tf_medsynth.layers.detail import WithDetail
from tf_medsynth.layers.dropout import NamedDropout
from tf_medsynth.layers.latent import AffineLatent
from tf_medsynth.layers.noise import ShrinkNoise
from tf_medsynth.layers.normalisation import ConditionalInstanceNormalization, InstanceNormalization
from tf_medsynth.layers.pairs import MergePairs, SplitPairs
from tf_medsynth.layers.patches import Patchify, Unpatchify
from tf_medsynth.layers.sharing import ConditionPlanes, CopyFor, SharedAdd
from tf_medsynth.layers.spectral import SpectralConv2D
from tf_medsynth.layers.upsampling import BinomialBlur, UpsampleConv2D

__all__ = [
    "AffineLatent",
    "BinomialBlur",
    "CalibrateIntensity",
    "ConditionPlanes",
    "ConditionalInstanceNormalization",
    "CopyFor",
    "InstanceNormalization",
    "MergePairs",
    "NamedDropout",
    "Patchify",
    "SharedAdd",
    "ShrinkNoise",
    "SpectralConv2D",
    "SplitPairs",
    "Unpatchify",
    "UpsampleConv2D",
    "WithDetail",
]
