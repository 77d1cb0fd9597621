"""Ratios of sums: against the interval of means over patients, and against sums by hand."""

import numpy as np
import pytest

from tf_medsynth.metrics.bootstrap import interval_of, ratio_replicates
from tf_medsynth.metrics.intervals import patient_interval
from tf_medsynth.types import MedSynthError

RNG = np.random.default_rng(0)
PATIENTS = np.repeat(["a", "b", "c", "d", "e"], [3, 7, 2, 5, 4])
VALUES = RNG.random(len(PATIENTS))


def test_a_mean_has_the_interval_of_the_patient_bootstrap():
    ones = np.ones((len(VALUES), 1))
    estimate, replicates = ratio_replicates(VALUES[:, None], ones, PATIENTS, seed=3)
    wanted = patient_interval(VALUES, PATIENTS, seed=3)
    got = interval_of(estimate[0], replicates[:, 0], 5)
    assert tuple(got) == pytest.approx(tuple(wanted))


def test_pooled_ratio_by_hand():
    estimate, replicates = ratio_replicates([[1.0], [3.0]], [[2.0], [4.0]], ["a", "b"], resamples=200)
    assert estimate[0] == pytest.approx(4 / 6)
    # two patients: both once, or one of them twice
    assert {round(x, 6) for x in replicates[:, 0]} == {round(4 / 6, 6), 0.5, 0.75}


def test_what_is_never_defined_is_unknown():
    estimate, replicates = ratio_replicates(np.zeros((3, 1)), np.zeros((3, 1)), list("abc"), 10)
    assert np.isnan(estimate[0]) and np.isnan(interval_of(estimate[0], replicates[:, 0], 3).low)


def test_one_unit_has_no_interval():
    estimate, replicates = ratio_replicates(np.ones((3, 1)), np.ones((3, 1)), ["a"] * 3, 10)
    interval = interval_of(estimate[0], replicates[:, 0], 1)
    assert interval.estimate == 1.0 and np.isnan(interval.low) and interval.n == 1


def test_shapes_and_values_are_checked():
    with pytest.raises(MedSynthError, match="unit for each row"):
        ratio_replicates(np.ones((3, 1)), np.ones((3, 1)), ["a"])
    with pytest.raises(MedSynthError, match="finite"):
        ratio_replicates([[np.nan]], [[1.0]], ["a"])
