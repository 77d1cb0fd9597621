"""One encoder pass for all modalities gives what a whole pass for each gives."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tf_medsynth.config.networks import UNetSpec
from tf_medsynth.networks import build_unet_decoder, build_unet_encoder, decode_each, decode_each_unrolled
from tf_medsynth.types import MedSynthError

BY_NORM = UNetSpec((16, 24), 3, 1, 4, conditions=4)
BY_PLANES = dataclasses.replace(BY_NORM, conditioning="concat")
PATCHED = dataclasses.replace(BY_NORM, image_size=(32, 48), patch=2)
CONDITIONS = np.eye(4, dtype="float32")


def images(spec: UNetSpec) -> tf.Tensor:
    return tf.constant(np.random.default_rng(0).uniform(size=(3, *spec.image_size, 3)), tf.float32)


@pytest.mark.parametrize("spec", [BY_NORM, BY_PLANES, PATCHED], ids=["norm", "planes", "patched"])
def test_equals_unrolled(spec: UNetSpec) -> None:
    encoder, decoder = build_unet_encoder(spec), build_unet_decoder(spec)
    inputs = images(spec)
    once = decode_each(encoder(inputs), decoder, CONDITIONS)
    assert once.shape == (3, *spec.image_size, 4)
    np.testing.assert_allclose(once, decode_each_unrolled(inputs, encoder, decoder, CONDITIONS), atol=1e-5)


@pytest.mark.parametrize("spec", [BY_NORM, BY_PLANES], ids=["norm", "planes"])
def test_same_gradients_as_unrolled(spec: UNetSpec) -> None:
    encoder, decoder = build_unet_encoder(spec), build_unet_decoder(spec)
    inputs = images(spec)
    targets = np.random.default_rng(1).uniform(size=(3, *spec.image_size, 4)).astype("float32")
    variables = [v.value for v in encoder.trainable_variables + decoder.trainable_variables]
    gradients = []
    for unrolled in (False, True):
        with tf.GradientTape() as tape:
            drawn = (
                decode_each_unrolled(inputs, encoder, decoder, CONDITIONS, training=True)
                if unrolled
                else decode_each(encoder(inputs, training=True), decoder, CONDITIONS, training=True)
            )
            loss = ops.mean(ops.square(drawn - targets))
        gradients.append(tape.gradient(loss, variables))
    for once, each in zip(*gradients, strict=True):
        np.testing.assert_allclose(once, each, atol=1e-5)


def test_modalities_stand_in_the_order_of_the_conditions() -> None:
    keras.utils.set_random_seed(0)
    encoder, decoder = build_unet_encoder(BY_NORM), build_unet_decoder(BY_NORM)
    decoder.get_layer("condition_bias").kernel.assign([[-6.0], [-2.0], [2.0], [6.0]])
    means = ops.mean(decode_each(encoder(images(BY_NORM)), decoder, CONDITIONS), axis=(0, 1, 2))
    assert (np.diff(means) > 0.01).all()
    chosen = decode_each(encoder(images(BY_NORM)), decoder, CONDITIONS[[3, 0]])
    np.testing.assert_allclose(ops.mean(chosen, axis=(0, 1, 2)), np.array(means)[[3, 0]], atol=1e-5)


def test_a_modality_keeps_its_bias_whatever_the_batch() -> None:
    encoder, decoder = build_unet_encoder(BY_NORM), build_unet_decoder(BY_NORM)
    rows, columns = BY_NORM.image_size
    for batch in {rows // 4, columns // 4, 3}:  # as many rows of output as the image has, and not
        inputs = ops.ones((batch, rows, columns, BY_NORM.in_channels))
        decoder.get_layer("condition_bias").kernel.assign([[0.0], [0.0], [0.0], [0.0]])
        plain = decode_each(encoder(inputs), decoder, CONDITIONS)
        decoder.get_layer("condition_bias").kernel.assign([[3.0], [0.0], [0.0], [0.0]])
        moved = np.abs(decode_each(encoder(inputs), decoder, CONDITIONS) - plain).mean(axis=(0, 1, 2))
        assert moved[0] > 0.01 and (moved[1:] < 1e-6).all(), batch


def test_unknown_batch() -> None:
    encoder, decoder = build_unet_encoder(BY_NORM), build_unet_decoder(BY_NORM)
    traced = tf.function(
        lambda inputs: decode_each(encoder(inputs), decoder, CONDITIONS),
        input_signature=[tf.TensorSpec((None, 16, 24, 3))],
    )
    inputs = images(BY_NORM)
    assert traced(inputs).shape == (3, 16, 24, 4)
    np.testing.assert_allclose(traced(inputs[:1]), traced(inputs)[:1], atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_channels_of_a_modality_lie_beside_each_other(count: int) -> None:
    spec = dataclasses.replace(BY_NORM, out_channels=3, conditions=count)
    encoder, decoder = build_unet_encoder(spec), build_unet_decoder(spec)
    inputs, conditions = images(spec), np.eye(count, dtype="float32")
    once = decode_each(encoder(inputs), decoder, conditions)
    assert once.shape == (3, *spec.image_size, 3 * count)
    np.testing.assert_allclose(once, decode_each_unrolled(inputs, encoder, decoder, conditions), atol=1e-5)


def test_a_decoder_without_condition_draws_one_image() -> None:
    spec = dataclasses.replace(BY_NORM, out_channels=3, conditions=0)
    encoder, decoder = build_unet_encoder(spec), build_unet_decoder(spec)
    features = encoder(images(spec))
    np.testing.assert_array_equal(decode_each(features, decoder, None), decoder(features))


def test_refuses_what_is_no_matrix() -> None:
    encoder, decoder = build_unet_encoder(BY_NORM), build_unet_decoder(BY_NORM)
    with pytest.raises(MedSynthError, match="matrix"):
        decode_each(encoder(images(BY_NORM)), decoder, CONDITIONS[0])
