from __future__ import annotations

import numpy as np
import pytest

from tf_medsynth.metrics.lesion_crop import lesion_crops
from tf_medsynth.types import MedSynthError


def squares(*corners: tuple[int, int]) -> np.ndarray:
    label = np.zeros((len(corners), 60, 48), np.uint8)
    for one, (top, left) in zip(label, corners, strict=True):
        one[top : top + 4, left : left + 4] = 2
    return label


def test_the_crop_holds_the_lesion_in_its_middle():
    label = squares((20, 10), (40, 30))
    images = np.repeat((label > 0)[..., None].astype(np.float32), 2, -1)
    crops = lesion_crops(images, label)
    assert crops.images.shape == (2, 20, 20, 2)
    expected = np.zeros((20, 20))
    expected[8:12, 8:12] = 1
    for crop in crops.images:
        np.testing.assert_array_equal(crop[..., 0], expected)


def test_a_lesion_at_the_edge_is_padded_and_a_tiny_one_left_out():
    label = squares((0, 44), (30, 20), (10, 10))
    label[1] = 0
    label[1, 5, 5] = 1
    crops = lesion_crops(np.ones((3, 60, 48, 1), np.float32), label[..., None])
    assert crops.rows.tolist() == [0, 2]
    assert crops.images[0].sum() == 12 * 12  # the rest of the square lies outside
    assert crops.images[1].all()


def test_a_label_of_another_size_is_refused():
    with pytest.raises(MedSynthError, match="needs its lesion label"):
        lesion_crops(np.zeros((2, 50, 48, 1), np.float32), squares((0, 0), (1, 1)))
