"""One drawn patient: anatomy, lesion, images and label."""

import numpy as np
import pytest

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.phantoms import acquisition, tissue
from tf_medsynth.phantoms.tumour import draw_plan

SEED, SIZE = 3, 64


def first(wanted):
    """The first patient whose plan fulfils `wanted`."""
    return next(patient for patient in range(100) if wanted(draw_plan(SEED, patient)))


@pytest.fixture(scope="module")
def patient():
    return first(lambda plan: plan.grade == "HGG" and 14 < plan.sites[0].radius < 22 and plan.solid > 0)


@pytest.fixture(scope="module")
def images(patient):
    volumes, label, grade = acquisition.acquire(SEED, patient, SIZE)
    assert grade == "HGG"
    return volumes, label


@pytest.fixture(scope="module")
def fractions(patient):
    """Tissue shares and the mask's share on the whole image grid."""
    head = tissue.draw_head(SEED, patient, draw_plan(SEED, patient))
    return tissue.paint(head, acquisition.image_grid(SIZE), 2)


def pure(fractions, name):
    shares, inside = fractions
    return (shares[name] > 0.93) & (inside > 0.99)


def median(images, modality, where):
    assert where.sum() > 5
    return float(np.median(images[0][modality][where]))


def test_background_is_zero_and_the_brain_is_not(images, fractions):
    volumes, label = images
    brain = volumes["T1"] > 0
    for modality in BRAIN_MRI.modalities:
        assert volumes[modality].dtype == np.int16
        np.testing.assert_array_equal(volumes[modality] > 0, brain)
        assert 500 < volumes[modality].max() < 4000
    assert not label[~brain].any()
    assert 0.1 < brain.mean() < 0.21


def test_every_lesion_class_is_labelled(images):
    label = images[1]
    assert label.dtype == np.uint8
    assert set(np.unique(label)) == {0, 1, 2, 3, 4}


def test_fluid_is_dark_on_t1_and_flair_and_bright_on_t2(images, fractions):
    fluid, white = pure(fractions, "fluid"), pure(fractions, "white")
    assert median(images, "T1", fluid) < 0.65 * median(images, "T1", white)
    assert median(images, "Flair", fluid) < 0.4 * median(images, "Flair", white)
    assert median(images, "T2", fluid) > 2 * median(images, "T2", white)


def test_grey_lies_between_fluid_and_white(images, fractions):
    fluid, grey, white = (pure(fractions, name) for name in ("fluid", "grey", "white"))
    for modality in ("T1", "T2"):
        levels = [median(images, modality, where) for where in (fluid, grey, white)]
        assert levels in (sorted(levels), sorted(levels, reverse=True))


def test_the_rim_is_bright_on_t1c_only(images, fractions):
    rim, white = images[1] == 4, pure(fractions, "white")
    assert median(images, "T1c", rim) > 1.15 * median(images, "T1c", white)
    assert median(images, "T1", rim) < median(images, "T1", white)


def test_oedema_is_bright_on_flair(images, fractions):
    oedema, white = images[1] == 2, pure(fractions, "white")
    assert median(images, "Flair", oedema) > 1.3 * median(images, "Flair", white)


def test_shares_add_up_and_many_voxels_are_mixed(fractions):
    shares, inside = fractions
    total = sum(shares.values())
    np.testing.assert_allclose(total, 1, atol=1e-4)
    largest = np.max(np.stack(list(shares.values())), axis=0)[inside > 0.99]
    assert 0.2 < (largest < 0.8).mean() < 0.8


def test_the_cortex_is_folded(fractions):
    shares, inside = fractions
    middle = slice(round(0.6 * SIZE * 155 / 240), round(0.75 * SIZE * 155 / 240))

    def border(share):
        return np.abs(np.diff(share[middle], axis=1)).sum() + np.abs(np.diff(share[middle], axis=2)).sum()

    # White matter is the smaller body: a smooth one would have the shorter border.
    assert border(shares["white"]) > 1.8 * border(inside)


def test_low_grade_lesions_do_not_enhance():
    patient = first(lambda plan: plan.grade == "LGG" and plan.sites[0].radius > 12)
    _, label, grade = acquisition.acquire(SEED, patient, 40)
    assert grade == "LGG"
    assert not (label == 4).any()
    assert (label == 3).sum() > 10


def test_a_patient_is_the_same_at_another_size(images, patient):
    small, label, _ = acquisition.acquire(SEED, patient, SIZE // 2)
    volume = (images[1] > 0).sum() / 8
    assert (label > 0).sum() == pytest.approx(volume, rel=0.2)
    brain = images[0]["T1"] > 0
    depth = len(brain) // 2
    coarse = brain[: 2 * depth].reshape(-1, 2, SIZE // 2, 2, SIZE // 2, 2).mean(axis=(1, 3, 5)) > 0.5
    found = small["T1"][: len(coarse)] > 0
    assert 2 * (coarse & found).sum() / (coarse.sum() + found.sum()) > 0.93


def test_plans_vary():
    plans = [draw_plan(0, patient) for patient in range(200)]
    radii = [plan.sites[0].radius for plan in plans]
    assert 0.15 < np.mean([plan.grade == "LGG" for plan in plans]) < 0.4
    assert {len(plan.sites) for plan in plans} == {1, 2}
    assert min(radii) < 9 and max(radii) > 25
    assert min(abs(plan.sites[0].centre[0]) for plan in plans) > 12
