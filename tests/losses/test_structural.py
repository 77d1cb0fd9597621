"""The SSIM loss: scikit-image is the oracle, constants are worked out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from skimage.metrics import structural_similarity

from tf_medsynth.losses.structural import dissimilarity


def pair(shape: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.random(shape)
    return target.astype("float32"), np.clip(target + rng.normal(0, 0.2, shape), 0, 1).astype("float32")


def similarity_map(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """SSIM of each whole window of two images ``(H, W)``."""
    _, values = structural_similarity(
        target.astype("float64"),
        prediction.astype("float64"),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
        full=True,
    )
    return values[5:-5, 5:-5]


@pytest.mark.parametrize("shape", [(2, 24, 20, 1), (1, 17, 32, 4), (1, 11, 11, 1)])
def test_agrees_with_scikit_image(shape):
    target, prediction = pair(shape)
    expected = [
        1.0
        - np.mean([similarity_map(target[i, ..., c], prediction[i, ..., c]).mean() for c in range(shape[-1])])
        for i in range(shape[0])
    ]
    np.testing.assert_allclose(dissimilarity(target, prediction), expected, atol=2e-5)


def test_a_weight_counts_windows_by_their_centre():
    target, prediction = pair((1, 20, 22, 2), seed=1)
    weight = (np.random.default_rng(2).random((1, 20, 22, 1)) < 0.4).astype("float32")
    inner = weight[0, 5:-5, 5:-5, 0]
    maps = [similarity_map(target[0, ..., c], prediction[0, ..., c]) for c in range(2)]
    expected = np.mean([(inner * (1.0 - m)).sum() / inner.sum() for m in maps])
    np.testing.assert_allclose(dissimilarity(target, prediction, weight), [expected], atol=2e-5)
    nowhere = dissimilarity(target, prediction, np.zeros_like(weight))
    assert keras.ops.convert_to_numpy(nowhere).tolist() == [0.0]


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.6), (0.0, 0.5)])
def test_constant_images_differ_by_their_means_alone(a, b):
    expected = 1.0 - (2 * a * b + 1e-4) / (a * a + b * b + 1e-4)
    shape = (1, 12, 12, 1)
    loss = dissimilarity(np.full(shape, a, "float32"), np.full(shape, b, "float32"))
    np.testing.assert_allclose(loss, [expected], atol=1e-4)


def test_equal_images_cost_nothing_and_have_a_finite_gradient():
    image = tf.constant(np.concatenate([pair((1, 16, 16, 1))[0], np.zeros((1, 16, 16, 1), "float32")]))
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = dissimilarity(tf.stop_gradient(image), image)
    np.testing.assert_allclose(loss, [0.0, 0.0], atol=1e-4)
    assert np.isfinite(tape.gradient(loss, image)).all()
