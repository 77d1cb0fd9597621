import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from tf_medsynth.metrics.ms_ssim import WEIGHTS, measure_name, multiscale_similarity, scales_that_fit
from tf_medsynth.types import MedSynthError

RANDOM = np.random.default_rng(0)


def pair(height: int, width: int, channels: int = 2) -> tuple[np.ndarray, np.ndarray]:
    one = gaussian_filter(RANDOM.random((3, height, width, channels)), (0, 1, 1, 0))
    other = gaussian_filter(RANDOM.random(one.shape), (0, 1, 1, 0))
    mixed = np.clip(np.stack([one[k] + w * other[k] for k, w in enumerate((0.05, 0.3, 1.0))]), 0, 1)
    return one.astype(np.float32), mixed.astype(np.float32)


@pytest.mark.parametrize(
    ("size", "scales"),
    [((184, 144), 4), ((96, 96), 4), ((64, 64), 3), ((32, 32), 2), ((11, 40), 1), ((176, 176), 5)],
)
def test_scales_that_fit(size, scales) -> None:
    assert scales_that_fit(*size) == scales


@pytest.mark.parametrize("size", [(176, 161), (92, 73), (45, 38)])
def test_it_agrees_with_tensorflow_at_its_scales(size) -> None:
    one, other = pair(*size)
    scales = scales_that_fit(*size)
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    wanted = [
        tf.image.ssim_multiscale(one[..., c : c + 1], other[..., c : c + 1], 1.0, power_factors=weights)
        for c in range(2)
    ]
    got = multiscale_similarity(one, other)
    np.testing.assert_allclose(got, np.stack(wanted, axis=-1), atol=2e-4)
    assert got[0, 0] > got[1, 0] > got[2, 0]


def test_equal_images_score_one_and_fewer_scales_can_be_asked_for() -> None:
    one, other = pair(48, 48)
    np.testing.assert_allclose(multiscale_similarity(one, one), 1.0, atol=1e-5)
    weights = np.array(WEIGHTS[:2]) / sum(WEIGHTS[:2])
    wanted = tf.image.ssim_multiscale(one[..., :1], other[..., :1], 1.0, power_factors=weights)
    np.testing.assert_allclose(multiscale_similarity(one, other, 2)[:, 0], wanted, atol=2e-4)


def test_the_name_holds_the_scales() -> None:
    assert measure_name(4) == "MS-SSIM, 4 of 5 scales, 11x11 window"


def test_images_too_small_or_unlike_are_refused() -> None:
    one, other = pair(40, 40)
    with pytest.raises(MedSynthError, match="11 x 11"):
        multiscale_similarity(one[:, :10], other[:, :10])
    with pytest.raises(MedSynthError, match="1 to 2 scales"):
        multiscale_similarity(one[:, :40, :30], other[:, :40, :30], 5)
    with pytest.raises(MedSynthError, match="shape of their reference"):
        multiscale_similarity(one, other[:1])
