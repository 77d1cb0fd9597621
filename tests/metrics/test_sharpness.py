import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tf_medsynth.metrics.sharpness import mean_absolute_laplacian, sharpness_ratio

IMAGES = np.random.default_rng(0).random((2, 9, 11, 2), np.float32)
ORGAN = np.zeros((2, 9, 11), bool)
ORGAN[:, 2:7, 3:9] = True


def test_agrees_with_opencv_inside_the_organ() -> None:
    curvature = np.abs(cv2.Laplacian(IMAGES[1, ..., 0], cv2.CV_32F, ksize=1))
    scores = mean_absolute_laplacian(IMAGES, ORGAN)
    assert scores.shape == (2, 2)
    assert scores[1, 0] == pytest.approx(curvature[2:7, 3:9].mean(), rel=1e-5)


def test_rim_leaves_the_interior() -> None:
    curvature = np.abs(cv2.Laplacian(IMAGES[0, ..., 1], cv2.CV_32F, ksize=1))
    interior = mean_absolute_laplacian(IMAGES, ORGAN, rim=1)
    assert interior[0, 1] == pytest.approx(curvature[3:6, 4:8].mean(), rel=1e-5)


def test_a_ramp_is_flat_and_no_organ_is_nan() -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 11, dtype=np.float32), (1, 9, 11))[..., None]
    assert mean_absolute_laplacian(ramp, ORGAN[:1]) == pytest.approx(0, abs=1e-6)
    assert np.isnan(mean_absolute_laplacian(ramp, np.zeros((1, 9, 11)))).all()


def test_ratio_is_one_for_the_same_set_and_falls_with_blur() -> None:
    blurred = gaussian_filter(IMAGES, (0, 1, 1, 0))
    np.testing.assert_allclose(sharpness_ratio(IMAGES[::-1], ORGAN, IMAGES, ORGAN), 1.0)
    assert (sharpness_ratio(blurred, ORGAN, IMAGES, ORGAN) < 0.5).all()
    assert np.isnan(sharpness_ratio(IMAGES, ORGAN, np.zeros_like(IMAGES), ORGAN)).all()
