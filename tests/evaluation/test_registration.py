import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from tf_medsynth.evaluation.registration import pair_shifts, registration_shifts
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
    with pytest.raises(MedSynthError, match="two modalities"):
        registration_shifts(modalities((0, 0)))
    with pytest.raises(MedSynthError, match="its name"):
        registration_shifts(modalities((0, 0), (0, 0)), NAMES)
