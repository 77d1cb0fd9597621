"""The calibration of a synthesiser's intensities as a network of one layer, so that it is kept with it."""

from __future__ import annotations

import keras

from tf_medsynth.layers import CalibrateIntensity


def build_calibration(image_size: tuple[int, int], channels: int, name: str = "calibration") -> keras.Model:
    """Images `(B, H, W, M C)` and background masks `(B, H, W, 1)` to images, by `CalibrateIntensity`.

    ``calibration.get_layer("intensity").fit(drawn, wanted)`` sets it after training.
    """
    images = keras.Input((*image_size, channels), name="images")
    mask = keras.Input((*image_size, 1), name="background_mask")
    layer = CalibrateIntensity(name="intensity", dtype="float32")
    return keras.Model([images, mask], layer([images, mask]), name=name)
