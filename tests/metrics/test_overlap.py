import numpy as np
import pytest
from scipy.spatial.distance import dice as scipy_dissimilarity
from sklearn.metrics import jaccard_score

from tf_medsynth.metrics import overlap

LABEL = np.array([[[0, 1, 1], [2, 2, 0]], [[0, 0, 0], [0, 0, 0]]])
FOUND = np.array([[[0, 1, 2], [2, 0, 0]], [[4, 0, 0], [0, 0, 0]]])


def test_dice_by_hand_and_nan_for_absent_classes() -> None:
    nan = np.nan
    wanted = [[2 / 3, 2 / 4, nan, nan], [nan] * 4]
    np.testing.assert_allclose(overlap.dice_per_class(FOUND, LABEL, 5), wanted)
    np.testing.assert_allclose(overlap.whole_lesion_dice(FOUND, LABEL, 5), [6 / 7, nan])


def test_pooled_dice_by_hand_counts_finds_on_empty_slices() -> None:
    np.testing.assert_allclose(overlap.pooled_dice_per_class(FOUND, LABEL, 5), [2 / 3, 0.5, np.nan, np.nan])
    assert overlap.pooled_whole_lesion_dice(FOUND, LABEL, 5) == pytest.approx(6 / 8)


def test_dice_agrees_with_scipy_on_volumes() -> None:
    random = np.random.default_rng(1)
    found, label = random.integers(5, size=(2, 3, 4, 6, 5, 1))
    wanted = [
        [1 - scipy_dissimilarity((f == c).ravel(), (k == c).ravel()) for c in range(1, 5)]
        for f, k in zip(found, label, strict=True)
    ]
    np.testing.assert_allclose(overlap.dice_per_class(found, label, 5), wanted)


def test_a_missed_class_scores_zero_not_nan() -> None:
    assert overlap.dice_per_class(np.zeros_like(LABEL), LABEL, 5)[0, 0] == 0.0


def test_legacy_scores_by_hand() -> None:
    shared = 2 * (1 * 1 + 1 * 2 + 2 * 2) + 1e-5
    squares = (1 + 1 + 4 + 4) + (1 + 4 + 4) + 1e-5
    np.testing.assert_allclose(overlap.legacy_dice(FOUND, LABEL, 5), [shared / squares, 1e-5 / (16 + 1e-5)])
    np.testing.assert_allclose(overlap.legacy_mse(FOUND, LABEL, 5), [(1 + 4) / 6, 16 / 6])


def test_legacy_dice_of_two_empty_maps_is_one() -> None:
    empty = np.zeros((1, 2, 2), np.int32)
    assert overlap.legacy_dice(empty, empty, 5)[0] == 1.0


def test_iou_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(7)
    predicted, label = random.integers(0, 5, (2, 3, 12, 10))
    wanted = [jaccard_score(label[k].ravel(), predicted[k].ravel(), average=None)[1:] for k in range(3)]
    np.testing.assert_allclose(overlap.iou_per_class(predicted, label, 5), wanted)
    whole = [jaccard_score(label[k].ravel() > 0, predicted[k].ravel() > 0) for k in range(3)]
    np.testing.assert_allclose(overlap.whole_lesion_iou(predicted, label, 5), whole)
    assert np.isnan(overlap.whole_lesion_iou(predicted, 0 * label, 5)).all()
