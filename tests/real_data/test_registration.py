"""Known shifts between contrasts of real patients come back; the plain estimator is the figure to beat."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tf_medsynth.imaging.registration import pairwise_shifts

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from registration import errors, real_slices, worst_patches

PATIENTS = (
    "BraTS-GLI-00000-000",
    "BraTS2021_01476",
    "BraTS2021_01481",
    "BraTS2021_01658",
    "Brats17_CBICA_AXN_1",
)


@pytest.fixture(scope="module")
def slices(real_data, tmp_path_factory):
    few = tmp_path_factory.mktemp("few")
    for name in PATIENTS:
        (few / name).symlink_to(real_data / "brats" / name)
    return real_slices(few, levels=range(62, 100, 20))


def test_known_shifts_between_contrasts_come_back(slices):
    found = errors(slices, trials=40)
    ours, plain = found["edge directions"], found["gradient length"]
    assert ours["absolute"][0] <= 0.10
    assert ours["absolute"][1] <= 0.40
    assert ours["absolute"][0] < plain["absolute"][0]
    assert ours["absolute"][1] < plain["absolute"][1]
    assert ours["added"][1] <= 0.15


def test_registered_modalities_read_little(slices):
    own = np.hypot(*np.concatenate([pairwise_shifts(images) for images in slices]).T)
    assert np.median(own) <= 0.15
    assert own.max() <= 0.75


def test_the_worst_patch_sees_what_moves_within_a_fixed_outline(slices):
    found = worst_patches(slices, trials=20)
    assert found["unmoved"][1] <= 0.5
    assert found["moved"][0] >= 1.5
    assert found["moved"][1] <= 3.5
