"""Planted copies are caught, honest samples are not; patients in both sets are refused."""

from __future__ import annotations

import dataclasses
import json
from typing import NamedTuple

import keras
import numpy as np
import pytest
from scipy import ndimage

from tf_medsynth.evaluation.features import open_extractor
from tf_medsynth.evaluation.memorisation import described
from tf_medsynth.evaluation.memorisation import memorisation as of_described
from tf_medsynth.runtime import json_text
from tf_medsynth.types import MedSynthError

SLICES = 3


class ImageSet(NamedTuple):
    """Arrays, as batches of a set would hold them."""

    images: np.ndarray
    lesion_label: np.ndarray
    patients: np.ndarray | None = None
    features: np.ndarray | None = None


def memorisation(*sets: ImageSet, **options):
    """The verdict on arrays that arrive in batches of seven."""
    told = []
    for one in sets:
        names = {} if one.patients is None else {"patient": one.patients}
        columns = {"images": one.images, "lesion_label": one.lesion_label, **names}
        starts = range(0, len(one.images), 7)
        found = described({name: array[k : k + 7] for name, array in columns.items()} for k in starts)
        told.append(dataclasses.replace(found, features=one.features))
    return of_described(*told, **options)


def cohort(patients: int, seed: int) -> ImageSet:
    """Patients of look-alike slices: one smooth random volume each, with a bright lesion in it."""
    random = np.random.default_rng(seed)
    images, labels = [], []
    rows, columns = np.indices((32, 32))
    for _ in range(patients):
        volume = ndimage.gaussian_filter(random.random((SLICES, 32, 32, 2)), (3, 1.5, 1.5, 0))
        volume = (volume - volume.min()) / (volume.max() - volume.min())
        row, column = random.integers(10, 22, 2)
        lesion = np.hypot(rows - row, columns - column) < 4
        inside = np.hypot(rows - 15.5, columns - 15.5) < 13
        images.append(inside[..., None] * (0.7 * volume + 0.3 * lesion[..., None]))
        labels.append(np.repeat(lesion[None], SLICES, 0))
    names = np.repeat([f"patient {seed} {number}" for number in range(patients)], SLICES)
    return ImageSet(np.concatenate(images).astype(np.float32), np.concatenate(labels).astype(np.uint8), names)


def planted(training: ImageSet, others: ImageSet, copies: int) -> ImageSet:
    """`others` with disguised training slices at their end."""
    random = np.random.default_rng(5)
    rows = random.permutation(len(training.images))[:copies]
    images, labels = training.images[rows].copy(), training.lesion_label[rows].copy()
    images[::2], labels[::2] = images[::2, :, ::-1], labels[::2, :, ::-1]
    images, labels = (np.roll(array, (2, -2), (1, 2)) for array in (images, labels))
    images = 0.9 * images + random.normal(0, 0.03, images.shape)
    together = np.concatenate([others.images, np.clip(images, 0, 1).astype(np.float32)])
    return ImageSet(together, np.concatenate([others.lesion_label, labels]))


@pytest.fixture(scope="module")
def training() -> ImageSet:
    return cohort(12, 1)


def test_planted_copies_are_caught_in_pixels_and_in_lesions(training):
    samples = planted(training, cohort(57, 2), copies=9)  # 5 %
    found = memorisation(samples, training, cohort(80, 3), false_alarm=0.01)
    json.loads(json_text(found))
    honest = len(samples.images) - 9
    for name in ("pixel", "lesion"):
        space = found["spaces"][name]
        flagged = np.array(space["distance"]) < space["threshold"]
        assert flagged[honest:].all(), name
        assert flagged[:honest].mean() <= 0.05, name
        assert space["copies"] == flagged.sum()
    near = np.array(found["spaces"]["pixel"]["nearest"])[honest:]
    rows = np.random.default_rng(5).permutation(len(training.images))[:9]
    assert [training.patients[k] for k in near] == [training.patients[k] for k in rows]


def test_membership_is_seen_where_there_is_a_leak_and_not_elsewhere(training):
    heldout = cohort(10, 3)
    honest = memorisation(cohort(6, 2), training, heldout)["membership"]
    assert honest["low"] < 0.5 < honest["high"]
    rows = np.arange(0, len(training.images), SLICES)
    leaked = ImageSet(training.images[rows], training.lesion_label[rows])
    leaky = memorisation(leaked, training, heldout)
    assert leaky["membership"]["low"] > 0.8
    assert leaky["copy_share"] == 1.0


def test_features_are_a_third_space_and_need_all_three_sets(training):
    heldout, samples = cohort(10, 3), planted(training, cohort(4, 2), 2)
    random = np.random.default_rng(0)
    sizes = (len(samples.images), len(training.images), len(heldout.images))
    features = [random.normal(size=(size, 2, 5)) for size in sizes]
    features[0][-1, 1] = features[1][7, 0]  # the mirrored view alone
    sets = [one._replace(features=f) for one, f in zip((samples, training, heldout), features, strict=True)]
    space = memorisation(*sets)["spaces"]["features"]
    assert space["nearest"][-1] == 7 and space["distance"][-1] == 0.0 and space["copies"] >= 1
    assert "features" not in memorisation(samples, *sets[1:])["spaces"]


def test_an_extractor_sees_every_image_and_its_mirror_image(training, tmp_path):
    inputs = keras.Input((32, 32, 2))
    left = keras.layers.Cropping2D(((0, 0), (0, 16)))(inputs)
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(left)).save(tmp_path / "left.keras")
    extractor = open_extractor(tmp_path / "left.keras", (0, 1))
    found = described([{"images": training.images}], extractor, ("T1", "T2")).features
    halves = [training.images[:, :, :16], training.images[:, :, 16:]]
    np.testing.assert_allclose(found, np.stack([half.mean((1, 2)) for half in halves], 1), rtol=1e-5)


def test_samples_without_a_lesion_are_not_judged_there(training):
    samples = cohort(2, 2)
    samples.lesion_label[:3] = 0
    space = memorisation(samples, training, cohort(4, 3))["spaces"]["lesion"]
    assert space["distance"][:3] == [None] * 3 and None not in space["distance"][3:]
    assert space["judged"] == len(samples.images) - 3


def test_a_patient_in_both_real_sets_is_named(training):
    with pytest.raises(MedSynthError, match=r"both in training and held out.*patient 1 0"):
        memorisation(cohort(1, 2), training, cohort(2, 1))
    with pytest.raises(MedSynthError, match="needs its patient"):
        memorisation(cohort(1, 2), training._replace(patients=None), cohort(2, 3))
