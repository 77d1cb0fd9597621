"""Least-squares adversarial losses and the modality head, against numbers worked out by hand."""

import numpy as np
import pytest
from keras import ops

from tf_medsynth.losses import adversarial

VALIDITY = np.array([[[0.0], [1.0]], [[2.0], [3.0]]], "float32")[None]


def test_distances_to_real_and_to_fake():
    patches = np.concatenate([VALIDITY, np.ones_like(VALIDITY)])
    real = adversarial.least_squares_real_loss(patches)
    assert ops.convert_to_numpy(real).tolist() == [(1 + 0 + 1 + 4) / 4, 0.0]
    fake = adversarial.least_squares_fake_loss(patches)
    assert ops.convert_to_numpy(fake).tolist() == [(0 + 1 + 4 + 9) / 4, 1.0]


def test_cross_entropy_of_modality_logits():
    logits = np.zeros((3, 1, 2, 4), "float32")
    logits[1:, ..., 0] = np.log(3.0)  # the first of four has 3 of 6 parts
    modality = np.eye(4, dtype="float32")[[2, 0, 3]]
    loss = adversarial.modality_loss(logits, modality)
    np.testing.assert_allclose(loss, np.log([4.0, 2.0, 6.0]), rtol=1e-6)


def test_one_channel_is_compared_with_the_index():
    prediction = np.array([1.5, 3.0], "float32").reshape(1, 1, 2, 1)
    for index, expected in ((2, (0.25 + 1.0) / 2), (0, (2.25 + 9.0) / 2)):
        loss = adversarial.modality_loss(prediction, np.eye(4, dtype="float32")[[index]])
        np.testing.assert_allclose(loss, [expected], rtol=1e-6)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 5), (2, 3, 5, 4)])
def test_a_value_a_sample_in_float32_whatever_comes_in(shape):
    values = np.full(shape, 300.0, "float16")  # its square is no float16
    assert ops.convert_to_numpy(adversarial.per_sample(values)).tolist() == [300.0, 300.0]
    squared = adversarial.least_squares_fake_loss(values)
    assert squared.dtype == "float32" and ops.convert_to_numpy(squared).tolist() == [9e4, 9e4]
