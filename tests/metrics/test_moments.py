import numpy as np

from tf_medsynth.metrics.moments import organ_moments, pooled_moments

IMAGES = np.random.default_rng(0).random((2, 4, 5, 3), np.float32)
ORGAN = np.random.default_rng(1).integers(2, size=(2, 4, 5, 1))


def test_each_image_against_masked_arrays() -> None:
    twin = np.ma.masked_array(IMAGES, np.broadcast_to(ORGAN == 0, IMAGES.shape)).astype(np.float64)
    mean, std = organ_moments(IMAGES, ORGAN)
    np.testing.assert_allclose(mean, twin.mean((1, 2)))
    np.testing.assert_allclose(std, twin.std((1, 2)))


def test_pooled_spread_holds_differences_between_images() -> None:
    images = np.stack([np.zeros((2, 2, 1)), np.ones((2, 2, 1))]).astype(np.float32)
    organ = np.ones((2, 2, 2))
    assert pooled_moments(images, organ).std == [0.5]
    assert organ_moments(images, organ).std.max() == 0.0


def test_no_organ_is_nan_for_that_image_only() -> None:
    organ = ORGAN.copy()
    organ[1] = 0
    mean, _ = organ_moments(IMAGES, organ)
    assert np.isnan(mean).all(axis=1).tolist() == [False, True]
    assert np.isnan(pooled_moments(IMAGES, np.zeros_like(organ)).mean).all()
