import numpy as np
import pytest
from scipy.spatial.distance import cdist
from skimage.metrics import hausdorff_distance
from skimage.segmentation import find_boundaries

from tf_medsynth.metrics.surface import hausdorff_95, surface_dice, surface_distances
from tf_medsynth.types import MedSynthError

RANDOM = np.random.default_rng(0)


def square(top: int, left: int, side: int = 6) -> np.ndarray:
    region = np.zeros((24, 24), bool)
    region[top : top + side, left : left + side] = True
    return region


def blobs(seed: int) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.random.default_rng(seed).normal(size=(3, 24, 20)), (0, 2, 2)) > 0.05


def test_a_shifted_square_by_hand() -> None:
    """Moved by 3 px along an axis: no surface pixel is further than 3, and 14 of 20 are 3 or 0 away."""
    found = surface_distances(square(4, 4), square(4, 7))
    assert found.from_predicted.max() == 3.0 and len(found.from_predicted) == 20
    assert hausdorff_95(square(4, 4)[None], square(4, 7)[None])[0] == 3.0
    assert surface_dice(square(4, 4)[None], square(4, 7)[None], 3.0)[0] == 1.0
    assert surface_dice(square(4, 4)[None], square(4, 4)[None], 0.0)[0] == 1.0


def test_distances_agree_with_every_pair_of_boundary_points() -> None:
    spacing = (0.5, 2.0)
    for found, wanted in zip(blobs(1), blobs(2), strict=True):
        points = [
            np.argwhere(find_boundaries(np.pad(r, 1), mode="inner", connectivity=1)) * spacing
            for r in (found, wanted)
        ]
        pairs = cdist(*points)
        got = surface_distances(found, wanted, spacing)
        np.testing.assert_allclose(np.sort(got.from_predicted), np.sort(pairs.min(axis=1)))
        np.testing.assert_allclose(np.sort(got.from_label), np.sort(pairs.min(axis=0)))
        worst = max(np.percentile(pairs.min(axis=1), 95), np.percentile(pairs.min(axis=0), 95))
        assert hausdorff_95(found[None], wanted[None], spacing)[0] == pytest.approx(worst)
        near = (pairs.min(axis=1) <= 1).sum() + (pairs.min(axis=0) <= 1).sum()
        share = near / sum(pairs.shape)
        assert surface_dice(found[None], wanted[None], 1.0, spacing)[0] == pytest.approx(share)


def test_the_largest_distance_is_scikit_images() -> None:
    found, wanted = blobs(3)[0], blobs(4)[0]
    got = surface_distances(found, wanted)
    inner = [find_boundaries(np.pad(r, 1), mode="inner", connectivity=1) for r in (found, wanted)]
    assert max(map(np.max, got)) == pytest.approx(hausdorff_distance(*inner))


def test_empty_regions() -> None:
    empty = np.zeros((1, 24, 24), bool)
    full = square(4, 4)[None]
    assert np.isnan(hausdorff_95(full, empty)[0]) and np.isnan(surface_dice(full, empty, 1.0)[0])
    assert np.isposinf(hausdorff_95(empty, full)[0])
    assert surface_dice(empty, full, 1.0)[0] == 0.0


def test_a_volume_in_millimetres() -> None:
    region = np.zeros((1, 8, 8, 8), bool)
    region[0, 2:5, 2:5, 2:5] = True
    moved = np.roll(region, 1, axis=1)
    assert hausdorff_95(region, moved, (3.0, 1.0, 1.0))[0] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: hausdorff_95(square(1, 1), square(1, 1)), "one shape"),
        (lambda: hausdorff_95(2 * square(1, 1)[None].astype(int), square(1, 1)[None]), "only 0 and 1"),
        (lambda: surface_dice(square(1, 1)[None], square(1, 1)[None], -1.0), "tolerance"),
        (lambda: hausdorff_95(square(1, 1)[None], square(1, 1)[None], (1.0,)), "spacing"),
    ],
)
def test_bad_input_is_told(call, rule) -> None:
    with pytest.raises(MedSynthError, match=rule):
        call()
