"""Intensity scales on hand-written numbers."""

import numpy as np

from tf_medsynth.imaging.intensity import min_max, scale_to_unit, z_score

IMAGES = np.array([[0, 50], [100, 200]], np.int16)[None, ..., None].repeat(2, axis=-1)


def test_bounds_of_a_volume_a_channel_and_a_batch():
    np.testing.assert_allclose(scale_to_unit(IMAGES, 0, 200)[0, ..., 0], [[0, 0.25], [0.5, 1]])
    by_channel = np.asarray(scale_to_unit(IMAGES[0], np.array([0, 50]), np.array([100, 100])))
    np.testing.assert_allclose(by_channel[..., 1], [[0, 0], [1, 1]])
    pair = np.concatenate([IMAGES, IMAGES])
    by_sample = np.asarray(scale_to_unit(pair, np.zeros((2, 2)), np.array([[100, 200], [400, 100]])))
    np.testing.assert_allclose(by_sample[:, 1, 0], [[1, 0.5], [0.25, 1]])


def test_values_beyond_the_bounds_stay_without_clipping():
    assert np.asarray(scale_to_unit(IMAGES, 0, 100, clip=False)).max() == 2


def test_constant_channels_become_0():
    flat = np.full((1, 3, 3, 2), 7.0)
    assert not np.any(scale_to_unit(flat, 7, 7)) and not np.any(min_max(flat))
    assert not np.any(z_score(flat, 7.0, 0.0))


def test_min_max_takes_each_image_and_channel_apart():
    images = np.random.default_rng(5).normal(size=(2, 5, 4, 3))
    images[0] *= 100
    scaled = np.asarray(min_max(images))
    np.testing.assert_array_equal(scaled.min(axis=(1, 2)), np.zeros((2, 3)))
    np.testing.assert_allclose(scaled.max(axis=(1, 2)), np.ones((2, 3)), rtol=1e-6)
    np.testing.assert_allclose(np.argsort(scaled, axis=1), np.argsort(images, axis=1))


def test_z_score_leaves_the_background_at_0():
    scores = np.asarray(z_score(IMAGES, np.array([[100.0, 50.0]]), np.array([[50.0, 10.0]])))
    np.testing.assert_allclose(scores[0, ..., 0], [[0, -1], [0, 2]])
    np.testing.assert_allclose(scores[0, ..., 1], [[0, 0], [5, 15]])
