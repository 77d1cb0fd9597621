"""Without a label nothing is given, erased or shown."""

import numpy as np

from tf_medsynth.imaging.labels.none import NoLabel

KIND = NoLabel(())
LABEL = np.zeros((2, 0), np.int32)


def test_the_generator_gets_no_plane_and_the_map_stays():
    assert KIND.planes(LABEL, 4, 3).shape == (2, 4, 3, 0) and KIND.num_planes == 0
    lines = np.ones((2, 4, 3, 1), np.float32)
    np.testing.assert_array_equal(KIND.erase(lines, LABEL), lines)


def test_it_fits_everywhere_and_shows_nothing():
    mask = np.ones((2, 4, 3, 1), np.float32)
    np.testing.assert_array_equal(KIND.fits(mask, LABEL), [True, True])
    np.testing.assert_array_equal(KIND.shown(LABEL), [False, False])
    assert KIND.feature(4, 3) is None and KIND.pictures(LABEL, 4, 3) == [] and KIND.regions == ()
    assert KIND.describe(LABEL[0], 4, 3) == {"lesion_pixels": {}, "lesion_centroid": {}}
