"""The contour filter on drawn rings."""

import numpy as np
import pytest
from scipy import ndimage

from tf_medsynth.config.imaging import ContourConfig
from tf_medsynth.imaging.contour import closed, contour_error, contour_mask
from tf_medsynth.types import MedSynthError


def ring(gap=0):
    """A ring with inner radius 12 and outer radius 14, open over `gap` px, and its disc's complement."""
    rows, columns = np.mgrid[:48, :40] - np.array([24, 20])[:, None, None]
    distance = np.hypot(rows, columns)
    lines = ((distance >= 12) & (distance < 14)).astype(np.float32)
    lines[24 : 24 + gap, 20:] = 0
    return lines[None, ..., None], (distance >= 14).astype(np.float32)[None, ..., None]


def test_a_closed_ring_is_filled_like_scipy_does():
    lines, outside = ring()
    mask = contour_mask(lines, blur=False)
    np.testing.assert_array_equal(mask[0, ..., 0], ~ndimage.binary_fill_holes(lines[0, ..., 0]))
    np.testing.assert_array_equal(mask, outside)
    np.testing.assert_array_equal(contour_error(lines, outside, blur=False), [0.0])


def test_the_blur_grows_the_outline_by_one_pixel_and_closes_small_gaps():
    lines, _ = ring(gap=2)
    thick = ndimage.binary_dilation(lines[0, ..., 0], np.ones((3, 3)))
    np.testing.assert_array_equal(contour_mask(lines)[0, ..., 0], ~ndimage.binary_fill_holes(thick))
    assert contour_mask(lines).sum() < contour_mask(lines, blur=False).sum()


def test_an_open_ring_fails_and_a_closed_one_passes():
    lines, outside = ring()
    opened, _ = ring(gap=6)
    assert contour_error(lines, outside)[0] > 0.05  # the blur's px: masks must be expanded
    expanded = ndimage.binary_erosion(outside, np.ones((1, 3, 3, 1)), border_value=1)
    both = np.concatenate([lines, opened]), np.concatenate([expanded, expanded])
    np.testing.assert_array_equal(closed(*both, ContourConfig()), [True, False])
    assert contour_error(*both)[1] > 0.15


def test_an_empty_map_and_an_empty_batch():
    assert contour_mask(np.zeros((1, 8, 8, 1))).all()
    assert contour_error(np.zeros((0, 8, 8, 1)), np.zeros((0, 8, 8, 1))).shape == (0,)


@pytest.mark.parametrize(
    ("lines", "mask", "message"),
    [
        (np.full((1, 8, 8, 1), 0.5), np.zeros((1, 8, 8, 1)), "0 and 1 only"),
        (np.zeros((1, 8, 8, 2)), np.zeros((1, 8, 8, 1)), r"\(B, H, W, 1\)"),
        (np.zeros((1, 8, 8, 1)), np.zeros((1, 8, 9, 1)), "one shape"),
    ],
)
def test_wrong_arrays_are_refused(lines, mask, message):
    with pytest.raises(MedSynthError, match=message):
        contour_error(lines, mask)
