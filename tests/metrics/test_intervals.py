import numpy as np
import pytest
from scipy import stats

from tf_medsynth.metrics.intervals import patient_interval, seed_interval
from tf_medsynth.types import MedSynthError


def test_seed_interval_by_the_table_and_scipy() -> None:
    interval = seed_interval([1.0, 2.0, 3.0])
    half = 4.302653 / np.sqrt(3)
    assert interval == pytest.approx((2.0, 2 - half, 2 + half, 3), abs=1e-6)
    values = np.random.default_rng(0).random(7)
    wanted = stats.ttest_1samp(values, 0.0).confidence_interval(0.9)
    assert seed_interval(values, 0.9)[1:3] == pytest.approx((wanted.low, wanted.high))


def test_one_seed_or_one_patient_has_no_interval() -> None:
    for interval in (seed_interval([0.5]), patient_interval([0.5, 0.5], ["a", "a"])):
        assert interval.estimate == 0.5
        assert interval.n == 1
        assert np.isnan([interval.low, interval.high]).all()


def test_patient_interval_agrees_with_scipy_when_each_patient_has_one_value() -> None:
    values = np.random.default_rng(0).normal(size=40)
    ours = patient_interval(values, np.arange(40), resamples=4000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=1)
    assert ours[1:3] == pytest.approx(tuple(theirs.confidence_interval), abs=0.03)


def test_slices_of_a_patient_do_not_add_certainty() -> None:
    values, patients = np.array([0.1, 0.5, 0.9]), np.array(["a", "b", "c"])
    once = patient_interval(values, patients, seed=3)
    assert patient_interval(np.repeat(values, 50), np.repeat(patients, 50), seed=3)[1:3] == pytest.approx(
        once[1:3]
    )


def test_the_draws_are_named_by_the_seed() -> None:
    values, patients = np.arange(6.0) ** 2, np.arange(6)
    assert patient_interval(values, patients, seed=1) == patient_interval(values, patients, seed=1)
    assert patient_interval(values, patients, resamples=50, seed=1) != patient_interval(
        values, patients, resamples=50, seed=2
    )


def test_unknown_values_are_refused() -> None:
    with pytest.raises(MedSynthError, match="finite"):
        patient_interval([0.5, np.nan], ["a", "b"])
    with pytest.raises(MedSynthError, match="its patient"):
        patient_interval([0.5, 1.0], ["a"])
