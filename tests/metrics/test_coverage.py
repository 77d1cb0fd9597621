import json

import numpy as np
import pytest
from scipy import ndimage

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.metrics.coverage import PLACES, SIZES, Coverage, describe_lesion, regions_of
from tf_medsynth.types import MedSynthError

CLASSES = BRAIN_MRI.label.classes
REGIONS = regions_of(CLASSES)


def test_description_agrees_with_scipy() -> None:
    label = np.zeros((12, 18), np.uint8)
    label[2:5, 3:9], label[3, 4:6] = 2, 4
    told = describe_lesion(label, CLASSES)
    assert told["lesion_pixels"] == {
        "whole": 18,
        "necrosis": 0,
        "oedema": 16,
        "non_enhancing": 0,
        "enhancing": 2,
    }
    row, column = ndimage.center_of_mass(label == 2)
    assert told["lesion_centroid"]["oedema"] == pytest.approx(
        [(row + 0.5) / 12, (column + 0.5) / 18], abs=1e-4
    )
    assert "necrosis" not in told["lesion_centroid"]


def test_each_label_lands_in_its_cell() -> None:
    labels = np.zeros((3, 30, 30, 1), np.int32)
    labels[0, 0:3, 27:30] = 1  # 9 of 900 pixels: exactly 1 %, the upper bin's bound
    labels[1, 14, 14] = 3  # 0.11 %
    counts = Coverage.of_labels(labels, CLASSES).counts
    assert counts.sum() == 4
    for region in ("whole", "necrosis"):
        assert counts[REGIONS.index(region), SIZES.index("1-2%"), PLACES.index("top right")] == 1
    assert counts[REGIONS.index("non_enhancing"), SIZES.index("<0.2%"), PLACES.index("middle centre")] == 1


def test_a_selection_loses_cells_and_says_which() -> None:
    labels = np.zeros((2, 30, 30), np.int32)
    labels[0, 0, 0], labels[1, 29, 29] = 1, 1
    before, after = Coverage.of_labels(labels, CLASSES), Coverage.of_labels(labels[:1], CLASSES)
    assert (before.occupied(), after.occupied(), after.share_of(before)) == (4, 2, 0.5)
    lost = [c for c in after.changes_from(before) if c.after == 0]
    assert {(c.region, c.place) for c in lost} == {("whole", "bottom right"), ("necrosis", "bottom right")}


def test_dictionary_survives_json() -> None:
    coverage = Coverage.of_labels(np.random.default_rng(0).integers(5, size=(4, 10, 10)), CLASSES)
    back = Coverage.from_dict((10, 10), json.loads(json.dumps(coverage.to_dict())), CLASSES)
    assert np.array_equal(back.counts, coverage.counts)


def test_empty_set_covers_nothing_and_unknown_cells_are_refused() -> None:
    empty = Coverage((4, 4), CLASSES)
    assert empty.occupied() == 0
    assert empty.share_of(empty) is None
    assert empty.to_dict() == {}
    with pytest.raises(MedSynthError, match="unknown cell"):
        Coverage.from_dict((4, 4), {"whole": {"huge": {"top left": 1}}}, CLASSES)


def test_one_class_of_structures_is_a_region_beside_the_whole() -> None:
    coverage = Coverage.of_labels(np.ones((1, 6, 6), np.uint8), ("background", "vessel"))
    assert coverage.regions == ("whole", "vessel")
    assert coverage.to_dict()["vessel"] == {">=10%": {"middle centre": 1}}
