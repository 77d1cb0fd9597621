import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio

from tf_medsynth.metrics import image_error
from tf_medsynth.types import MedSynthError

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((2, 24, 20, 3), np.float32)
REFERENCE = np.clip(IMAGES + 0.1 * RANDOM.normal(size=IMAGES.shape), 0, 1).astype(np.float32)
ORGAN = np.zeros((2, 24, 20), bool)
ORGAN[0, 6:15, 5:12] = True


def ssim_map(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """SSIM written out from the paper's formula, as an independent twin."""

    def blur(x: np.ndarray) -> np.ndarray:
        return gaussian_filter(x.astype(np.float64), 1.5, truncate=3.5)

    mean_a, mean_b = blur(a), blur(b)
    spread = blur(a * a) - mean_a**2 + blur(b * b) - mean_b**2
    shared = blur(a * b) - mean_a * mean_b
    light = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
    return np.asarray(light * (2 * shared + 9e-4) / (spread + 9e-4))


def test_mae_by_hand_whole_and_inside() -> None:
    difference = np.abs(IMAGES - REFERENCE)
    np.testing.assert_allclose(
        image_error.mean_absolute_error(IMAGES, REFERENCE), difference.mean((1, 2)), rtol=1e-5
    )
    inside = image_error.mean_absolute_error(IMAGES, REFERENCE, ORGAN)
    np.testing.assert_allclose(inside[0], difference[0, 6:15, 5:12].mean((0, 1)), rtol=1e-5)
    assert np.isnan(inside[1]).all()


def test_psnr_agrees_with_scikit_image_and_is_infinite_for_equals() -> None:
    wanted = [
        [peak_signal_noise_ratio(REFERENCE[b, ..., c], IMAGES[b, ..., c], data_range=1.0) for c in range(3)]
        for b in range(2)
    ]
    np.testing.assert_allclose(image_error.peak_signal_to_noise(IMAGES, REFERENCE), wanted, rtol=1e-5)
    assert np.isposinf(image_error.peak_signal_to_noise(IMAGES, IMAGES)).all()


def test_ssim_agrees_with_the_formula() -> None:
    scores = image_error.structural_similarity(IMAGES, REFERENCE)
    inside = image_error.structural_similarity(IMAGES, REFERENCE, ORGAN)
    local = ssim_map(IMAGES[0, ..., 1], REFERENCE[0, ..., 1])
    assert scores[0, 1] == pytest.approx(local[5:-5, 5:-5].mean(), abs=1e-4)
    assert inside[0, 1] == pytest.approx(local[ORGAN[0]].mean(), abs=1e-4)
    assert np.isnan(inside[1]).all()


def test_ssim_of_equal_images_is_one() -> None:
    np.testing.assert_allclose(image_error.structural_similarity(IMAGES, IMAGES), 1.0)


def test_small_or_mismatched_images_are_refused() -> None:
    with pytest.raises(MedSynthError, match="11 x 11"):
        image_error.structural_similarity(IMAGES[:, :10], IMAGES[:, :10])
    with pytest.raises(MedSynthError, match="shape of their reference"):
        image_error.mean_absolute_error(IMAGES, REFERENCE[:1])
