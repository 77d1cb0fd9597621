"""What lies around a head: nothing, noise, a scalp; a margin hides no air, an overshoot is none."""

import numpy as np
import pytest
from scipy import ndimage

from tests.patients import volumes
from tf_medsynth.imaging.surroundings import surroundings, unstripped
from tf_medsynth.types import MedSynthError

SHAPE = (40, 48, 44)


def _brain(seed: int = 0) -> np.ndarray:
    """A textured ellipsoid around 500 on 0, with a black ventricle inside."""
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij"))
    radius = np.sqrt((grid**2).sum(axis=0))
    texture = 500 + 100 * np.random.default_rng(seed).standard_normal(SHAPE)
    return np.where((radius < 0.65) & (radius > 0.12), texture.clip(100), 0).round().astype(np.int16)


def _scalp(brain: np.ndarray) -> np.ndarray:
    """The brain with a shell at 600, three voxels thick, behind a gap of three."""
    inside = ndimage.binary_fill_holes(brain > 0)
    shell = ndimage.binary_dilation(inside, iterations=6) & ~ndimage.binary_dilation(inside, iterations=3)
    return np.where(shell, 600, brain).astype(np.int16)


def _noisy(image: np.ndarray, sigma: float) -> np.ndarray:
    real, imaginary = np.random.default_rng(1).normal(0, sigma, (2, *image.shape))
    return np.hypot(image + real, imaginary).round().astype(np.int16)


def test_a_stripped_head_lies_in_nothing():
    found = surroundings(_brain())
    assert (found.background, found.air, found.air_level) == (0.0, 0.0, 0.0)
    assert found.ring < 0.05
    assert unstripped({"T1": _brain(), "T2": _brain(1)}) is None


@pytest.mark.parametrize("background", [-1000, 7])
def test_another_constant_is_a_number_and_no_air(background):
    brain = _brain()
    image = np.where(brain > 0, brain, background)
    assert surroundings(image).background == background
    assert unstripped({"T1": image}) is None
    image[:4] = image[:, :3] = image[..., -5:] = 0  # and a margin of zeros around it
    assert surroundings(image).background == background
    assert unstripped({"T1": image}) is None


@pytest.mark.parametrize("sigma", [0.4, 8, 30])
@pytest.mark.parametrize("margin", [0, 4])
def test_noise_is_air_also_behind_a_margin(sigma, margin):
    image = _noisy(_brain(), sigma)
    if margin:
        image[:margin] = image[:, :margin] = image[..., -margin:] = 0
    expected = np.mean(np.hypot(*np.random.default_rng(2).normal(0, sigma, (2, 100_000))) > 0.5)
    found = surroundings(image)
    if found.background == 0:
        assert found.air == pytest.approx(expected, abs=0.05)
    text = unstripped({"Flair": image})
    assert text.startswith("the head is not skull-stripped: the air") and "Flair" in text


def test_a_scalp_in_empty_air_is_told_and_the_rays_are_counted():
    head = _scalp(_brain())
    found = surroundings(head)
    assert found.air == 0 and found.ring > 0.9
    assert "bright shell" in unstripped({"T1": _brain(), "T1c": head})
    assert unstripped({"T1": _brain()}) is None


def test_what_resampling_leaves_around_a_brain_is_not_air():
    fine = ndimage.zoom(_brain().astype(float), 1.3, order=3)
    assert (fine < 0).any()
    assert unstripped({"T1": fine}) is None
    assert unstripped({"T1": fine.round().astype(np.int16)}) is None


def test_brain_on_both_sides_of_the_background_is_no_ring():
    brain = _brain().astype(float)
    inside = brain > 0
    scored = np.where(inside, (brain - brain[inside].mean()) / brain[inside].std(), 0)
    assert surroundings(scored).ring == 0
    assert unstripped({"T1": scored}) is None


def test_brain_cut_off_at_every_face_is_not_air():
    assert unstripped({"T1": _brain()[12:28, 14:34, 14:32]}) is None


@pytest.mark.parametrize("seed", range(3))
def test_tiny_patients_of_other_tests_are_stripped(seed):
    arrays = volumes(seed)
    arrays.pop("label")
    assert unstripped(arrays) is None


def test_corners_that_are_no_numbers_are_background():
    brain = _brain().astype(float)
    assert unstripped({"T1": np.where(brain > 0, brain, np.nan)}) is None


def test_empty_and_odd_volumes_are_measured_or_refused():
    for image in (np.zeros((3, 4, 5)), np.full((2, 3, 4), np.nan), np.ones((1, 1, 1))):
        assert surroundings(image).air == 0
    with pytest.raises(MedSynthError, match="three axes"):
        surroundings(np.zeros((4, 4)))
    with pytest.raises(MedSynthError, match="at least one voxel"):
        surroundings(np.zeros((0, 4, 4)))
