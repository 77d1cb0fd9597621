"""Measured shifts against shifts that were put there."""

import itertools
import math

import numpy as np
import pytest
from scipy import ndimage

from tf_medsynth.imaging.registration import (
    edge_directions,
    pairwise_shifts,
    subpixel_shift,
    worst_local_shift,
)
from tf_medsynth.types import MedSynthError

rng = np.random.default_rng(6)


def phantom(shape=(96, 96)):
    """Smooth texture inside a disc, with black around it."""
    radius = np.hypot(*(np.indices(shape) - (np.array(shape) - 1)[:, None, None] / 2))
    texture = ndimage.gaussian_filter(rng.random(shape), 3)
    return (1 + 8 * (texture - texture.mean())) * (radius < 0.4 * min(shape))


@pytest.mark.parametrize("shift", [(0.1, 0.0), (-0.35, 0.6), (1.5, -2.25), (5.0, 4.3)])
def test_a_known_shift_comes_back_with_its_sign(shift):
    image = phantom()
    moved = ndimage.shift(image, shift, order=3)
    np.testing.assert_allclose(subpixel_shift(image, moved), shift, atol=0.1)
    np.testing.assert_allclose(subpixel_shift(image, 3 - 2 * moved), shift, atol=0.1)  # other contrast


def test_volumes_have_three_shifts():
    volume = np.stack([phantom((48, 48)) for _ in range(12)])
    moved = np.roll(volume, (1, -2, 3), axis=(0, 1, 2))
    np.testing.assert_allclose(subpixel_shift(volume, moved), (1, -2, 3), atol=0.02)


def test_an_image_without_edges_has_no_position():
    assert all(map(math.isnan, subpixel_shift(phantom(), np.full((96, 96), 0.37))))
    assert not edge_directions(np.full((96, 96), 1e6)).any()
    assert math.isnan(worst_local_shift(np.zeros((96, 96)), phantom()).magnitude)


def test_directions_ignore_brightness_and_sign():
    image = phantom()
    found = edge_directions(image)
    np.testing.assert_allclose(edge_directions(3 * image + 5), found * 3**0.5, atol=1e-3 * found.max())
    np.testing.assert_allclose(edge_directions(-image), found, atol=1e-6)
    turned = edge_directions(np.rot90(image))
    # The trace is gone: what ran down now runs across, and the diagonal components change places.
    np.testing.assert_allclose(turned[0], -np.rot90(found[0]), atol=1e-4 * found.max())


def test_all_pairs_at_once_are_the_pairs_one_by_one():
    image = phantom((40, 60))
    stack = np.stack([image, np.roll(image, (2, -1), (0, 1)), 1 - image, np.zeros_like(image)], axis=-1)
    found = pairwise_shifts(stack)
    assert found.shape == (6, 2)
    for row, (a, b) in zip(found, itertools.combinations(range(4), 2), strict=True):
        np.testing.assert_array_equal(row, subpixel_shift(stack[..., a], stack[..., b]))
    np.testing.assert_allclose(found[0], (2, -1), atol=0.05)
    assert np.isnan(found[[2, 4, 5]]).all()


def test_a_local_warp_is_found_where_it_is():
    image = phantom((128, 128))
    warped = image.copy()
    warped[64:, 64:] = ndimage.shift(image, (3, -2), order=1)[64:, 64:]
    assert worst_local_shift(image, image).magnitude == 0
    found = worst_local_shift(image, warped, patch=48, stride=16)
    np.testing.assert_allclose(found.shift, (3, -2), atol=0.5)
    assert found.centre is not None and min(found.centre) > 64


def test_wrong_pairs_are_refused():
    with pytest.raises(MedSynthError, match="one shape"):
        subpixel_shift(np.zeros((8, 8)), np.zeros((8, 9)))
    with pytest.raises(MedSynthError, match="finite"):
        subpixel_shift(np.full((8, 8), np.nan), np.zeros((8, 8)))
    with pytest.raises(MedSynthError, match="patch"):
        worst_local_shift(np.zeros((32, 32)), np.zeros((32, 32)), patch=64)
