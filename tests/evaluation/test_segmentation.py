"""Measures of a segmentor against hand-computed numbers and established libraries."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, jaccard_score, roc_auc_score

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.evaluation.segmentation import (
    box_detection,
    case_scores,
    measure_names,
    patient_scores,
    slice_detection,
)

CLASSES = BRAIN_MRI.label.classes
RNG = np.random.default_rng(0)
LABEL = np.zeros((4, 16, 16), np.int32)
LABEL[1, 2:8, 2:8], LABEL[2, 4:10, 4:10] = 2, 4
FOUND = np.zeros_like(LABEL)
FOUND[1, 2:8, 3:9], FOUND[3, 12:15, 12:15] = 2, 1  # one px to the right; missed whole; invented
SURE = np.where(FOUND > 0, 0.9, 0.05).astype(np.float32)


def test_slices_by_hand() -> None:
    """Slice 1: the lesion lies one px aside; slice 2: it is missed; slices 0 and 3 have none."""
    scores = case_scores(FOUND, SURE, LABEL)
    np.testing.assert_array_equal(scores["hd95_px"], [np.nan, 1.0, np.nan, np.nan])
    np.testing.assert_array_equal(scores["surface_dice_at_2_px"], [np.nan, 1.0, 0.0, np.nan])
    np.testing.assert_allclose(scores["sensitivity"], [np.nan, 30 / 36, 0.0, np.nan])
    np.testing.assert_allclose(scores["specificity"], [np.nan, 214 / 220, 1.0, np.nan])
    np.testing.assert_allclose(scores["accuracy"], [np.nan, 244 / 256, 220 / 256, np.nan])


def test_a_volume_is_scored_in_millimetres() -> None:
    scores = patient_scores(FOUND, SURE, LABEL, CLASSES, (5.0, 1.0, 3.0))
    assert tuple(sorted(scores)) == tuple(sorted(measure_names("mm", CLASSES)))
    assert scores["whole_lesion"] == pytest.approx(2 * 30 / (45 + 72))
    assert scores["oedema_iou"] == pytest.approx(30 / 42) and scores["enhancing"] == 0.0
    one = np.zeros((3, 8, 8), np.int32)
    one[1, 2:5, 2:5] = 1
    moved = patient_scores(np.roll(one, 1, axis=2), one.astype(float), one, CLASSES, (5.0, 1.0, 3.0))
    assert moved["hd95_mm"] == pytest.approx(3.0)  # a column is 3 mm, the slices' 5 mm play no part
    assert moved["auc"] == 1.0


def test_pixels_and_overlap_are_scikit_learns() -> None:
    label, found = RNG.integers(0, 5, (1, 12, 12)), RNG.integers(0, 5, (1, 12, 12))
    sure = RNG.random((1, 12, 12))
    scores = patient_scores(found, sure, label, CLASSES)
    true, seen = label.ravel() > 0, found.ravel() > 0
    (right_out, wrong_in), (wrong_out, right_in) = confusion_matrix(true, seen)
    assert scores["sensitivity"] == pytest.approx(right_in / (right_in + wrong_out))
    assert scores["specificity"] == pytest.approx(right_out / (right_out + wrong_in))
    assert scores["auc"] == pytest.approx(roc_auc_score(true, sure.ravel()))
    wanted = jaccard_score(label.ravel(), found.ravel(), average=None, labels=[1, 2, 3, 4])
    got = [scores[f"{name}_iou"] for name in ("necrosis", "oedema", "non_enhancing", "enhancing")]
    np.testing.assert_allclose(got, wanted)


def test_slices_with_a_lesion_are_told_from_those_without() -> None:
    """Slices 1 and 2 have one, 1 and 3 are called so; mean probabilities rank 1, 3, then 0 and 2 alike."""
    told = slice_detection(FOUND, SURE, LABEL)
    assert (told["slice_sensitivity"], told["slice_specificity"], told["slice_accuracy"]) == (0.5, 0.5, 0.5)
    assert told["slice_auc"] == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    assert np.isnan(slice_detection(FOUND, SURE, np.ones_like(LABEL))["slice_auc"])


def test_boxes_by_hand() -> None:
    """A hit of IoU 30 / 42 and a false alarm, for two lesions: which of both is surer decides."""
    invented = np.arange(4)[:, None, None] == 3
    found = box_detection(FOUND, np.where(invented, 0.8, SURE), LABEL)
    assert found["box_map"] == pytest.approx(0.5) and found["box_iou"] == pytest.approx(30 / 42 / 2)
    assert box_detection(FOUND, np.where(invented, 0.95, SURE), LABEL)["box_map"] == pytest.approx(0.25)


def test_nothing_there_gives_no_score() -> None:
    empty = patient_scores(FOUND, SURE, 0 * LABEL, CLASSES, (1.0, 1.0, 1.0))
    told = {name for name, value in empty.items() if not np.isnan(value)}
    assert told == {"legacy_dice", "legacy_mse"}
