"""Neighbourhood filters against OpenCV, SciPy, TensorFlow and tensorflow-addons."""

import pathlib

import cv2
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from scipy import ndimage, signal

from tf_medsynth.imaging import filters
from tf_medsynth.types import MedSynthError

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
IMAGES = np.random.default_rng(0).random((2, 20, 17, 3)).astype(np.float32)
BINARY = (IMAGES > 0.5).astype(np.float32)


@pytest.mark.parametrize(("size", "sigma"), [(3, 0.4), (3, 0.8), (5, 1.5), (9, 2.0)])
def test_gaussian_blur_is_opencvs(size, sigma):
    expected = [cv2.GaussianBlur(image, (size, size), sigma) for image in IMAGES]
    np.testing.assert_allclose(filters.gaussian_blur(IMAGES, sigma, size), expected, atol=1e-6)


@pytest.mark.parametrize(("size", "sigma"), [(3, 0.8), (5, 1.5)])
def test_gaussian_blur_is_that_of_tensorflow_addons(size, sigma):
    golden = np.load(GOLDEN / "gaussian_blur.npz")
    blurred = filters.gaussian_blur(golden["images"], sigma, size)
    np.testing.assert_allclose(blurred, golden[f"blurred_{size}_sigma_{sigma}"], atol=1e-6)


def test_legacy_blur_is_the_releases_comb_and_nearly_nothing_at_a_small_sigma():
    published = [0.0016, 0.0371, 0.0016, 0.0371, 0.845, 0.0371, 0.0016, 0.0371, 0.0016]
    np.testing.assert_allclose(filters.comb_kernel(0.4), published, atol=1e-4)
    taps = np.outer(cv2.getGaussianKernel(3, 0.4), cv2.getGaussianKernel(3, 0.4)).ravel()
    expected = ndimage.convolve1d(ndimage.convolve1d(IMAGES, taps, 1, mode="mirror"), taps, 2, mode="mirror")
    np.testing.assert_allclose(filters.gaussian_blur(IMAGES, 0.4, legacy=True), expected, atol=1e-6)
    np.testing.assert_array_equal(filters.gaussian_blur(IMAGES, 0.01, legacy=True), IMAGES)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_median_is_scipys(size):
    mirrored = ndimage.median_filter(IMAGES, (1, size, size, 1), mode="mirror")
    np.testing.assert_array_equal(filters.median_filter(IMAGES, size), mirrored)
    zeros = signal.medfilt2d(IMAGES[0, ..., 0], size)
    np.testing.assert_array_equal(filters.median_filter(IMAGES, size, "constant")[0, ..., 0], zeros)


def test_median_is_that_of_tensorflow_addons():
    golden = np.load(GOLDEN / "median_filter.npz")
    for size in (3, 5):
        np.testing.assert_array_equal(filters.median_filter(golden["images"], size), golden[f"median_{size}"])
    zeros = filters.median_filter(golden["images"], 3, "constant")
    np.testing.assert_array_equal(zeros, golden["median_3_constant"])


@pytest.mark.parametrize("size", [1, 3, 5, 7, 13, 17])
def test_majority_is_the_median_of_a_mask(size):
    expected = ndimage.median_filter(BINARY, (1, size, size, 1), mode="mirror")
    np.testing.assert_array_equal(filters.majority_filter(BINARY, size), expected)


def test_sobel_follows_tensorflows_convention_and_is_0_on_constants():
    dy, dx = filters.sobel(IMAGES)
    expected = tf.image.sobel_edges(tf.constant(IMAGES)).numpy()
    np.testing.assert_allclose(dy, expected[..., 0], atol=1e-5)
    np.testing.assert_allclose(dx, expected[..., 1], atol=1e-5)
    assert not any(np.any(ops.convert_to_numpy(g)) for g in filters.sobel(np.full((1, 9, 8, 1), 0.3)))


def test_a_window_must_be_odd_and_fit():
    with pytest.raises(MedSynthError, match="odd"):
        filters.median_filter(IMAGES, 4)
    with pytest.raises(MedSynthError, match="larger than half"):
        filters.gaussian_blur(IMAGES[:, :3], 1.0, 7)
    with pytest.raises(MedSynthError, match="padding"):
        filters.median_filter(IMAGES, 3, "edge")
