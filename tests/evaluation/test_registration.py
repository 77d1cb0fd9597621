import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from tf_medsynth.evaluation.registration import (
    edge_overlap,
    local_shift,
    pair_shifts,
    registration_certificate,
    registration_shifts,
)
from tf_medsynth.types import MedSynthError

NAMES = ("T1", "T2", "Flair")
TEXTURE = gaussian_filter(np.random.default_rng(0).random((40, 40)), 2)
TEXTURE = (TEXTURE - TEXTURE.min()) / np.ptp(TEXTURE)


def modalities(*offsets: tuple[float, float]) -> np.ndarray:
    moved = [np.clip(shift(TEXTURE, offset, order=3, mode="reflect"), 0, 1) for offset in offsets]
    return np.stack(moved, -1)[None]


def test_known_shifts_come_back_pair_by_pair() -> None:
    images = modalities((0, 0), (0, 0), (1.5, -2))
    found = registration_shifts(images, NAMES)
    assert found["pairs"]["T1-T2"]["median"] == pytest.approx(0, abs=0.1)
    assert found["pairs"]["T1-Flair"]["median"] == pytest.approx(2.5, abs=0.15)
    assert found["maximum"] == pytest.approx(2.5, abs=0.15)
    assert list(found["pairs"]) == ["T1-T2", "T1-Flair", "T2-Flair"]


def test_quantiles_are_over_all_pairs_and_images() -> None:
    images = np.concatenate([modalities((0, 0), (0, k), (0, 0)) for k in range(4)])
    shifts, found = pair_shifts(images), registration_shifts(images, NAMES)
    assert shifts.shape == (4, 3)
    assert found["median"] == pytest.approx(np.median(shifts))
    assert found["p95"] == pytest.approx(np.percentile(shifts, 95))


def test_constant_modality_is_unmeasured_not_zero() -> None:
    images = modalities((0, 0), (0, 0), (0, 0))
    images[..., 2] = 0.3
    found = registration_shifts(images, NAMES)
    assert found["unmeasured"] == 2
    assert np.isnan(found["pairs"]["T2-Flair"]["median"])
    assert np.isnan(registration_shifts(np.zeros((1, 40, 40, 3)), NAMES)["maximum"])


def test_one_modality_or_wrong_names_are_refused() -> None:
    with pytest.raises(MedSynthError, match="nothing to register"):
        registration_shifts(modalities((0, 0)), ("T1",))
    with pytest.raises(MedSynthError, match="its name"):
        registration_shifts(modalities((0, 0), (0, 0)), NAMES)


def test_a_certificate_has_a_row_a_sample_and_their_distribution() -> None:
    images = np.concatenate([modalities((0, 0), (0, k), (0, 0)) for k in range(4)])
    images[3, ..., 2] = 0.3
    found = registration_certificate(images, NAMES, keys=["a", "b", "c", "d"])
    rows = {row["sample"]: row for row in found["rows"]}
    assert rows["c"]["shift_px"] == pytest.approx(2, abs=0.1)
    assert "T2" in rows["c"]["pair"]
    assert np.isnan(rows["d"]["shift_px"])  # never 0: a modality could not be measured
    worst = [rows[key]["shift_px"] for key in "abc"]
    assert found["shift_px"]["p95"] == pytest.approx(np.percentile(worst, 95))
    assert (found["shift_px"]["unmeasured"], found["pair_shift_px"]["T2-Flair"]["unmeasured"]) == (1, 1)
    assert found["shift_px"]["within"]["0.5"] == 0.25  # of all four; unmeasured is not within
    assert found["edge_overlap"] is None


def test_a_local_warp_is_found_where_the_whole_lies_still() -> None:
    whole = modalities((0, 0), (0, 0), (0, 0))[0]
    assert local_shift(whole) == 0
    warped = whole.copy()
    warped[20:, 20:, 1] = shift(TEXTURE, (0, 3), order=1, mode="reflect")[20:, 20:]
    assert local_shift(warped) == pytest.approx(3, abs=0.7)


def test_lines_on_edges_overlap_and_lines_elsewhere_do_not() -> None:
    images = np.zeros((1, 40, 40, 2), np.float32)
    images[:, :, 10:30, 0] = 1
    lines = np.zeros((1, 40, 40), np.uint8)
    lines[:, :, [9, 10, 29, 30]] = 1
    assert edge_overlap(images, lines)[0, 0] == 1
    assert np.isnan(edge_overlap(images, lines)[0, 1])  # a constant modality has no edge
    assert edge_overlap(images, np.roll(lines, 6, 2))[0, 0] < 0.2
    assert np.isnan(edge_overlap(images, np.zeros_like(lines))).all()
