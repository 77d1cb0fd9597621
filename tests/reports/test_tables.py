import functools

import numpy as np
import pytest

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.evaluation.lesion import lesion_agreement
from tf_medsynth.evaluation.quality import image_quality
from tf_medsynth.evaluation.registration import registration_shifts
from tf_medsynth.evaluation.segmentation import slice_detection
from tf_medsynth.evaluation.structure import structure_quality
from tf_medsynth.reports import tables
from tf_medsynth.types import MedSynthError

MODALITIES = BRAIN_MRI.modalities
agreement_of = functools.partial(lesion_agreement, classes=BRAIN_MRI.label.classes)
IMAGES = np.random.default_rng(0).random((3, 24, 24, 4), np.float32)
ORGAN = np.zeros((3, 24, 24, 1), np.float32)
ORGAN[:, 4:20, 4:20] = 1
LABEL = np.zeros((3, 24, 24, 1), np.int32)
LABEL[:2, 8:12, 8:12] = 2


def cells(table: tables.Table, row: str) -> list[str]:
    return next(list(cells[1:]) for cells in table.rows if cells[0] == row)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.12345, "0.123"), (7, "7"), (None, "–"), (float("nan"), "–"), (np.float64(2), "2.000")],
)
def test_unknown_is_never_shown_as_a_number(value: float | None, shown: str) -> None:
    assert tables.number(value) == shown


def test_percentages() -> None:
    assert tables.percent(0.1234) == "12.3\u00a0%"
    assert tables.percent(0.02, signed=True) == "+2.0\u00a0%"
    assert tables.percent(float("nan")) == "–"


def test_quality_has_a_column_a_modality() -> None:
    table = tables.quality_table(image_quality(IMAGES, IMAGES, IMAGES, ORGAN, ORGAN, MODALITIES))
    assert table.columns == ["measure", "T1", "T2", "T1c", "Flair"]
    assert cells(table, "SSIM to own real image") == ["1.000"] * 4
    assert cells(table, "mean: difference") == ["+0.0\u00a0%"] * 4


def test_lesions_and_shifts_stand_beside_real_ones() -> None:
    half = LABEL.copy()
    half[:2, 8:10] = 0
    table = tables.lesion_table(agreement_of(half, LABEL), agreement_of(LABEL, LABEL))
    assert cells(table, "whole lesion") == ["0.667", "0.667", "1.000", "1.000"]
    assert cells(table, "non-enhancing") == ["–"] * 4
    shifts = tables.registration_table(
        registration_shifts(IMAGES, MODALITIES), registration_shifts(0 * IMAGES, MODALITIES)
    )
    assert cells(shifts, "T1-T2")[2:] == ["–", "–"]
    assert "0 and 18 pairs" in shifts.note


def test_further_measures_of_lesions_stand_beside_real_ones() -> None:
    sure = (LABEL > 0).astype(np.float32)
    told = slice_detection(LABEL[..., 0], sure[..., 0], LABEL[..., 0])
    side = {
        **agreement_of(LABEL, LABEL, probability=sure),
        "slices": {"with_lesion": 2, "without_lesion": 1, **told},
    }
    found = {"lesion": {"synthetic": side, "real": side}}
    table = tables.evaluation_tables(found)[1]
    assert cells(table, "HD95, px") == ["0.000"] * 2 and cells(table, "AUC, slices") == ["1.000"] * 2
    assert cells(table, "boxes: mAP at an IoU of 0.5") == ["1.000"] * 2
    assert "synthetic 2 and 1, real 2 and 1" in table.note


def test_structure_leaves_out_what_was_not_measured() -> None:
    maps = 1 - ORGAN
    with_training = tables.structure_table(structure_quality(maps, maps, maps, maps, maps))
    without = tables.structure_table(structure_quality(maps, maps, maps, maps))
    assert cells(with_training, "distance to the nearest training map") == ["0.000", "0.000"]
    assert len(without.rows) == len(with_training.rows) - 1


def test_realism_has_a_row_a_seed() -> None:
    run = {
        "accuracy": 0.9,
        "auc": 0.95,
        "accuracy_real": 1.0,
        "accuracy_synthetic": 0.8,
        "training_accuracy": 1.0,
        "test_images": 40,
        "test_patients": 2,
    }
    table = tables.realism_table([{**run, "seed": seed} for seed in (1, 2)])
    assert [row[:2] for row in table.rows] == [["1", "0.950"], ["2", "0.950"]]


def test_short_rows_are_refused() -> None:
    with pytest.raises(MedSynthError, match="needs 2 cells"):
        tables.Table("t", ["a", "b"], [["1"]])
