"""Measured shifts against shifts that were put there."""

import itertools
import math

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from tf_medsynth.imaging.registration import edge_map, subpixel_shift, worst_local_shift
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
    np.testing.assert_allclose(subpixel_shift(volume, moved, upsample_factor=4), (1, -2, 3), atol=0.3)


def test_an_image_without_edges_has_no_position():
    assert all(map(math.isnan, subpixel_shift(phantom(), np.full((96, 96), 0.37))))
    assert not edge_map(np.full((96, 96), 1e6)).any()
    assert math.isnan(worst_local_shift(np.zeros((96, 96)), phantom()).magnitude)


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


def test_real_modalities_are_registered_and_a_known_shift_between_them_is_found(real_data):
    folder = real_data / "brats" / "BraTS2021_00495"
    volumes = [
        nibabel.load(folder / f"{folder.name}_{m}.nii.gz").dataobj for m in ("t1", "t2", "t1ce", "flair")
    ]
    own, errors = [], []
    for level in (60, 90):
        slices = [np.asarray(volume[:, :, level], np.float64) for volume in volumes]
        for first, second in itertools.combinations(slices, 2):
            own.append(math.hypot(*subpixel_shift(first, second)))
            put = rng.uniform(-5, 5, 2)
            found = subpixel_shift(first, ndimage.shift(second, put, order=3))
            errors.append(math.hypot(*(np.array(found) - put)))
    assert np.median(own) <= 0.3 and max(own) <= 1.0
    assert np.median(errors) <= 0.3 and max(errors) <= 1.0
