"""Vessel scores against counts by hand."""

import numpy as np
import pytest

from tf_medsynth.metrics.vessels import vessel_scores
from tf_medsynth.types import MedSynthError

LABEL = np.array([[[1, 1, 0], [0, 0, 1]]])
FIELD = np.array([[[1, 1, 1], [1, 1, 0]]])
PROBABILITY = np.array([[[0.9, 0.3, 0.6], [0.1, 0.2, 0.0]]])


def test_by_hand():
    """In the field: vessels 0.9 and 0.3, others 0.6, 0.1, 0.2; 5 of 6 pairs are in order."""
    scores = vessel_scores(PROBABILITY, LABEL, FIELD)
    assert scores == pytest.approx(
        {"sensitivity": 1 / 2, "specificity": 2 / 3, "accuracy": 3 / 5, "auc": 5 / 6}
    )


def test_what_lies_outside_of_the_field_does_not_count():
    other = np.where(FIELD == 1, PROBABILITY, 1.0)
    assert vessel_scores(other, LABEL, FIELD) == vessel_scores(PROBABILITY, LABEL, FIELD)


def test_a_last_axis_of_one_is_the_same():
    four = (array[..., np.newaxis] for array in (PROBABILITY, LABEL, FIELD))
    assert vessel_scores(*four) == vessel_scores(PROBABILITY, LABEL, FIELD)


def test_the_threshold_moves_all_but_the_area():
    low = vessel_scores(PROBABILITY, LABEL, FIELD, threshold=0.3)
    assert (low["sensitivity"], low["specificity"]) == pytest.approx((1.0, 2 / 3))
    assert low["auc"] == pytest.approx(5 / 6)


def test_without_a_vessel_there_is_neither_sensitivity_nor_area():
    scores = vessel_scores(PROBABILITY, 0 * LABEL, FIELD)
    assert np.isnan(scores["sensitivity"]) and np.isnan(scores["auc"])
    assert scores["specificity"] == pytest.approx(3 / 5)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ((PROBABILITY[0], LABEL, FIELD), "have shape"),
        ((PROBABILITY * np.nan, LABEL, FIELD), "finite"),
        ((PROBABILITY, 2 * LABEL, FIELD), "label must hold only 0 and 1"),
        ((PROBABILITY, LABEL[:, :1], FIELD), "must fit"),
        ((PROBABILITY, LABEL, 0 * FIELD), "holds a pixel"),
    ],
)
def test_what_is_refused(wrong, rule):
    with pytest.raises(MedSynthError, match=rule):
        vessel_scores(*wrong)
