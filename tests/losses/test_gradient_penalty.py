"""Penalties of gradients that are known: a linear critic's is its weights, wherever it looks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_medsynth.losses.gradient_penalty import mix, slope_penalty, zero_slope_penalty

WEIGHTS = np.array([[3.0], [4.0]], "float32")  # a slope of 5


def test_the_penalty_of_a_linear_critic():
    gradient = np.tile(WEIGHTS[:, 0], (2, 1)) * [[1.0], [0.2]]
    np.testing.assert_allclose(slope_penalty(gradient), [16.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(slope_penalty(gradient, slope=0.0), [25.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(zero_slope_penalty(gradient), [12.5, 0.5], rtol=1e-6)


def test_a_sample_s_pixels_count_together():
    gradient = np.full((1, 2, 2, 3), 0.5, "float32")  # squared norm 12 / 4
    np.testing.assert_allclose(slope_penalty(gradient), [(np.sqrt(3.0) - 1.0) ** 2], rtol=1e-6)
    np.testing.assert_allclose(zero_slope_penalty(gradient), [1.5])


def test_a_mix_lies_on_the_line_between_each_pair():
    real, drawn = np.ones((3, 2, 2, 1), "float32"), np.zeros((3, 2, 2, 1), "float32")
    mixed = np.asarray(mix(real, drawn, np.array([0.0, 0.25, 1.0])))
    np.testing.assert_array_equal(mixed[:, 0, 0, 0], [0.0, 0.25, 1.0])
    assert mixed.shape == real.shape and (mixed.std(axis=(1, 2, 3)) == 0.0).all()


def test_what_comes_in_half_precision_is_squared_in_float32():
    gradient = np.full((1, 4), 300.0, "float16")  # its square is more than float16 holds
    assert float(zero_slope_penalty(gradient)[0]) == pytest.approx(180_000.0)


def test_the_slope_of_the_penalty_itself():
    """d/dw (||w|| - 1)^2 = 2 (||w|| - 1) w / ||w||: 8 (3, 4) / 5; a flat critic is left alone."""
    for weights, expected in ((WEIGHTS, [4.8, 6.4]), (np.zeros((2, 1)), [0.0, 0.0])):
        critic = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(weights))
        critic.build((None, 2))
        inputs = tf.ones((1, 2))
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(inputs)
                said = tf.reduce_sum(critic(inputs))
            penalty = tf.reduce_sum(slope_penalty(inner.gradient(said, inputs)))
        slope = outer.gradient(penalty, critic.kernel.value)
        np.testing.assert_allclose(np.ravel(slope), expected, rtol=1e-5)
