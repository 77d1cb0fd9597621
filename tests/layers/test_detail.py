"""The fixed filters: fine detail for a critic, smoothing for a drawing."""

from __future__ import annotations

import keras
import numpy as np
from scipy import ndimage

from tf_medsynth.layers import BinomialBlur, WithDetail

IMAGES = np.random.default_rng(0).random((2, 9, 7, 3)).astype("float32")


def _by_channel(images: np.ndarray, operator) -> np.ndarray:
    out = np.empty_like(images)
    for sample in range(images.shape[0]):
        for channel in range(images.shape[3]):
            out[sample, ..., channel] = operator(images[sample, ..., channel])
    return out


def test_detail_is_the_laplacian_beside_the_image():
    seen = np.asarray(WithDetail(gain=3.0)(IMAGES))
    laplacian = _by_channel(IMAGES, lambda image: -3.0 * ndimage.laplace(image, mode="reflect"))
    np.testing.assert_array_equal(seen[..., :3], IMAGES)
    np.testing.assert_allclose(seen[..., 3:], laplacian, atol=1e-5)


def test_a_flat_image_has_no_detail():
    seen = np.asarray(WithDetail()(np.full((1, 5, 5, 1), 0.7, "float32")))
    np.testing.assert_allclose(seen[..., 1], 0.0, atol=1e-6)


def test_blur_is_the_binomial_filter():
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    wanted = _by_channel(IMAGES, lambda image: ndimage.convolve(image, kernel, mode="reflect"))
    np.testing.assert_allclose(np.asarray(BinomialBlur()(IMAGES)), wanted, atol=1e-6)


def test_blur_removes_the_grid_of_a_doubled_image():
    doubled = np.repeat(np.repeat(IMAGES, 2, axis=1), 2, axis=2)
    blurred = np.asarray(BinomialBlur()(doubled))
    steps = np.abs(np.diff(blurred, axis=1))
    assert steps[:, 0::2].mean() > 0  # inside a doubled pixel it now rises too
    np.testing.assert_allclose(blurred.mean(), doubled.mean(), atol=1e-2)


def test_both_come_back_from_their_configuration():
    for layer in (WithDetail(gain=1.5), BinomialBlur()):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        np.testing.assert_array_equal(np.asarray(again(IMAGES)), np.asarray(layer(IMAGES)))
