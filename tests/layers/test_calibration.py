"""Calibrated intensities: the identity until fitted, then real moments inside the organ."""

import numpy as np
import pytest
from keras import ops

from tf_medsynth.layers import CalibrateIntensity
from tf_medsynth.types import MedSynthError

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0.3, 0.6, (4, 16, 16, 2)).astype("float32")
MASK = (RNG.random((4, 16, 16, 1)) < 0.4).astype("float32")
INSIDE = MASK[..., 0] == 0


def moments(images):
    return images[INSIDE].mean(axis=0), images[INSIDE].std(axis=0)


@pytest.fixture
def layer() -> CalibrateIntensity:
    layer = CalibrateIntensity()
    layer.build([IMAGES.shape, MASK.shape])
    return layer


def calibrated(layer):
    return ops.convert_to_numpy(layer([IMAGES, MASK]))


def test_starts_as_the_identity(layer):
    np.testing.assert_array_equal(calibrated(layer), IMAGES)


def test_drawn_images_get_the_real_moments_and_the_background_stays(layer):
    wanted = np.array([0.5, 0.4]), np.array([0.06, 0.12])
    layer.fit(moments(IMAGES), wanted)
    made = calibrated(layer)
    np.testing.assert_allclose(moments(made), wanted, atol=1e-5)
    np.testing.assert_array_equal(made[~INSIDE], IMAGES[~INSIDE])


def test_what_leaves_the_range_is_clipped(layer):
    layer.fit(moments(IMAGES), (np.array([0.95, 0.05]), np.array([0.1, 0.1])))
    made = calibrated(layer)
    assert made.min() == 0.0 and made.max() == 1.0


def test_the_rim_between_organ_and_mask_stays_black(layer):
    layer.fit(moments(IMAGES), (np.array([0.7, 0.6]), np.array([0.05, 0.05])))
    rim = IMAGES.copy()
    rim[:, 4] = 0.0
    made = ops.convert_to_numpy(layer([rim, MASK]))
    assert (made[:, 4] == 0.0).all() and made[:, 5][INSIDE[:, 5]].min() > 0.4


def test_a_spread_far_off_is_not_hidden(layer):
    mean, spread = moments(IMAGES)
    layer.fit((mean, spread), (mean, 10 * spread))
    np.testing.assert_allclose(ops.convert_to_numpy(layer.gain), [2.0, 2.0])


@pytest.mark.parametrize(
    "drawn", [(np.array([0.5, np.nan]), np.ones(2)), (np.full(2, 0.5), np.array([0.1, 0.0]))]
)
def test_moments_that_say_nothing_are_refused(layer, drawn):
    with pytest.raises(MedSynthError, match="finite, and what is scaled must vary"):
        layer.fit(drawn, (np.full(2, 0.5), np.ones(2)))
