import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tf_medsynth.evaluation.quality import image_quality
from tf_medsynth.types import MedSynthError

NAMES = ("T1", "Flair")
REAL = np.random.default_rng(0).random((3, 24, 24, 2), np.float32) * 0.5
ORGAN = np.zeros((3, 24, 24), bool)
ORGAN[:, 4:20, 4:20] = True


def test_real_beside_itself_is_perfect() -> None:
    quality = image_quality(REAL, REAL, REAL, ORGAN, ORGAN, NAMES)
    for measure in (
        "laplacian_ratio",
        "laplacian_ratio_interior",
        "laplacian_ratio_same_maps",
        "ssim",
        "ssim_inside",
    ):
        assert quality[measure] == pytest.approx({"T1": 1.0, "Flair": 1.0})
    assert quality["intensity_mean"]["relative_difference"] == {"T1": 0.0, "Flair": 0.0}
    assert quality["synthetic_without_organ"] == 0


def test_one_changed_modality_shows_in_its_own_column() -> None:
    drawn = REAL.copy()
    drawn[..., 1] *= 1.2
    quality = image_quality(REAL, drawn, drawn[:2], ORGAN, ORGAN[:2], NAMES)
    assert quality["laplacian_ratio_same_maps"] == pytest.approx({"T1": 1.0, "Flair": 1.2}, rel=1e-4)
    assert quality["intensity_mean"]["synthetic"]["Flair"] == pytest.approx(
        1.2 * REAL[:2, 4:20, 4:20, 1].mean(), rel=1e-4
    )
    assert quality["mae_inside"]["Flair"] == pytest.approx(0.2 * REAL[:, 4:20, 4:20, 1].mean(), rel=1e-4)
    assert quality["ssim"]["T1"] > 0.999 > quality["ssim"]["Flair"]


def test_blur_costs_sharpness_and_spread() -> None:
    blurred = gaussian_filter(REAL, (0, 1, 1, 0))
    quality = image_quality(REAL, blurred, blurred, ORGAN, ORGAN, NAMES)
    assert quality["laplacian_ratio_interior"]["T1"] < 0.3
    assert quality["intensity_std"]["relative_difference"]["T1"] < -0.3
    assert abs(quality["intensity_mean"]["relative_difference"]["T1"]) < 0.1


def test_samples_without_organ_are_counted_not_averaged() -> None:
    none = ORGAN.copy()
    none[1] = False
    quality = image_quality(REAL, REAL, REAL, ORGAN, none, NAMES)
    assert quality["synthetic_without_organ"] == 1
    assert np.isfinite(quality["laplacian_ratio"]["T1"])
    assert np.isnan(image_quality(REAL, REAL, REAL, ORGAN, 0 * none, NAMES)["laplacian_ratio"]["T1"])


def test_names_must_fit() -> None:
    with pytest.raises(MedSynthError, match="its name"):
        image_quality(REAL, REAL, REAL, ORGAN, ORGAN, NAMES[1:])
