"""One class an image: constant planes, no place, a frame as its picture."""

import numpy as np
import pytest

from tf_medsynth.imaging.labels.plane import ClassPlane
from tf_medsynth.types import MedSynthError

KIND = ClassPlane(("normal", "bacterial", "viral"))
LABEL = np.array([0, 2], np.int32)


def test_planes_are_constant():
    planes = np.asarray(KIND.planes(LABEL, 4, 3))
    assert planes.shape == (2, 4, 3, 3)
    np.testing.assert_array_equal(planes, np.broadcast_to(np.eye(3)[LABEL][:, None, None], planes.shape))


def test_it_lies_nowhere_fits_everywhere_and_erases_nothing():
    outside = np.ones((2, 4, 3, 1), np.float32)
    np.testing.assert_array_equal(KIND.fits(outside, LABEL), [True, True])
    np.testing.assert_array_equal(KIND.erase(outside, LABEL), outside)
    np.testing.assert_array_equal(KIND.shown(LABEL), [True, True])


def test_coverage_counts_the_image_under_its_class():
    told = KIND.describe(LABEL[1], 4, 3)
    assert told["lesion_pixels"] == {"normal": 0, "bacterial": 0, "viral": 12}
    assert told["lesion_centroid"] == {"viral": [0.5, 0.5]}


def test_every_class_has_its_frame():
    normal, viral = KIND.pictures(LABEL, 16, 16, np.full((2, 16, 16), 0.5))
    np.testing.assert_array_equal(normal[0], [KIND.colours["normal"]] * 16)
    np.testing.assert_array_equal(viral[:, -1], [KIND.colours["viral"]] * 16)
    np.testing.assert_array_equal(viral[1:-1, 1:-1], np.full((14, 14, 3), 102))
    with pytest.raises(MedSynthError, match="codes 0 to 2"):
        KIND.pictures(LABEL + 1, 16, 16)
