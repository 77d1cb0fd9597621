"""Noise stays unit normal on coarser grids, and is silent until a gain is learned."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tf_medsynth.layers import GainedAdd, ShrinkNoise


@pytest.mark.parametrize("size", [1, 2, 4])
def test_coarser_noise_is_unit_normal(size: int) -> None:
    noise = np.random.default_rng(0).normal(size=(2, 256, 256, 1)).astype("float32")
    coarser = ops.convert_to_numpy(ShrinkNoise(size)(noise))
    assert coarser.shape == (2, 256 // size, 256 // size, 1)
    assert abs(coarser.mean()) < 0.03
    assert abs(coarser.std() - 1.0) < 0.03


def test_gain_weighs_each_channel() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(2, 3, 3, 4)).astype("float32")
    noise = rng.normal(size=(2, 3, 3, 1)).astype("float32")
    layer = GainedAdd()
    np.testing.assert_array_equal(ops.convert_to_numpy(layer([features, noise])), features)
    gain = np.array([0.0, 1.0, -2.0, 0.5], "float32")
    layer.gain.assign(gain)
    np.testing.assert_allclose(layer([features, noise]), features + gain * noise, atol=1e-6)


def test_silent_gain_still_gets_a_gradient() -> None:
    features, noise = tf.zeros((1, 2, 2, 3)), tf.ones((1, 2, 2, 1))
    layer = GainedAdd()
    layer.build([features.shape, noise.shape])
    with tf.GradientTape() as tape:
        total = ops.sum(layer([features, noise]))
    np.testing.assert_array_equal(tape.gradient(total, layer.gain.value), [4.0, 4.0, 4.0])
