"""Pixel losses, against numbers worked out by hand."""

import numpy as np
import pytest

from tf_medsynth.losses import reconstruction


def row(*values: float) -> np.ndarray:
    return np.array(values, "float32").reshape(1, 1, -1, 1)


def test_squared_and_absolute_error():
    target, prediction = row(0.0, 1.0), row(0.5, 0.8)
    np.testing.assert_allclose(
        reconstruction.squared_error(target, prediction), [(0.25 + 0.04) / 2], rtol=1e-6
    )
    np.testing.assert_allclose(
        reconstruction.absolute_error(target, prediction), [(0.5 + 0.2) / 2], rtol=1e-6
    )


def test_a_weight_a_pixel_scales_its_part_of_the_mean():
    target, prediction, weight = row(0.0, 1.0), row(0.5, 0.8), row(2.0, 0.0)
    np.testing.assert_allclose(reconstruction.squared_error(target, prediction, weight), [0.25], rtol=1e-6)
    np.testing.assert_allclose(reconstruction.absolute_error(target, prediction, weight), [0.5], rtol=1e-6)
    channels = np.repeat(target, 4, axis=-1), np.repeat(prediction, 4, axis=-1)
    np.testing.assert_allclose(reconstruction.squared_error(*channels, weight), [0.25], rtol=1e-6)


def test_cross_entropy_of_lines():
    target, probability = row(1.0, 0.0), row(0.5, 0.25)
    plain = (np.log(2.0) + np.log(4 / 3)) / 2
    np.testing.assert_allclose(reconstruction.line_cross_entropy(target, probability), [plain], rtol=1e-6)
    heavy = (3.0 * np.log(2.0) + np.log(4 / 3)) / 2
    np.testing.assert_allclose(
        reconstruction.line_cross_entropy(target, probability, 3.0), [heavy], rtol=1e-6
    )
    outside = reconstruction.line_cross_entropy(target, probability, 3.0, row(0.0, 1.0))
    np.testing.assert_allclose(outside, [np.log(4 / 3) / 2], rtol=1e-6)


def test_a_sure_mistake_costs_a_finite_amount():
    wrong = reconstruction.line_cross_entropy(row(1.0, 0.0), row(0.0, 1.0))
    np.testing.assert_allclose(wrong, [-np.log(1e-4)], rtol=1e-3)


def test_cross_entropy_of_intensities_is_least_at_the_target():
    target = row(0.25, 0.75)
    exact, off = (reconstruction.intensity_cross_entropy(target, x) for x in (target, row(0.35, 0.75)))
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    np.testing.assert_allclose(exact, [entropy], rtol=1e-6)
    assert off > exact


def test_a_black_drawing_is_still_pulled_up():
    """Squared error leaves it black: its gradient by the logit vanishes with the sigmoid's slope."""

    def pull(loss):
        logit = np.array([-9.0, -8.9])
        black = (1 / (1 + np.exp(-logit))).astype("float32").reshape(2, 1, 1, 1)
        values = np.asarray(loss(np.full_like(black, 0.4), black), "float64")
        return (values[0] - values[1]) / 0.1

    assert pull(reconstruction.intensity_cross_entropy) == pytest.approx(0.4, rel=0.01)
    assert pull(reconstruction.squared_error) < 1e-3


def test_what_stands_outside_the_organ():
    np.testing.assert_allclose(reconstruction.suppression(row(0.5, 1.0), row(1.0, 0.0)), [0.125])
    np.testing.assert_allclose(reconstruction.suppression(row(0.5, 1.0), 1.0), [0.625])
