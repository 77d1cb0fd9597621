import functools

import numpy as np
import pytest

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.evaluation.lesion import lesion_agreement
from tf_medsynth.types import MedSynthError

LABEL = np.zeros((4, 8, 8, 1), np.int32)
LABEL[0, :4, :4], LABEL[1, :2, :2], LABEL[2, 4:, 4:] = 2, 2, 4
FOUND = LABEL.copy()
FOUND[0, :2] = 0  # half missed: 2 * 8 / (8 + 16) = 2/3
FOUND[3, 0, 0] = 1  # found on an empty label
PATIENTS = np.array(["a", "a", "b", "b"])

agreement_of = functools.partial(lesion_agreement, classes=BRAIN_MRI.label.classes)


def test_three_ways_to_average_by_hand() -> None:
    whole = agreement_of(FOUND, LABEL, PATIENTS)["whole_lesion"]
    assert whole["per_slice"] == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert whole["pooled"] == pytest.approx(2 * 28 / (29 + 36))
    assert whole["by_patient"] == pytest.approx({"a": 2 * 12 / (12 + 20), "b": 2 * 16 / (17 + 16)})
    assert whole["per_patient"] == pytest.approx(np.mean(list(whole["by_patient"].values())))
    assert (whole["slices"], whole["share_at_least_0.9"]) == (3, pytest.approx(2 / 3))
    assert whole["interval"][0] <= whole["per_slice"] <= whole["interval"][1]


def test_classes_leave_out_labels_without_them() -> None:
    classes = agreement_of(FOUND, LABEL, PATIENTS)["classes"]
    assert classes["oedema"]["per_slice"] == pytest.approx((2 / 3 + 1) / 2)
    assert classes["enhancing"]["slices"] == 1
    assert np.isnan(classes["necrosis"]["per_slice"])


def test_finds_on_empty_labels_are_reported_apart() -> None:
    agreement = agreement_of(FOUND, LABEL)
    assert (agreement["empty_labels"], agreement["hallucinated"]) == (1, 1.0)
    assert agreement["whole_lesion"]["interval"] is None
    assert agreement_of(LABEL, LABEL)["hallucinated"] == 0.0


def test_score_stands_beside_the_real_ceiling() -> None:
    real = agreement_of(FOUND, LABEL, PATIENTS)
    synthetic = agreement_of(LABEL, LABEL, real_ceiling=real)
    assert synthetic["real_ceiling"]["whole_lesion"]["pooled"] == real["whole_lesion"]["pooled"]
    assert synthetic["of_ceiling"]["per_slice"] == pytest.approx(1 / real["whole_lesion"]["per_slice"])


def test_further_measures_are_means_over_slices_with_a_lesion() -> None:
    """Slice 0: a strip of 4 x 2 px is missed, so the far rim lies 2 px off; slices 1 and 2 are right."""
    agreement = agreement_of(FOUND, LABEL, probability=(FOUND > 0).astype(float))
    assert agreement["whole_lesion"]["iou"]["per_slice"] == pytest.approx((1 / 2 + 1 + 1) / 3)
    measures = agreement["measures"]
    assert measures["hd95_px"] == pytest.approx(2 / 3) and measures["surface_dice_at_2_px"] == 1.0
    assert measures["sensitivity"] == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert (measures["specificity"], measures["missed"]) == (1.0, 0.0)
    assert "measures" not in agreement_of(FOUND, LABEL)
    nothing = agreement_of(0 * LABEL, LABEL, probability=0.0 * LABEL)["measures"]
    assert nothing["missed"] == 1.0 and np.isnan(nothing["hd95_px"])


def test_all_labels_empty_gives_no_score() -> None:
    agreement = agreement_of(0 * LABEL, 0 * LABEL, PATIENTS)
    assert np.isnan(agreement["whole_lesion"]["pooled"])
    assert agreement["whole_lesion"]["interval"] is None


def test_patients_must_fit() -> None:
    with pytest.raises(MedSynthError, match="its patient"):
        agreement_of(FOUND, LABEL, PATIENTS[:3])
