import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import recall_score, roc_auc_score

from tf_medsynth.metrics.classification import area_under_curve, binary_accuracy, sensitivity, specificity
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


def test_sensitivity_and_specificity_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(5)
    truth = random.random(80) < 0.4
    scores = np.clip(0.5 * random.random(80) + 0.4 * truth, 0, 1)
    called = scores >= 0.5
    assert sensitivity(scores, truth) == pytest.approx(recall_score(truth, called))
    assert specificity(scores, truth) == pytest.approx(recall_score(~truth, ~called))
    assert area_under_curve(scores, truth) == pytest.approx(roc_auc_score(truth, scores))
    assert np.isnan(sensitivity(scores, 0 * truth))
    assert np.isnan(specificity(scores, np.ones(80)))
