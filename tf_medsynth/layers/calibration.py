"""The last step of a synthesiser: intensities with the mean and spread of real images."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.types import Tensor

LARGEST_GAIN = 2.0
"""A spread that is further off is a generator's fault that no scaling should hide."""


@keras.saving.register_keras_serializable(package="tf_medsynth")
class CalibrateIntensity(keras.layers.Layer):
    """Images scaled and shifted inside the organ, a gain and an offset a modality, and clipped to [0, 1].

    It starts as the identity and learns nothing; `fit` sets it after training. A critic of patches
    lets mean and contrast of drawn images drift by a tenth; two numbers a modality take that back.

    Call: ``[(B, H, W, M) images, (B, H, W, 1) background mask]`` to ``(B, H, W, M)`` float32.
    """

    def build(self, input_shape: list[tuple[int | None, ...]]) -> None:
        """Creates gain and offset `(M,)`, the identity."""
        shape = (input_shape[0][-1],)
        options = {"shape": shape, "trainable": False, "autocast": False}
        self.gain = self.add_weight(name="gain", initializer="ones", **options)
        self.offset = self.add_weight(name="offset", initializer="zeros", **options)

    def call(self, inputs: list[Tensor]) -> Tensor:
        """The scaled images."""
        images, background_mask = (ops.cast(x, "float32") for x in inputs)
        inside = ops.clip(images * self.gain + self.offset, 0.0, 1.0)
        return ops.where(background_mask > 0.5, images, inside)

    def fit(self, drawn: tuple[Any, Any], wanted: tuple[Any, Any]) -> None:
        """Sets the layer so that intensities with moments `drawn` get the moments `wanted`.

        Args:
            drawn: mean and standard deviation, each `(M,)`, of what the generator draws.
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
