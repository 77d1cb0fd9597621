"""Structure maps against a slice-by-slice twin in NumPy, OpenCV and SciPy."""

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from tf_medsynth.config.imaging import StructureMapConfig
from tf_medsynth.imaging.edges import structure_map
from tf_medsynth.types import MedSynthError

rng = np.random.default_rng(1)
IMAGES = ndimage.gaussian_filter(rng.random((3, 40, 32, 2)), (0, 2, 2, 0)).astype(np.float32)
THESIS = StructureMapConfig(threshold=0.3, sigma_before=0.4, sigma_after=0.5, median=5)


def twin(image, config):
    """One `(H, W)` image, as the papers write it."""
    dy, dx = cv2.Sobel(image, cv2.CV_64F, 0, 1), cv2.Sobel(image, cv2.CV_64F, 1, 0)
    low, high = np.minimum(dy, dx), np.maximum(dy, dx)
    if config.normalise:
        low, high = ((r - r.min()) / (r.max() - r.min()) for r in (low, high))
    if config.sigma_before:
        low, high = (cv2.GaussianBlur(r, (3, 3), config.sigma_before) for r in (low, high))
    lines = (low.mean() - low > config.threshold) | (high - high.mean() > config.threshold)
    lines = lines.astype(np.float64)
    if config.sigma_after:
        lines = (cv2.GaussianBlur(lines, (3, 3), config.sigma_after) > config.rebinarise).astype(np.float64)
    return ndimage.median_filter(lines, config.median, mode="mirror") if config.median else lines


@pytest.mark.parametrize(
    "config",
    [
        StructureMapConfig(family="paper", threshold=0.2),
        StructureMapConfig(threshold=0.01, normalise=False),
        THESIS,
    ],
)
def test_map_equals_the_twin(config):
    expected = [np.stack([twin(i[..., c], config) for c in range(2)], -1) for i in IMAGES]
    drawn = np.asarray(structure_map(IMAGES, config))
    assert 0.02 < drawn.mean() < 0.8
    assert np.mean(drawn != np.stack(expected)) < 1e-3  # rounding at the threshold


def test_a_constant_image_has_no_lines():
    assert not np.any(structure_map(np.full((1, 20, 20, 1), 0.7, np.float32), THESIS))


def test_organ_only_removes_lines_outside_and_needs_a_mask():
    config = THESIS.override({"organ_only": True})
    mask = np.zeros((3, 40, 32, 1), np.float32)
    mask[:, :, :16] = 1
    drawn, whole = structure_map(IMAGES, config, background_mask=mask), structure_map(IMAGES, THESIS)
    np.testing.assert_array_equal(drawn, whole * (1 - mask))
    with pytest.raises(MedSynthError, match="needs the background mask"):
        structure_map(IMAGES, config)


def test_a_sharp_soft_map_is_the_hard_one():
    config = StructureMapConfig(threshold=0.1, sigma_before=0.4, median=3)
    soft = np.asarray(structure_map(IMAGES, config, soft_temperature=1e-5))
    assert np.mean(np.abs(soft - structure_map(IMAGES, config))) < 2e-3
    blurry = np.asarray(structure_map(IMAGES, config, soft_temperature=0.1))
    assert 0 < blurry.min() < blurry.max() < 1


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients by TensorFlow's tape")
def test_straight_through_is_binary_with_the_gradient_of_the_soft_map():
    def gradient(**options):
        image = tf.Variable(IMAGES)
        with tf.GradientTape() as tape:
            lines = structure_map(image, THESIS, soft_temperature=0.05, **options)
            total = tf.reduce_sum(lines * tf.constant(IMAGES))
        return lines.numpy(), tape.gradient(total, image).numpy()

    hard, through = gradient(straight_through=True)
    _, soft = gradient()
    np.testing.assert_array_equal(hard, structure_map(IMAGES, THESIS))
    np.testing.assert_allclose(through, soft, rtol=1e-4, atol=1e-5)
    assert np.isfinite(soft).all() and np.abs(soft).max() > 0


def test_straight_through_needs_a_temperature():
    with pytest.raises(MedSynthError, match="soft_temperature"):
        structure_map(IMAGES, THESIS, straight_through=True)
    with pytest.raises(MedSynthError, match="soft_temperature"):
        structure_map(IMAGES, THESIS, soft_temperature=0.0)


def test_the_same_in_a_graph_of_unknown_size():
    step = tf.function(
        lambda images: structure_map(images, THESIS), input_signature=[tf.TensorSpec((None, None, None, 2))]
    )
    np.testing.assert_array_equal(step(IMAGES), structure_map(IMAGES, THESIS))
