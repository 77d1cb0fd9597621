"""Fifteen real patients: no false alarm, every mirrored modality found, every label in its own place."""

import dataclasses

import numpy as np
import pytest

from benchmarks.placement import real_patients, shifted
from tf_medsynth.imaging.agreement import (
    AS_STORED,
    edges,
    label_agreement,
    label_mirror_check,
    label_places,
    mirror_check,
    rank_places,
)

STEP = 2  # mm: as the field cases store them


@pytest.fixture(scope="module")
def patients(real_data):
    return list(real_patients(real_data / "brats", STEP))


@pytest.mark.slow
def test_a_mirrored_modality_is_found_in_all_and_a_right_one_never(patients):
    assert len(patients) == 15
    for patient in patients:
        reference, *others = patient.images
        reference = edges(reference)
        for other in others:
            assert mirror_check(reference, other) is None, patient.name
            assert mirror_check(reference, other[..., ::-1]) == "left-right mirrored", patient.name


@pytest.mark.slow
def test_every_label_is_decidedly_in_its_own_place(patients):
    for patient in patients:
        images = [edges(image) for image in patient.images]
        moved = [(6, -5, 0), (0, 8, 0), (8, 0, 0)]
        others = {str(by): shifted(patient.label, by[::-1]) for by in moved}
        ranking = label_places(images, patient.label, others)
        assert ranking.best == AS_STORED and ranking.decided, patient.name
        assert label_mirror_check(images, patient.label[..., ::-1]) == "left-right mirrored", patient.name
        displaced = rank_places(
            lambda place, images=images: label_agreement(images, place),
            {"by voxels": others["(6, -5, 0)"], "by header": patient.label},
        )
        assert displaced.best == "by header" and displaced.decided, patient.name


@pytest.mark.slow
def test_the_label_with_a_wrong_origin_lies_as_its_voxels_do(patients):
    (patient,) = [p for p in patients if p.name == "Brats17_TCIA_105_1"]
    by_mm = np.subtract(patient.label_origin, patient.origin)  # (x, y, z)
    assert np.abs(by_mm).max() > 100
    by_header = shifted(patient.label, tuple(round(v / STEP) for v in by_mm[::-1]))
    images = [edges(image) for image in patient.images]
    places = {"by voxels": patient.label, "by header": by_header}
    ranking = rank_places(lambda place: label_agreement(images, place), places)
    assert ranking.best == "by voxels" and ranking.decided
    assert dataclasses.is_dataclass(ranking) and ranking.runner_up_score == 0
