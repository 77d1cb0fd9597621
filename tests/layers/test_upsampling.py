"""Doubling with convolution against the two Keras layers it replaces, and what a blur makes of doubling."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tf_medsynth.layers import BinomialBlur, UpsampleConv2D


def pair(use_bias: bool) -> tuple[UpsampleConv2D, keras.Sequential]:
    """Our layer and UpSampling2D + Conv2D with the same weights."""
    layer = UpsampleConv2D(4, use_bias=use_bias)
    twin = keras.Sequential(
        [keras.layers.UpSampling2D(2), keras.layers.Conv2D(4, 3, padding="same", use_bias=use_bias)]
    )
    layer.build((None, 5, 3, 2))
    twin.build((None, 5, 3, 2))
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=weight.shape).astype("float32") for weight in twin.get_weights()]
    layer.set_weights(weights)
    twin.set_weights(weights)
    return layer, twin


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(2, 5, 3, 2)).astype("float32")


@pytest.mark.parametrize("use_bias", [True, False])
def test_equals_doubling_then_convolving(images: np.ndarray, use_bias: bool) -> None:
    layer, twin = pair(use_bias)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(images)), twin(images), atol=1e-5)


def test_same_gradients(images: np.ndarray) -> None:
    gradients = []
    for model in pair(True):
        inputs = tf.constant(images)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = ops.sum(ops.square(model(inputs)))
        gradients.append(tape.gradient(loss, [inputs, *(v.value for v in model.trainable_variables)]))
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)


def test_unknown_batch(images: np.ndarray) -> None:
    layer, twin = pair(True)
    traced = tf.function(layer, input_signature=[tf.TensorSpec((None, 5, 3, 2))])
    np.testing.assert_allclose(traced(images[:1]), twin(images[:1]), atol=1e-5)


def test_doubling_and_blur_are_bilinear(images: np.ndarray) -> None:
    doubled = ops.repeat(ops.repeat(images, 2, axis=1), 2, axis=2)
    expected = ops.image.resize(images, (10, 6), interpolation="bilinear")
    np.testing.assert_allclose(BinomialBlur()(doubled), expected, atol=1e-5)
