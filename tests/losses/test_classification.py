"""Losses of one class an image, against numbers worked out by hand."""

import numpy as np

from tf_medsynth.losses import classification

LABEL = np.array([0, 2], np.int32)
UNDECIDED = np.zeros((2, 3), np.float32)


def test_undecided_scores():
    cross = classification.class_cross_entropy(LABEL, UNDECIDED, (1.0, 1.0, 2.0))
    np.testing.assert_allclose(cross, [np.log(3), 2 * np.log(3)], rtol=1e-6)
    np.testing.assert_allclose(classification.class_error(LABEL, UNDECIDED), [0.25, 0.25])
    np.testing.assert_allclose(classification.class_probability(LABEL, UNDECIDED), [1 / 3, 1 / 3])


def test_leaning_scores():
    logits = np.log([[2.0, 1.0, 1.0], [1.0, 1.0, 8.0]]).astype(np.float32)
    cross = classification.class_cross_entropy(LABEL, logits, (1.0, 1.0, 1.0))
    np.testing.assert_allclose(cross, [np.log(2), np.log(10 / 8)], rtol=1e-6)
    np.testing.assert_allclose(classification.class_probability(LABEL, logits), [0.5, 0.8])
    # sigmoid(ln a) = a / (1 + a)
    wanted = [(1 / 9 + 1 / 4 + 1 / 4) / 3, (1 / 4 + 1 / 4 + 1 / 81) / 3]
    np.testing.assert_allclose(classification.class_error(LABEL, logits), wanted, rtol=1e-5)


def test_patches_count_by_their_mean_score():
    patches = np.zeros((2, 1, 2, 3), np.float32)
    patches[:, 0, 0, 0] = 2 * np.log(2)
    np.testing.assert_allclose(classification.class_scores(patches)[0], [np.log(2), 0, 0], rtol=1e-6)
    np.testing.assert_allclose(classification.class_probability(LABEL, patches), [0.5, 0.25], rtol=1e-6)
