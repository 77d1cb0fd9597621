"""Rows of single modalities, and the modality that lines are taken from."""

import numpy as np
import pytest

from tf_medsynth.config.domain import Domain
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.imaging.modalities import (
    as_rows,
    by_modality,
    check_choice,
    from_rows,
    in_order,
    modality_sum,
    row_modalities,
    select_modality,
)
from tf_medsynth.types import MedSynthError

COLOUR = Domain("retina", ("fundus",), channels=3)
PAIR = Domain("pair", ("ct", "pet"), channels=3)

rng = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("modalities", [1, 2, 6])
def test_rows_are_the_modalities_of_one_sample_after_another(modalities, channels):
    images = rng.random((3, 4, 5, modalities * channels)).astype("float32")
    rows = np.asarray(as_rows(images, channels))
    assert rows.shape == (3 * modalities, 4, 5, channels)
    for sample in range(3):
        for m in range(modalities):
            part = images[sample, ..., m * channels : (m + 1) * channels]
            np.testing.assert_array_equal(rows[modalities * sample + m], part)
    np.testing.assert_array_equal(from_rows(rows, modalities), images)
    named = np.asarray(row_modalities(rows, modalities))
    np.testing.assert_array_equal(named, np.tile(np.eye(modalities), (3, 1)))


def test_values_of_rows_are_summed_by_sample():
    np.testing.assert_allclose(modality_sum(np.arange(12.0), 4), [6.0, 22.0, 38.0])
    np.testing.assert_allclose(modality_sum(np.arange(3.0), 1), [0.0, 1.0, 2.0])


@pytest.mark.parametrize("channels", [1, 3])
def test_modalities_are_put_in_a_sample_s_own_order(channels):
    images = rng.random((2, 4, 5, 3 * channels)).astype("float32")
    order = np.array([[2, 0, 1], [1, 1, 0]], "int32")
    found = np.asarray(in_order(images, order))
    parts = images.reshape(2, 4, 5, 3, channels)
    wanted = np.stack([parts[b][:, :, order[b]] for b in range(2)])
    np.testing.assert_array_equal(found, wanted.reshape(images.shape))


def test_modalities_by_name():
    images = rng.random((2, 4, 5, 6)).astype("float32")
    found = by_modality(images, PAIR.modalities)
    np.testing.assert_array_equal(found["pet"], images[..., 3:])
    assert list(found) == ["ct", "pet"]


def test_a_modality_is_named_or_drawn():
    images = np.broadcast_to(np.arange(4, dtype=np.float32), (4, 2, 2, 4))
    assert np.all(np.asarray(select_modality(images, "T1c", BRAIN_MRI)) == 2)
    assert np.all(np.asarray(select_modality(images, "first", BRAIN_MRI)) == 0)
    uniforms = np.array([0.0, 0.3, 0.5, 0.9999999])
    drawn = np.asarray(select_modality(images, "random", BRAIN_MRI, uniforms))
    np.testing.assert_array_equal(drawn[:, 0, 0, 0], [0, 1, 2, 3])
    with pytest.raises(MedSynthError, match="uniform"):
        select_modality(images, "random", BRAIN_MRI)


def test_a_colour_image_is_seen_in_grey_or_through_one_of_its_channels():
    images = np.broadcast_to(np.array([1.0, 5.0, 9.0], np.float32), (2, 4, 4, 3))
    assert np.all(np.asarray(select_modality(images, "fundus", COLOUR)) == 5)
    assert np.all(np.asarray(select_modality(images, "fundus_2", COLOUR)) == 9)
    both = np.concatenate([images, images + 1], axis=-1)
    assert np.all(np.asarray(select_modality(both, "pet", PAIR)) == 6)
    drawn = np.asarray(select_modality(both, "random", PAIR, np.array([0.1, 0.6])))
    np.testing.assert_allclose(drawn[:, 0, 0, 0], [5, 6])


@pytest.mark.parametrize(("domain", "choice"), [(COLOUR, "T1"), (BRAIN_MRI, "T1_0"), (BRAIN_MRI, "fundus")])
def test_a_modality_of_another_organ_is_refused(domain, choice):
    with pytest.raises(MedSynthError, match=f"{domain.name} has no modality .* Set operators"):
        check_choice(choice, domain)


def test_images_of_another_domain_are_refused():
    with pytest.raises(MedSynthError, match="images of brain_mri hold T1, T2, T1c, Flair"):
        select_modality(np.zeros((1, 4, 4, 3), "float32"), "T1", BRAIN_MRI)
