"""One person's scans of two years stay together: in folds, in what guides leave out, in who may judge."""

from __future__ import annotations

import pytest

from tf_medsynth.config.families.lesion import LesionSettings
from tf_medsynth.data.patients import (
    check_apart,
    hashes_of,
    left_out_patients,
    patient_folds,
    patient_hashes,
    person_hashes,
)
from tf_medsynth.types import MedSynthError

TWICE = ["Brats17_CBICA_AXN_1", "Brats18_CBICA_AXN_1"]
OTHERS = [f"Brats18_TCIA01_{number:03d}_1" for number in range(9)]


def test_a_fold_takes_a_person_whole():
    folds = patient_folds([*TWICE, *OTHERS], 5)
    assert sorted(name for fold in folds for name in fold) == sorted([*TWICE, *OTHERS])
    assert sum(set(TWICE) <= set(fold) for fold in folds) == 1
    with pytest.raises(MedSynthError, match="every fold needs a patient"):
        patient_folds(TWICE, 2)


def test_a_person_of_another_year_is_known():
    facts = {"patient_hashes": patient_hashes(TWICE[:1]), "person_hashes": person_hashes(TWICE[:1])}
    check_apart(OTHERS, hashes_of(facts), "apart")
    with pytest.raises(MedSynthError, match="Brats18_CBICA_AXN_1"):
        check_apart([*OTHERS, TWICE[1]], hashes_of(facts), "apart")
    check_apart(TWICE[1:], hashes_of({"patient_hashes": facts["patient_hashes"]}), "told by name alone")


@pytest.mark.parametrize(
    ("share", "count"), [(0.0, 0), (0.01, 1), (0.2, 2), (0.5, 5), (0.99, 9)], ids=lambda value: str(value)
)
def test_guides_leave_whole_persons_out(share, count):
    left_out = left_out_patients([*OTHERS, *TWICE], LesionSettings(held_out=share))
    persons = {name.split("_", 1)[1] for name in left_out}
    assert len(persons) == count and set(TWICE) & set(left_out) in (set(), set(TWICE))
    assert left_out == left_out_patients([*TWICE, *OTHERS[::-1]], LesionSettings(held_out=share))


def test_of_one_person_nobody_is_left_out():
    assert left_out_patients(TWICE, LesionSettings(held_out=0.5)) == []


def test_a_fold_leaves_out_its_own():
    one, other = (
        left_out_patients(OTHERS, LesionSettings(held_out=0.3, folds=2, fold=fold)) for fold in (0, 1)
    )
    assert one and set(one) <= set(OTHERS[::2]) and set(other) <= set(OTHERS[1::2])
