import numpy as np
import pytest
from scipy import stats

from tf_medsynth.metrics.classification import area_under_curve, binary_accuracy
from tf_medsynth.types import MedSynthError


def test_auc_counts_pairs_and_half_for_ties() -> None:
    assert area_under_curve([0.1, 0.4, 0.4, 0.9], [0, 0, 1, 1]) == pytest.approx(3.5 / 4)


def test_auc_agrees_with_mann_whitney() -> None:
    random = np.random.default_rng(0)
    scores, positive = random.integers(20, size=200) / 20, random.integers(2, size=200).astype(bool)
    u = stats.mannwhitneyu(scores[positive], scores[~positive]).statistic
    assert area_under_curve(scores, positive) == pytest.approx(u / (positive.sum() * (~positive).sum()))


def test_auc_of_one_class_is_unknown() -> None:
    assert np.isnan(area_under_curve([0.1, 0.2], [1, 1]))


def test_accuracy_by_hand() -> None:
    assert binary_accuracy([0.2, 0.5, 0.7, 0.1], [0, 1, 0, 1]) == 0.5


def test_scores_must_be_finite_and_fit() -> None:
    for scores in ([0.5], [0.5, np.nan]):
        with pytest.raises(MedSynthError, match="one finite score"):
            area_under_curve(scores, [0, 1])
