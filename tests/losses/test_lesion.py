"""Lesion segmentation losses, against numbers worked out by hand."""

import numpy as np
import pytest

from tf_medsynth.losses import lesion
from tf_medsynth.types import MedSynthError

WEIGHTS = (0.5, 5.0, 25.0, 25.0, 25.0)
SURE = 200.0


def label(*rows: list[int]) -> np.ndarray:
    return np.array(rows, "int32")[None, ..., None]


def sure_of(classes: np.ndarray) -> np.ndarray:
    """Logits of a network that has no doubt."""
    return SURE * (2.0 * np.eye(5, dtype="float32")[classes[..., 0]] - 1.0)


def test_one_hot_label():
    hot = np.asarray(lesion.one_hot_label(label([0, 4, 2]), 5))
    assert hot.shape == (1, 1, 3, 5) and hot.dtype == np.float32
    assert hot[0, 0].argmax(-1).tolist() == [0, 4, 2] and hot.sum() == 3


def test_weighted_cross_entropy():
    known = label([0, 4])
    undecided = np.zeros((1, 1, 2, 5), "float32")
    expected = (0.5 + 25.0) / 2 * np.log(5.0)
    np.testing.assert_allclose(
        lesion.weighted_cross_entropy(known, undecided, WEIGHTS), [expected], rtol=1e-6
    )
    leaning = undecided.copy()
    leaning[..., 0] = np.log(6.0)  # 6 of 10 parts background, 1 of 10 each lesion
    expected = (0.5 * np.log(10 / 6) + 25.0 * np.log(10.0)) / 2
    np.testing.assert_allclose(lesion.weighted_cross_entropy(known, leaning, WEIGHTS), [expected], rtol=1e-6)


def test_weighted_label_error():
    known = label([0, 0])
    undecided = np.zeros((1, 1, 2, 5), "float32")
    np.testing.assert_allclose(
        lesion.weighted_label_error(known, undecided, WEIGHTS), [0.25 * sum(WEIGHTS)], rtol=1e-6
    )
    half_wrong = sure_of(label([0, 1]))  # one of two pixels is wrong in two channels
    np.testing.assert_allclose(
        lesion.weighted_label_error(known, half_wrong, WEIGHTS), [(0.5 + 5.0) / 2], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("known", "found", "expected"),
    [
        (label([0, 1], [1, 2]), label([0, 1], [1, 2]), 0.0),
        # whole lesion 1/4, class 1 1/3, class 2 1/2, with a pixel of smoothing each
        (label([0, 1], [1, 2]), label([0, 0], [0, 0]), 1 - 0.5 * (1 / 4 + 5 / 12)),
        # whole lesion found, class 1 (2 + 1) / (3 + 1), class 2 missed
        (label([0, 0], [1, 2]), label([0, 0], [1, 1]), 1 - 0.5 * (1 + (3 / 4 + 1 / 2) / 2)),
        (label([0, 0], [0, 0]), label([0, 0], [0, 0]), 0.0),
        # nothing to find and three pixels found: the whole lesion counts alone
        (label([0, 0], [0, 0]), label([0, 3], [3, 3]), 3 / 4),
    ],
)
def test_overlap_loss(known, found, expected):
    np.testing.assert_allclose(lesion.overlap_loss(known, sure_of(found)), [expected], atol=1e-6)


def test_samples_of_a_batch_do_not_mix():
    rng = np.random.default_rng(0)
    known = rng.integers(0, 5, (3, 4, 4, 1)).astype("int32")
    logits = rng.normal(size=(3, 4, 4, 5)).astype("float32")
    for loss in (
        lambda k, x: lesion.weighted_cross_entropy(k, x, WEIGHTS),
        lambda k, x: lesion.weighted_label_error(k, x, WEIGHTS),
        lesion.overlap_loss,
    ):
        alone = np.concatenate([loss(known[i : i + 1], logits[i : i + 1]) for i in range(3)])
        np.testing.assert_allclose(loss(known, logits), alone, rtol=1e-5)


def test_two_weights_serve_any_number_of_classes():
    assert lesion.class_weights((0.5, 2.0), 5, "x") == (0.5, 2.0, 2.0, 2.0, 2.0)
    assert lesion.class_weights((0.5, 2.0), 2, "x") == (0.5, 2.0)
    assert lesion.class_weights(WEIGHTS, 5, "x") == WEIGHTS
    with pytest.raises(MedSynthError, match=r"lesion.class_weights has a weight for each of 3 .* two values"):
        lesion.class_weights(WEIGHTS, 3, "lesion.class_weights")


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_classes_are_those_of_the_logits(classes):
    known = label([0, classes - 1])
    undecided = np.zeros((1, 1, 2, classes), "float32")
    weights = (1.0, *[3.0] * (classes - 1))
    wanted = 2.0 * np.log(classes)
    np.testing.assert_allclose(lesion.weighted_cross_entropy(known, undecided, weights), [wanted], rtol=1e-6)
    np.testing.assert_allclose(
        lesion.weighted_label_error(known, undecided, weights), [0.25 * sum(weights)], rtol=1e-6
    )
    sure = SURE * (2.0 * np.eye(classes, dtype="float32")[known[..., 0]] - 1.0)
    np.testing.assert_allclose(lesion.overlap_loss(known, sure), [0.0], atol=1e-6)
