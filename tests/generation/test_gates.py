from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tests.generation.analytic import lesion
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.generation import GenerationConfig, LesionGate
from tf_medsynth.generation import gates
from tf_medsynth.types import MedSynthError

MODALITIES, CLASSES = BRAIN_MRI.modalities, BRAIN_MRI.label.classes


def test_dice_by_hand():
    wanted = np.array([1, 1, 1, 0, 0], bool)
    predicted = np.array([0, 1, 1, 1, 0], bool)
    assert gates.dice(predicted, wanted) == 2 * 2 / (3 + 3)
    assert gates.dice(np.zeros(5, bool), wanted) == 0
    assert gates.dice(np.zeros(5, bool), np.zeros(5, bool)) is None


def test_lesion_scores_are_means_over_the_guides():
    label = np.array([[1, 1, 2, 0]])
    guides = np.stack([label, [[1, 0, 0, 0]], [[2, 2, 1, 0]], [[0, 0, 0, 4]]], axis=-1)
    scores = gates.lesion_scores(guides, label, MODALITIES, CLASSES)
    assert scores["lesion_dice_by_modality"] == {"T1": 1, "T2": 0.5, "T1c": 1, "Flair": 0}
    assert scores["lesion_dice"] == 0.625
    # Necrosis: 1, 2 * 1 / 3, 0, 0. Oedema: 1, 0, 0, 0. The others are not in the label.
    assert scores["lesion_dice_by_class"] == {"necrosis": round((1 + 2 / 3) / 4, 6), "oedema": 0.25}


@pytest.mark.parametrize(("pixels", "failures"), [(0, []), (7, []), (8, ["lesion_found"])])
def test_an_empty_label_passes_where_the_guides_find_nothing(pixels, failures):
    empty, found = np.zeros((4, 4), np.int32), np.zeros((4, 4, 4), np.int32)
    found.reshape(16, 4)[:pixels, 0] = 2  # in one of four guides
    scores = gates.lesion_scores(found, empty, MODALITIES, CLASSES)
    assert scores["lesion_dice"] is None and scores["lesion_found_px"] == pixels / 4
    assert gates.lesion_failures(scores, {}, LesionGate(1.0, 1.0, class_pixels=2)) == failures


@pytest.mark.parametrize(
    ("gate", "failures"),
    [
        (LesionGate(0.8, 0.5), []),
        (LesionGate(0.81, 0.5), ["lesion_whole"]),
        (LesionGate(0.8, 0.51), ["lesion_class"]),
        (LesionGate(0.81, 0.51), ["lesion_whole", "lesion_class"]),
        (LesionGate(0.8, 0.51, class_pixels=4), []),
    ],
)
def test_lesion_gate_judges_whole_and_classes(gate, failures):
    scores = {"lesion_dice": 0.8, "lesion_dice_by_class": {"necrosis": 0.5, "oedema": 0.9}}
    assert gates.lesion_failures(scores, {"necrosis": 3, "oedema": 40}, gate) == failures


def test_worst_pair_of_modalities_is_found():
    generator = np.random.default_rng(0)
    image = ndimage.gaussian_filter(generator.random((48, 48)), 3)
    moved = ndimage.shift(image, (0.6, -0.8), order=3, mode="wrap")
    scores = gates.registration_scores(np.stack([image, 1 - image, moved, image], axis=-1), MODALITIES)
    assert "T1c" in scores["registration_pair"]
    assert scores["registration_shift_px"] == pytest.approx(1.0, abs=0.15)
    assert gates.registration_passes(scores, GenerationConfig(registration_px=1.2))
    assert not gates.registration_passes(scores, GenerationConfig(registration_px=0.8))


def test_a_constant_image_has_no_position_and_fails():
    images = np.stack([lesion().astype(np.float32)] * 3 + [np.full((32, 32), 0.5, np.float32)], axis=-1)
    scores = gates.registration_scores(images, MODALITIES)
    assert scores["registration_shift_px"] is None
    assert not gates.registration_passes(scores, GenerationConfig(registration_px=100.0))


def test_one_modality_has_nothing_to_register_and_no_gate():
    scores = gates.registration_scores(np.random.default_rng(0).random((32, 32, 3)), ("fundus",))
    assert scores == {"registration_shift_px": None, "registration_pair": None}
    assert gates.reasons_for(MODALITIES) == gates.REASONS
    assert set(gates.REASONS) - set(gates.reasons_for(("fundus",))) == {gates.REGISTRATION}


def test_contour_gate_keeps_small_errors():
    settings = GenerationConfig()
    assert gates.contour_passes(0.05, settings)
    assert not gates.contour_passes(0.050001, settings)
    assert not gates.contour_passes(None, settings)


def test_a_gate_relative_to_the_guides_ceiling():
    assert LesionGate.relative_to(0.8, 0.5, 0.9) == LesionGate(0.9 * 0.8, 0.45)
    with pytest.raises(MedSynthError, match="factor"):
        LesionGate.relative_to(0.8, 0.5, 0.0)


def test_the_filter_needs_its_measurements():
    with pytest.raises(MedSynthError, match="Set measure=true, or filter=false"):
        GenerationConfig(measure=False)
    with pytest.raises(MedSynthError, match=r"whole_threshold=1\.5"):
        LesionGate(whole_threshold=1.5)
