"""Known shifts between contrasts of real patients come back; the plain estimator is the figure to beat."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tf_medsynth.imaging.registration import pairwise_shifts

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from registration import errors, real_slices

PATIENTS = ("BraTS2021_00495", "BraTS2021_01659", "Brats18_2013_21_1")


@pytest.fixture(scope="module")
def slices(real_data, tmp_path_factory):
    few = tmp_path_factory.mktemp("few")
    for name in PATIENTS:
        (few / name).symlink_to(real_data / "brats" / name)
    return real_slices(few, levels=range(60, 100, 10))


def test_known_shifts_between_contrasts_come_back(slices):
    found = errors(slices, trials=48)
    ours, plain = found["edge directions"], found["gradient length"]
    assert ours["absolute"][0] <= 0.10
    assert ours["absolute"][1] <= 0.40
    assert ours["absolute"][0] < plain["absolute"][0]
    assert ours["absolute"][1] < plain["absolute"][1]
    assert ours["within"][0] < plain["within"][0]
    assert ours["added"][1] <= 0.15


def test_registered_modalities_read_little(slices):
    own = np.hypot(*np.concatenate([pairwise_shifts(images) for images in slices]).T)
    assert np.median(own) <= 0.15
    assert own.max() <= 1.0
