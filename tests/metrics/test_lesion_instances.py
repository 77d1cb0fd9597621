"""Components counted by hand, and against scikit-image."""

import numpy as np
import pytest
from skimage import measure

from tf_medsynth.metrics.lesion_instances import centroid_distance, lesion_boxes, lesion_instances
from tf_medsynth.types import MedSynthError


def blobs(seed: int, slices: int = 6) -> np.ndarray:
    from scipy import ndimage

    noise = np.random.default_rng(seed).normal(size=(slices, 40, 40))
    return ndimage.gaussian_filter(noise, (0, 2, 2)) > 0.12


def test_missed_and_invented_by_hand():
    wanted, found = np.zeros((2, 20, 20), bool), np.zeros((2, 20, 20), bool)
    wanted[0, 2:6, 2:6] = True  # found in part
    wanted[0, 12:16, 12:16] = True  # missed
    wanted[1, 0, 0] = True  # one pixel: no lesion
    found[0, 5:8, 5:8] = True
    found[0, 2:5, 14:17] = True  # invented
    found[1, 10:13, 10:13] = True  # invented, on another slice
    counts = lesion_instances(found, wanted)
    assert counts["lesions"].tolist() == [2, 0]
    assert counts["missed"].tolist() == [1, 0]
    assert counts["hallucinated"].tolist() == [1, 1]


def test_surroundings_of_a_label_are_no_invention():
    wanted, found = np.zeros((1, 20, 20), bool), np.zeros((1, 20, 20), bool)
    wanted[0, 5:9, 5:9] = True
    found[0, 10:13, 5:9] = True  # one empty row between them
    assert lesion_instances(found, wanted, reach=2)["hallucinated"].tolist() == [0]
    assert lesion_instances(found, wanted, reach=1)["hallucinated"].tolist() == [1]


def test_counts_are_those_of_scikit_image():
    wanted, found = blobs(0), blobs(1)
    counts = lesion_instances(found, wanted, least_pixels=8, reach=0)
    for n in range(len(wanted)):
        for mask, other, name in ((wanted, found, "missed"), (found, wanted, "hallucinated")):
            regions = [r for r in measure.regionprops(measure.label(mask[n], connectivity=2)) if r.area >= 8]
            lost = [r for r in regions if not other[n][tuple(r.coords.T)].any()]
            assert counts[name][n] == len(lost)
            if name == "missed":
                assert counts["lesions"][n] == len(regions)


def test_centres_are_those_of_scikit_image():
    wanted, found = blobs(2), blobs(3)
    wanted[4], found[5] = False, False
    distance = centroid_distance(found, wanted)
    for n in range(4):
        centres = [measure.centroid(mask[n].astype(float)) for mask in (found, wanted)]
        assert distance[n] == pytest.approx(np.linalg.norm(np.subtract(*centres)))
    assert np.isnan(distance[4:]).all()


def test_shapes_are_checked():
    with pytest.raises(MedSynthError, match="one shape"):
        lesion_instances(np.zeros((1, 4, 4)), np.zeros((1, 4, 5)))


def test_boxes_are_scikit_images():
    mask, sure = blobs(5), np.random.default_rng(5).random((6, 40, 40))
    for plane, held, score in zip(mask, lesion_boxes(mask, sure), sure, strict=True):
        props = [p for p in measure.regionprops(measure.label(plane), score) if p.area >= 5]
        assert sorted(held.boxes) == sorted(p.bbox for p in props)
        np.testing.assert_allclose(sorted(held.scores), sorted(p.intensity_mean for p in props))
        assert held.classes == [1] * len(props)
    with pytest.raises(MedSynthError, match="of one shape"):
        lesion_boxes(mask, sure[0])
