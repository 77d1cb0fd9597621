from __future__ import annotations

import numpy as np
import pytest

from tf_medsynth.metrics.classification import area_under_curve
from tf_medsynth.metrics.membership import copy_threshold, membership_auc
from tf_medsynth.types import MedSynthError


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3])
def test_held_out_images_stay_below_the_threshold_no_oftener_than_asked(rate):
    heldout = np.random.default_rng(0).random(330)
    share = (heldout < copy_threshold(heldout, ["a"] * 330, rate)).mean()
    assert rate - 1 / 330 <= share <= rate
    patients = np.repeat(np.arange(11), 30)
    assert (heldout < copy_threshold(heldout, patients, rate)).mean() <= rate


def test_one_more_patient_lies_below_the_threshold_no_oftener_than_asked():
    below = []
    for seed in range(300):
        random = np.random.default_rng(seed)
        distances = np.exp(np.repeat(random.normal(-1, 0.3, 4), 25) + random.normal(0, 0.1, 100))
        threshold = copy_threshold(distances[:75], np.repeat([0, 1, 2], 25), 0.04)
        below.append((distances[75:] < threshold).mean())
    assert np.mean(below) <= 0.05


def test_few_held_out_images_give_their_least_distance():
    assert copy_threshold([0.4, 0.3, 0.5], ["a"] * 3, 0.01) == 0.3


def test_the_auc_is_the_chance_that_a_member_is_nearer():
    # Pairs (0.1, 0.2), (0.1, 0.3), (0.2, 0.2) counts half, (0.2, 0.3)
    found = membership_auc([0.1, 0.2], ["a", "a"], [0.2, 0.3], ["b", "c"])
    assert found.estimate == pytest.approx(3.5 / 4)
    assert np.isnan(found.low) and found.n == 3
    random = np.random.default_rng(1)
    members, others = random.random(60).round(1), random.random(40).round(1)
    found = membership_auc(members, np.arange(60) % 5, others, 10 + np.arange(40) % 4)
    scores = -np.concatenate([members, others])
    assert found.estimate == pytest.approx(area_under_curve(scores, np.arange(100) < 60))


def test_the_interval_redraws_patients_not_slices():
    random = np.random.default_rng(2)
    slices = random.random(200)
    many = membership_auc(slices[:100], np.arange(100), slices[100:], 100 + np.arange(100))
    assert many.low < 0.5 < many.high
    copied = [np.repeat(part, 20) for part in (slices[:10], slices[100:110])]
    names = np.repeat(np.arange(10), 20)
    few = membership_auc(copied[0], names, copied[1], 100 + names)
    assert few.high - few.low > 2 * (many.high - many.low)
    again = membership_auc(copied[0], names, copied[1], 100 + names)
    assert few == again


def test_the_bootstrap_covers_the_truth():
    inside = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        patients = np.repeat(np.arange(12), 8)
        draws = [np.repeat(random.normal(0, 1, 12), 8) + random.normal(0, 1, 96) for _ in range(2)]
        found = membership_auc(draws[0], patients, draws[1], 100 + patients, resamples=300)
        inside += found.low <= 0.5 <= found.high
    assert inside >= 50


def test_bad_sets_are_refused():
    with pytest.raises(MedSynthError, match=r"both in training and held out.*\['b'\]"):
        membership_auc([0.1, 0.2], ["a", "b"], [0.3], ["b"])
    with pytest.raises(MedSynthError, match="needs its patient"):
        membership_auc([0.1, 0.2], ["a"], [0.3], ["b"])
    with pytest.raises(MedSynthError, match="finite"):
        copy_threshold([0.1, np.nan], ["a", "b"], 0.1)
    with pytest.raises(MedSynthError, match="between 0 and 1"):
        copy_threshold([0.1], ["a"], 0.0)
