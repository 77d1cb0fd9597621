import numpy as np
import pytest
from scipy import linalg, stats
from sklearn.metrics.pairwise import polynomial_kernel

from tf_medsynth.metrics.distribution import frechet_distance, kernel_distance
from tf_medsynth.types import MedSynthError

RANDOM = np.random.default_rng(0)
ONE = RANDOM.normal(size=(60, 5)) @ RANDOM.normal(size=(5, 5))
TWO = RANDOM.normal(size=(50, 5)) + 0.5


def unbiased(one: np.ndarray, two: np.ndarray) -> float:
    """The formula with whole matrices, by scikit-learn's kernel."""
    xx, yy, xy = (polynomial_kernel(*p, degree=3, coef0=1) for p in ((one, one), (two, two), (one, two)))
    n, m = len(one), len(two)
    own = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(own - 2 * xy.mean())


def test_frechet_agrees_with_the_matrix_root_of_scipy() -> None:
    first, second = np.cov(ONE, rowvar=False), np.cov(TWO, rowvar=False)
    root = linalg.sqrtm(first @ second).real
    wanted = ((ONE.mean(0) - TWO.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root)
    assert frechet_distance(ONE, TWO) == pytest.approx(wanted)
    assert frechet_distance(ONE, ONE) == pytest.approx(0.0, abs=1e-9)


def test_frechet_of_one_feature_by_hand() -> None:
    """(0 - 3)^2 + (1 - 2)^2 for means 0 and 3, deviations 1 and 2."""
    base = np.array([[-1.0], [1.0], [-1.0], [1.0]]) * np.sqrt(3 / 4)
    assert frechet_distance(base, 2 * base + 3) == pytest.approx(10.0)


def test_kernel_distance_is_the_unbiased_formula() -> None:
    found = kernel_distance(ONE, TWO)
    assert found.estimate == pytest.approx(unbiased(ONE, TWO))
    assert found.low < found.estimate < found.high and found.n == 50


def test_kernel_distance_is_what_random_subsets_tend_to() -> None:
    draws = [unbiased(ONE[RANDOM.permutation(60)[:25]], TWO[RANDOM.permutation(50)[:25]]) for _ in range(400)]
    error = np.std(draws) / np.sqrt(len(draws))
    assert abs(np.mean(draws) - kernel_distance(ONE, TWO).estimate) < 4 * error


def test_the_interval_leaves_out_whole_groups() -> None:
    """Jackknife by hand: the distance again without each patient, and without each sample."""
    patients = np.repeat(np.arange(6), 10)
    without_patient = np.array([unbiased(ONE[patients != p], TWO) for p in range(6)])
    without_sample = np.array([unbiased(ONE, np.delete(TWO, k, axis=0)) for k in range(50)])
    variance = sum(
        (len(v) - 1) / len(v) * ((v - v.mean()) ** 2).sum() for v in (without_patient, without_sample)
    )
    half = stats.t.ppf(0.975, 5) * np.sqrt(variance)
    found = kernel_distance(ONE, TWO, patients)
    assert found.high - found.estimate == pytest.approx(half)
    assert found.estimate - found.low == pytest.approx(half)
    assert np.isnan(kernel_distance(ONE, TWO, np.zeros(60)).low)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Means of many distances of the same two laws are the truth, the estimate being unbiased."""
    found = [
        kernel_distance(RANDOM.normal(size=(40, 2)), RANDOM.normal(size=(40, 2)) + 0.7) for _ in range(150)
    ]
    truth = np.mean([f.estimate for f in found])
    held = np.mean([f.low <= truth <= f.high for f in found])
    assert 0.85 <= held <= 0.995


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: frechet_distance(ONE[:5], TWO), "more samples than features"),
        (lambda: frechet_distance(ONE, TWO[:, :3]), "one extractor"),
        (lambda: kernel_distance(ONE[:1], TWO), "too few samples"),
        (lambda: kernel_distance(ONE * np.nan, TWO), "finite"),
        (lambda: kernel_distance(ONE[0], TWO), r"\(n, d\)"),
        (lambda: kernel_distance(ONE, TWO, [1, 2]), "its group"),
    ],
)
def test_bad_input_is_told(call, rule) -> None:
    with pytest.raises(MedSynthError, match=rule):
        call()
