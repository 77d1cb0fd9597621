import numpy as np
import pytest

from tf_medsynth.evaluation.distribution import distribution_quality
from tf_medsynth.metrics.distribution import frechet_distance, kernel_distance
from tf_medsynth.types import MedSynthError

RANDOM = np.random.default_rng(0)
REAL, PATIENTS = RANDOM.normal(size=(120, 4)), np.repeat([f"p{k}" for k in range(6)], 20)
VALUES = ("frechet", "kernel", "precision", "recall", "density", "coverage")


def test_the_same_law_is_near_the_floor_and_another_is_far() -> None:
    same = distribution_quality(REAL, PATIENTS, RANDOM.normal(size=(90, 4)))
    far = distribution_quality(REAL, PATIENTS, RANDOM.normal(size=(90, 4)) + 3)
    assert same["n"] == far["n"] == 60
    assert same["frechet"]["value"] < 3 * same["frechet"]["floor"] < far["frechet"]["value"]
    low, high = same["kernel"]["interval"]
    assert low < 0 < high and far["kernel"]["interval"][0] > 1
    assert far["precision"]["value"] == 0 < same["precision"]["value"]
    assert all(set(same[name]) >= {"value", "floor"} for name in VALUES)


def test_values_are_the_metrics_at_n_and_the_floor_keeps_patients_apart() -> None:
    """Each real half is given a place of its own: the floor sees two places, whichever halves are drawn."""
    real = REAL[:40] + np.where(PATIENTS[:40] == "p0", 10.0, 0.0)[:, None]
    found = distribution_quality(real, PATIENTS[:40], REAL[100:])
    assert found["n"] == 20 and found["patients"] == 2
    halves = real[:20], real[20:]
    assert found["frechet"]["floor"] == pytest.approx(frechet_distance(*halves))
    assert found["kernel"]["floor"] == pytest.approx(kernel_distance(*halves).estimate)
    assert np.isnan(found["kernel"]["floor_interval"]).all()


def test_too_few_images_for_the_features_say_so() -> None:
    wide = RANDOM.normal(size=(120, 100))
    found = distribution_quality(wide, PATIENTS, wide[:80])
    assert np.isnan(found["frechet"]["value"]) and "60 images for 100 features" in found["frechet"]["why"]
    assert np.isfinite(found["kernel"]["value"])


def test_seeds_repeat() -> None:
    assert distribution_quality(REAL, PATIENTS, REAL, seed=3) == distribution_quality(
        REAL, PATIENTS, REAL, seed=3
    )


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"patients": np.zeros(120)}, "2 patients"),
        ({"patients": ["a"]}, "its patient"),
        ({"synthetic": REAL[:5]}, "more images than neighbours"),
        ({"synthetic": REAL[:, :3]}, "one extractor"),
    ],
)
def test_bad_input_is_told(change, rule) -> None:
    with pytest.raises(MedSynthError, match=rule):
        distribution_quality(**({"real": REAL, "patients": PATIENTS, "synthetic": REAL} | change))
