import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tf_medsynth.evaluation.realism import real_or_synthetic
from tf_medsynth.types import MedSynthError

RANDOM = np.random.default_rng(0)
REAL = gaussian_filter(RANDOM.random((48, 24, 24, 2), np.float32), (0, 0.7, 0.7, 0))
PATIENTS = np.repeat(np.arange(8), 6)


def test_softness_is_noticed_on_patients_not_seen() -> None:
    soft = gaussian_filter(REAL, (0, 0.8, 0.8, 0))
    told = real_or_synthetic(REAL, PATIENTS, soft, PATIENTS, steps=60)
    assert told["auc"] > 0.95
    assert (told["test_patients"], told["test_images"], told["training_images"]) == (4, 48, 48)
    assert told["accuracy"] == pytest.approx((told["accuracy_real"] + told["accuracy_synthetic"]) / 2)


def test_the_same_distribution_is_not_told_apart_and_seeds_repeat() -> None:
    other = gaussian_filter(RANDOM.random((60, 24, 24, 2), np.float32), (0, 0.7, 0.7, 0))
    told = real_or_synthetic(REAL, PATIENTS, other, seed=3, steps=15)
    assert 0.2 < told["auc"] < 0.8
    assert told == real_or_synthetic(REAL, PATIENTS, other, seed=3, steps=15)


def test_a_patient_and_what_was_drawn_from_it_stay_in_one_half() -> None:
    # Copies cannot be told from their originals; were a patient's split, they would be called wrong.
    told = real_or_synthetic(REAL, PATIENTS, REAL.copy(), PATIENTS, steps=5)
    assert told["auc"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"real_patients": np.zeros(48)}, "2 patients"),
        ({"synthetic": REAL[:, :20]}, "one size"),
        ({"synthetic_groups": [1, 2]}, "its patient or group"),
        ({"steps": 0}, "steps"),
    ],
)
def test_sets_that_cannot_be_split_are_refused(change: dict, rule: str) -> None:
    with pytest.raises(MedSynthError, match=rule):
        real_or_synthetic(**({"real": REAL, "real_patients": PATIENTS, "synthetic": REAL} | change))
