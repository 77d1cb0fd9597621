import functools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tf_medsynth.evaluation import diversity as measures
from tf_medsynth.types import MedSynthError

diversity = functools.partial(measures.diversity, modalities=("T1", "T2", "T1c", "Flair"))
RANDOM = np.random.default_rng(0)
REAL = gaussian_filter(RANDOM.random((12, 24, 24, 4)), (0, 1, 1, 0)).astype(np.float32)
PATIENTS = np.repeat(["a", "b", "c"], 4)


def test_a_set_of_one_image_is_wholly_alike() -> None:
    found = diversity(REAL, PATIENTS, np.repeat(REAL[:1], 6, axis=0), pairs=10)
    assert found["measure"] == "MS-SSIM, 2 of 5 scales, 11x11 window"
    assert found["synthetic"]["mean"] == pytest.approx(
        dict.fromkeys(("T1", "T2", "T1c", "Flair"), 1.0), abs=1e-5
    )
    assert all(value > 0.3 for value in found["difference"].values())
    assert found["real"]["pairs"] == found["synthetic"]["pairs"] == 10


def test_real_pairs_are_of_two_patients() -> None:
    """Slices of a patient are copies here: were they paired, the real set would seem to repeat itself."""
    copies = np.repeat(REAL[::4], 4, axis=0)
    within = diversity(copies, np.arange(12), REAL, pairs=66)["real"]["mean"]["T1"]
    apart = diversity(copies, PATIENTS, REAL, pairs=66)["real"]
    assert apart["pairs"] == 48 and apart["mean"]["T1"] < within - 0.1


def test_other_sizes_and_single_patients_are_refused() -> None:
    with pytest.raises(MedSynthError, match="one size"):
        diversity(REAL, PATIENTS, REAL[:, :20])
    with pytest.raises(MedSynthError, match="2 groups"):
        diversity(REAL, np.zeros(12), REAL)
