"""The last step of a synthesiser: intensities with the mean and spread of real images."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.types import Tensor

FULL_AT = 0.2
"""Brightest channel of a pixel from which on it is changed in full: a mask is wider than the organ, and
an offset would raise a rim of background to grey."""

LARGEST_GAIN = 2.0
"""A spread that is further off is a generator's fault that no scaling should hide."""


@keras.saving.register_keras_serializable(package="tf_medsynth")
class CalibrateIntensity(keras.layers.Layer):
    """Images scaled and shifted inside the organ, a gain and an offset a channel, and clipped to [0, 1].

    What is dark in every channel is background too, and stays as it is.

    It starts as the identity and learns nothing; `fit` sets it after training. A critic of patches
    lets mean and contrast of drawn images drift by a tenth; two numbers a channel take that back.

    Call: ``[(B, H, W, M C) images, (B, H, W, 1) background mask]`` to ``(B, H, W, M C)`` float32.
    """

    def build(self, input_shape: list[tuple[int | None, ...]]) -> None:
        """Creates gain and offset `(M C,)`, the identity."""
        shape = (input_shape[0][-1],)
        options = {"shape": shape, "trainable": False, "autocast": False}
        self.gain = self.add_weight(name="gain", initializer="ones", **options)
        self.offset = self.add_weight(name="offset", initializer="zeros", **options)

    def call(self, inputs: list[Tensor]) -> Tensor:
        """The scaled images."""
        images, background_mask = (ops.cast(x, "float32") for x in inputs)
        brightest = ops.max(images, axis=-1, keepdims=True)
        share = (1.0 - background_mask) * ops.clip(brightest / FULL_AT, 0.0, 1.0)
        change = (self.gain - 1.0) * images + self.offset
        return ops.clip(images + share * change, 0.0, 1.0)

    def fit(self, drawn: tuple[Any, Any], wanted: tuple[Any, Any]) -> None:
        """Sets the layer so that intensities with moments `drawn` get the moments `wanted`.

        Args:
            drawn: mean and standard deviation, each `(M C,)`, of what the generator draws.
            wanted: the same of real images.

        Raises:
            MedSynthError: moments that are not finite, or a spread of 0.
        """
        (mean, spread), (wanted_mean, wanted_spread) = (
            (np.asarray(m, np.float64), np.asarray(s, np.float64)) for m, s in (drawn, wanted)
        )
        known = bool(np.isfinite([mean, spread, wanted_mean, wanted_spread]).all())
        check(
            "moments must be finite, and what is scaled must vary",
            known and bool((spread > 0).all()),
            mean=mean.tolist(),
            spread=spread.tolist(),
        )
        gain = np.clip(wanted_spread / spread, 1.0 / LARGEST_GAIN, LARGEST_GAIN)
        self.gain.assign(gain.astype("float32"))
        self.offset.assign((wanted_mean - gain * mean).astype("float32"))

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """That of the images."""
        return tuple(input_shape[0])
