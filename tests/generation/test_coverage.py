from __future__ import annotations

import numpy as np
from scipy import ndimage

from tests.generation.analytic import lesion
from tf_medsynth.generation.coverage import Coverage, describe_lesion


def test_pixels_and_centroids_are_those_of_scipy():
    label = lesion(32, 10, 21, 4)
    described = describe_lesion(label)
    for name, inside in {"whole": label > 0, "oedema": label == 2, "enhancing": label == 4}.items():
        assert described["lesion_pixels"][name] == inside.sum()
        centre = (np.array(ndimage.center_of_mass(inside)) + 0.5) / 32
        np.testing.assert_allclose(described["lesion_centroid"][name], centre, atol=1e-4)
    assert described["lesion_pixels"]["non_enhancing"] == 0
    assert "non_enhancing" not in described["lesion_centroid"]


def test_a_lesion_is_counted_in_its_cell():
    label = np.zeros((10, 10), np.int32)
    label[8, 0:2] = 3  # 2 % of the pixels, bottom left
    coverage = Coverage((10, 10))
    coverage.add(describe_lesion(label))
    assert coverage.to_dict() == {
        "whole": {"2-5%": {"bottom left": 1}},
        "non_enhancing": {"2-5%": {"bottom left": 1}},
    }


def test_corners_of_the_image_have_a_place():
    coverage = Coverage((6, 6))
    for corner in ((0, 0), (0, 5), (5, 0), (5, 5)):
        label = np.zeros((6, 6), np.int32)
        label[corner] = 1
        coverage.add(describe_lesion(label))
    assert set(coverage.to_dict()["whole"]["2-5%"]) == {
        "top left",
        "top right",
        "bottom left",
        "bottom right",
    }


def test_an_empty_label_is_no_cell():
    coverage = Coverage((8, 8))
    coverage.add(describe_lesion(np.zeros((8, 8), np.int32)))
    assert coverage.occupied() == 0


def test_share_of_another_table_and_round_trip():
    all_labels, some = Coverage((32, 32)), Coverage((32, 32))
    for row in (5, 16, 27):
        all_labels.add(describe_lesion(lesion(32, row, 16, 3)))
    some.add(describe_lesion(lesion(32, 5, 16, 3)))
    assert some.share_of(all_labels) == 1 / 3
    assert all_labels.share_of(some) == 1
    assert some.share_of(Coverage((32, 32))) is None
    assert Coverage.from_dict((32, 32), all_labels.to_dict()).to_dict() == all_labels.to_dict()
