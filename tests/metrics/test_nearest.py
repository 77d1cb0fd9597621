"""Nearest neighbours against a slow twin in SciPy, and what the distance must not depend on."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import cdist

from tf_medsynth.metrics.descriptors import BAND, LEAST_WIDTH, describe
from tf_medsynth.metrics.nearest import SHIFT, ImageIndex, nearest_features
from tf_medsynth.types import MedSynthError

SIZE = (40, 32)


def pictures(count: int, seed: int = 0, modalities: int = 2) -> np.ndarray:
    """Smooth random pictures that fade to black towards their frame."""
    noise = np.random.default_rng(seed).random((count, *SIZE, modalities))
    smooth = ndimage.gaussian_filter(noise, (0, 1.5, 1.5, 0))
    smooth = np.clip(0.5 + 0.25 * (smooth - smooth.mean()) / smooth.std(), 0, 1)
    rows, columns = (np.sin(np.pi * (np.arange(side) - 6) / (side - 13)) for side in SIZE)
    window = np.clip(rows, 0, 1)[:, None] * np.clip(columns, 0, 1)
    window[[0, 1, 2, 3, 4, 5, -6, -5, -4, -3, -2, -1]] = 0
    window[:, [0, 1, 2, 3, 4, 5, -6, -5, -4, -3, -2, -1]] = 0
    return (window[..., None] * smooth).astype(np.float32)


def moved(images: np.ndarray, flip: bool, dy: int, dx: int) -> np.ndarray:
    view = images[:, :, ::-1] if flip else images
    return np.roll(view, (dy, dx), (1, 2))


def slow_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The definition, in float64: every displacement, mirrored and not."""

    def direction(image: np.ndarray) -> np.ndarray:
        sigma = LEAST_WIDTH
        low, lower = (
            ndimage.gaussian_filter(image.astype(np.float64), (s, s, 0), mode="nearest", truncate=6)
            for s in (sigma, BAND * sigma)
        )
        band = low - lower
        return band / np.sqrt(np.square(band).sum((0, 1)) * image.shape[2])

    still = np.pad(direction(second), ((SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)))
    views = (direction(view) for view in (first, first[:, ::-1]))
    best = 0.0
    for view, dy, dx in itertools.product(views, *[range(2 * SHIFT + 1)] * 2):
        best = max(best, (still[dy : dy + SIZE[0], dx : dx + SIZE[1]] * view).sum())
    return 1 - best


def test_the_neighbours_are_those_of_the_slow_definition():
    reference, queries = pictures(6), pictures(4, seed=9)
    queries[0] = 0.3 * queries[0] + 0.7 * moved(reference[4:5], True, 2, -1)[0]
    found = ImageIndex.of(reference).nearest(queries, candidates=6)
    slow = np.array([[slow_distance(query, image) for image in reference] for query in queries])
    assert found.nearest.tolist() == slow.argmin(1).tolist() and found.nearest[0] == 4
    np.testing.assert_allclose(found.distance, slow.min(1), atol=0.02)


@pytest.mark.parametrize(("flip", "dy", "dx"), [(False, 0, 0), (True, 0, 3), (True, -2, 1), (False, 3, -3)])
def test_a_mirrored_and_moved_copy_is_found_with_its_displacement(flip, dy, dx):
    reference = pictures(20)
    found = ImageIndex.of(reference).nearest(moved(reference, flip, dy, dx))
    assert found.nearest.tolist() == list(range(20))
    assert found.distance.max() < 0.01
    assert found.flipped.tolist() == [flip] * 20
    # The mirrored query is moved back, so columns are counted from the other side.
    assert np.unique(found.shift, axis=0).tolist() == [[-dy, dx if flip else -dx]]


def test_others_stay_far_and_noise_and_contrast_do_not():
    reference, random = pictures(20), np.random.default_rng(1)
    index = ImageIndex.of(reference)
    noisy = np.clip(0.8 * reference + 0.1 + random.normal(0, 0.03, reference.shape), 0, 1)
    assert index.nearest(noisy.astype(np.float32)).distance.max() < 0.1
    assert index.nearest(pictures(20, seed=5)).distance.min() > 0.2


def test_a_distance_is_the_same_to_the_bit_in_any_block():
    index, queries = ImageIndex.of(pictures(37)), pictures(40, seed=3)
    together = index.nearest(queries)
    alone = [index.nearest(queries[k : k + 1]) for k in range(40)]
    for name in ("distance", "nearest", "flipped", "shift"):
        expected = np.concatenate([getattr(one, name) for one in alone])
        np.testing.assert_array_equal(getattr(together, name), expected)


def test_descriptors_are_short_enough_for_exact_sums():
    sharp = (np.random.default_rng(0).random((1, 240, 240, 4)) > 0.99).astype(np.float32)
    for images in (sharp, pictures(2)):
        described = describe(images)
        assert described.length.max() < 4096
        squares = np.square(described.fine.astype(np.int64)).sum((1, 2, 3))
        np.testing.assert_array_equal(described.length, np.sqrt(squares))


def test_groups_are_kept_apart():
    images, groups = pictures(9), np.arange(9) % 3
    index = ImageIndex.of(images)
    apart = index.nearest_described(index.fine[[4, 5]], apart=(groups[[4, 5]], groups))
    for row, own in enumerate((1, 2)):
        others = np.flatnonzero(groups != own)
        alone = ImageIndex.of(images[others]).nearest(images[[4 + row]])
        assert apart.distance[row] == pytest.approx(alone.distance[0], abs=1e-12)
        assert apart.nearest[row] == others[alone.nearest[0]]
    with pytest.raises(MedSynthError, match="there must be two"):
        index.nearest_described(index.fine, apart=(np.zeros(9), np.zeros(9)))


def test_an_image_that_shows_nothing_is_no_copy():
    reference = pictures(5)
    index = ImageIndex.of(reference)
    blank = index.nearest(np.full((1, *SIZE, 2), 0.5, np.float32))
    assert blank.distance.tolist() == [1.0]
    half = reference.copy()
    half[..., 1] = 0.0
    only_first = ImageIndex.of(half).nearest(half)
    assert only_first.nearest.tolist() == list(range(5)) and only_first.distance.max() < 1e-9


def test_features_are_those_of_scipy_with_the_nearest_view():
    random = np.random.default_rng(2)
    reference, views = random.normal(size=(50, 7)), random.normal(size=(2, 70, 7))
    distance, index = nearest_features(views, reference)
    slow = np.stack([cdist(view, reference) for view in views]).min(0)
    np.testing.assert_allclose(distance, slow.min(1), rtol=1e-9)
    np.testing.assert_array_equal(index, slow.argmin(1))
    assert nearest_features(reference[3:5], reference)[0].tolist() == [0.0, 0.0]


def test_what_cannot_be_compared_is_refused():
    index = ImageIndex.of(pictures(3))
    with pytest.raises(MedSynthError, match="one size"):
        index.nearest(np.zeros((1, 32, 32, 2), np.float32))
    with pytest.raises(MedSynthError, match="at least 1 image"):
        index.nearest(np.zeros((0, *SIZE, 2), np.float32))
    with pytest.raises(MedSynthError, match=r"lie in \[0, 1\]"):
        index.nearest(np.full((1, *SIZE, 2), 7.0, np.float32))
    with pytest.raises(MedSynthError, match="rows of one length"):
        nearest_features(np.zeros((3, 4)), np.zeros((3, 5)))
