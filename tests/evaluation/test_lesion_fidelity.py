"""Lesion fidelity: hand-made answers with known errors, on both sides."""

import json

import numpy as np
import pytest

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.evaluation.lesion_fidelity import MEASURES, lesion_fidelity, sample_scores
from tf_medsynth.metrics.overlap import dice_per_class, whole_lesion_dice
from tf_medsynth.runtime import json_text
from tf_medsynth.types import MedSynthError

CLASSES = BRAIN_MRI.label.classes
RNG = np.random.default_rng(0)


def squares(count: int, seed: int = 0) -> np.ndarray:
    """Labels of one square of 8 x 8 oedema with a 4 x 4 core of class 4."""
    labels = np.zeros((count, 32, 32), np.uint8)
    for n, (row, column) in enumerate(np.random.default_rng(seed).integers(6, 18, (count, 2))):
        labels[n, row : row + 8, column : column + 8] = 2
        labels[n, row + 2 : row + 6, column + 2 : column + 6] = 4
    return labels


REAL = squares(12, 1)
PATIENTS = np.repeat(["a", "b", "c", "d"], 3)
JUDGES = np.repeat([0, 1, 0, 1], 3)


def shifted(label: np.ndarray, columns: int) -> np.ndarray:
    return np.roll(label, columns, axis=2)


def fidelity(found, label, real_found=REAL, **options):
    return lesion_fidelity(
        found, label, real_found, REAL, PATIENTS, JUDGES, classes=CLASSES, resamples=200, **options
    )


def test_scores_of_a_slice_are_those_of_the_metrics():
    label, found = squares(5), np.where(RNG.random((5, 32, 32)) < 0.3, 2, squares(5))
    scores = sample_scores(found, label, CLASSES)
    np.testing.assert_allclose(scores["whole_lesion"]["dice"], whole_lesion_dice(found, label, 5))
    by_class = dice_per_class(found, label, 5)
    for column, group in enumerate(CLASSES[1:]):
        np.testing.assert_allclose(scores[group]["dice"], by_class[:, column])


def test_a_shift_is_measured_in_pixels_and_dice():
    label = squares(6)
    answer = fidelity(np.stack([shifted(label, 2), shifted(label, 4)]), label)
    whole = answer["groups"]["whole_lesion"]
    assert whole["centroid_px"]["synthetic"]["estimate"] == pytest.approx(3.0)
    assert whole["dice"]["synthetic"]["estimate"] == pytest.approx((6 / 8 + 4 / 8) / 2)
    assert whole["dice"]["real"]["estimate"] == 1.0
    assert whole["dice"]["difference"]["estimate"] == pytest.approx(0.625 - 1)
    assert whole["dice"]["ratio"]["estimate"] == pytest.approx(0.625)
    assert answer["verdict"] == "below_real"
    assert [judge["synthetic"]["dice"] for judge in answer["by_judge"]] == pytest.approx([0.75, 0.5])


def test_area_missed_and_hallucinated_by_hand():
    label = squares(4)
    found = label.copy()
    found[0] = 0  # missed
    found[1, 0:3, 29:32] = 2  # invented
    found[2][label[2] == 4] = 0  # area 48 instead of 64, class 4 missed
    empty = np.concatenate([label, np.zeros((2, 32, 32), np.uint8)])
    seen = np.concatenate([found, np.zeros((2, 32, 32), np.uint8)])
    seen[5, 4:8, 4:8] = 1  # on an empty label
    groups = fidelity(seen[None].repeat(2, 0), empty)["groups"]
    whole = {name: facts["synthetic"]["estimate"] for name, facts in groups["whole_lesion"].items()}
    assert whole["area_error"] == pytest.approx((64 + 9 + 16) / 256)
    assert whole["area_bias"] == pytest.approx((-64 + 9 - 16) / 256)
    assert (whole["missed_lesions"], whole["missed_slices"]) == (0.25, 0.25)
    assert (whole["hallucinated_lesions"], whole["hallucinated_slices"]) == (0.25, 0.5)
    assert groups["enhancing"]["missed_lesions"]["synthetic"]["estimate"] == 0.5
    assert np.isnan(groups["non_enhancing"]["dice"]["synthetic"]["estimate"])


def test_easier_lesions_are_no_praise_and_equals_are_not_told_apart():
    label = squares(6)
    poor = np.stack([shifted(slice_[None], n % 3)[0] for n, slice_ in enumerate(REAL)])
    assert fidelity(label[None].repeat(2, 0), label, real_found=poor)["verdict"] == "above_real"
    same = np.stack([shifted(slice_[None], n % 3)[0] for n, slice_ in enumerate(label)])
    assert fidelity(same[None].repeat(2, 0), label, real_found=poor)["verdict"] == "as_real"


def test_every_measure_is_there_as_json_and_a_row_a_sample():
    label = squares(6)
    answer = fidelity(np.stack([label, shifted(label, 1)]), label)
    held = json.loads(json_text(answer))
    assert set(held["groups"]) == {"whole_lesion", *CLASSES[1:]}
    assert all(set(facts) == set(MEASURES) for facts in held["groups"].values())
    assert len(held["rows"]) == 6 and held["rows"][0]["dice"] == pytest.approx((1 + 7 / 8) / 2)
    assert held["counts"] == {"judges": 2, "samples": 6, "real_slices": 12, "real_patients": 4}


def test_what_does_not_fit_is_refused():
    label = squares(2)
    with pytest.raises(MedSynthError, match="each judge answers"):
        fidelity(label, label)
    with pytest.raises(MedSynthError, match="at least 2 real patients"):
        lesion_fidelity(label[None], label, REAL, REAL, ["a"] * 12, [0] * 12, classes=CLASSES)
    with pytest.raises(MedSynthError, match="codes 0 to 4"):
        fidelity(label[None].repeat(2, 0) + 3, label)
    with pytest.raises(MedSynthError, match="numbered below"):
        fidelity(label[None], label)
