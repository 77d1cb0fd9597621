import itertools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tf_medsynth.metrics.diversity import pair_similarity, random_pairs
from tf_medsynth.metrics.ms_ssim import multiscale_similarity
from tf_medsynth.types import MedSynthError

RANDOM = np.random.default_rng(0)
IMAGES = gaussian_filter(RANDOM.random((12, 24, 24, 1)), (0, 1, 1, 0)).astype(np.float32)


def test_all_pairs_of_a_small_set_are_the_plain_mean() -> None:
    found = pair_similarity(IMAGES[:5], count=1000)
    every = [multiscale_similarity(IMAGES[a][None], IMAGES[b][None])[0] for a, b in
             itertools.combinations(range(5), 2)]  # fmt: skip
    assert len(found.pairs) == 10
    np.testing.assert_allclose(found.scores.mean(), np.mean(every), atol=1e-5)


@pytest.mark.parametrize("count", [7, 40])
def test_pairs_are_different_of_different_groups_and_repeat_by_seed(count) -> None:
    groups = np.repeat(np.arange(10), 6)
    pairs = random_pairs(groups, count, seed=3)
    assert len({tuple(p) for p in pairs}) == count
    assert (pairs[:, 0] < pairs[:, 1]).all() and (groups[pairs[:, 0]] != groups[pairs[:, 1]]).all()
    np.testing.assert_array_equal(pairs, random_pairs(groups, count, seed=3))
    assert not np.array_equal(pairs, random_pairs(groups, count, seed=4))


def test_every_pair_is_as_likely() -> None:
    """60 images, 300 of 1770 pairs, many seeds: each image turns up about 10 times."""
    seen = np.bincount(
        np.concatenate([random_pairs(np.arange(60), 300, s).ravel() for s in range(40)]), minlength=60
    )
    assert abs(seen / 400 - 1).max() < 0.2


def test_a_set_that_repeats_itself_is_more_alike() -> None:
    same = np.clip(IMAGES[:1] + 0.01 * RANDOM.normal(size=IMAGES.shape), 0, 1).astype(np.float32)
    assert pair_similarity(same).scores.mean() > 0.9 > pair_similarity(IMAGES).scores.mean() + 0.3


def test_too_few_are_told() -> None:
    with pytest.raises(MedSynthError, match="2 groups"):
        pair_similarity(IMAGES[:1])
    with pytest.raises(MedSynthError, match="2 groups"):
        pair_similarity(IMAGES, groups=np.zeros(12))
    with pytest.raises(MedSynthError, match="its group"):
        pair_similarity(IMAGES, groups=[1, 2])
