"""Losses on the structure code, against numbers worked out by hand."""

import numpy as np

from tf_medsynth.losses import code


def test_squared_mean_of_a_code():
    z_mean = np.array([[1.0, 3.0], [1.0, -1.0], [-0.5, 0.0]], "float32")
    np.testing.assert_allclose(code.code_mean_loss(z_mean), [4.0, 0.0, 0.0625])


def test_squared_distance_of_the_mean_deviation_to_one():
    logvar = np.log(np.square([[1.0, 2.0], [1.0, 1.0], [0.5, 0.1]])).astype("float32")
    np.testing.assert_allclose(code.code_deviation_loss(logvar), [0.25, 0.0, 0.49], atol=1e-6)


def test_divergence_in_nats_a_dimension():
    z_mean = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, -2.0]], "float32")
    logvar = np.array([[0.0, np.log(2.0)], [0.0, 0.0], [0.0, 0.0]], "float32")
    expected = [(0.5 + 0.5 * (1.0 - np.log(2.0))) / 2, 0.0, 1.0]
    np.testing.assert_allclose(code.code_divergence(z_mean, logvar), expected, rtol=1e-6, atol=1e-7)


def test_each_sample_is_judged_alone():
    rng = np.random.default_rng(0)
    z_mean, logvar = rng.normal(size=(2, 5, 7)).astype("float32")
    for loss in (
        lambda rows: code.code_mean_loss(z_mean[rows]),
        lambda rows: code.code_deviation_loss(logvar[rows]),
        lambda rows: code.code_divergence(z_mean[rows], logvar[rows]),
    ):
        alone = np.concatenate([loss(slice(i, i + 1)) for i in range(5)])
        np.testing.assert_allclose(loss(slice(None)), alone, rtol=1e-6)
