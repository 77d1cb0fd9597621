"""Drawn images get the mean and spread of real ones: the same last step for every generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tf_medsynth.types import Tensor

_BATCHES = 64
_FAINT = 0.02  # of the range; what is darker in every channel is background

Drawn = Callable[[Mapping[str, Tensor]], tuple[Tensor, Tensor]]
"""Images `(B, H, W, M C)` and background masks `(B, H, W, 1)` drawn for a batch, not yet calibrated."""


def fit_calibration(calibration: keras.Model, batches: tf.data.Dataset, drawn: Drawn) -> None:
    """Sets a network of `build_calibration` by images that are drawn beside the real ones of `batches`.

    Until then it is the identity, which `drawn` relies on.
    """
    layer = calibration.get_layer("intensity")
    count = layer.gain.shape[0]
    layer.fit((np.zeros(count), np.ones(count)), (np.zeros(count), np.ones(count)))
    draw = tf.function(drawn)
    real, free = [], []
    for batch in batches.take(_BATCHES):
        images = ops.convert_to_numpy(batch["images"])
        real.append(images[images.max(axis=-1) > 0.0])
        images, mask = (ops.convert_to_numpy(x) for x in draw(batch))
        free.append(images[(mask[..., 0] == 0) & (images.max(axis=-1) > _FAINT)])
    moments = [(x.mean(axis=0), x.std(axis=0)) for x in map(np.concatenate, (free, real))]
    layer.fit(*moments)
