"""A class map behaves as the lesion labels of brain MRI do."""

import numpy as np
import pytest

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.imaging import LabelAugmentConfig, TrainAugmentConfig
from tf_medsynth.imaging import augment
from tf_medsynth.imaging.labels import label_kind
from tf_medsynth.types import MedSynthError

rng = np.random.default_rng(11)
KIND = label_kind(BRAIN_MRI)
LABEL = np.array([[0, 0], [2, 4]], np.int32)[None, ..., None]
LINES = np.array([[1, 0], [0, 1]], np.float32)[None, ..., None]


def test_planes_are_one_a_class():
    planes = np.asarray(KIND.planes(LABEL, 2, 2))
    assert planes.dtype == np.float32 and KIND.num_planes == 5
    np.testing.assert_array_equal(planes, np.eye(5)[LABEL[..., 0]])


def test_lines_under_it_are_erased():
    np.testing.assert_array_equal(np.asarray(KIND.erase(LINES, LABEL))[0, ..., 0], [[1, 0], [0, 0]])


def test_outside_is_counted_and_cut():
    mask = np.zeros((2, 2, 2, 1), np.float32)
    mask[1, 1] = 1
    labels = np.repeat(LABEL, 2, axis=0)
    np.testing.assert_array_equal(KIND.outside(mask, labels), [0, 2])
    np.testing.assert_array_equal(KIND.fits(mask, labels), [True, False])
    cut = np.asarray(KIND.cut(mask, labels))
    assert cut.dtype == np.int32 and not cut[1].any()
    np.testing.assert_array_equal(KIND.shown(cut), [True, False])


def test_it_moves_alone_or_with_its_images_as_pixels_do():
    labels = rng.integers(0, 5, (3, 12, 10, 1)).astype(np.int32)
    words = rng.random((3, augment.LABEL_UNIFORMS)).astype(np.float32)
    config = LabelAugmentConfig()
    expected = augment.apply_label_augmentation(labels, augment.label_augmentation(words, config))
    np.testing.assert_array_equal(KIND.augment(labels, words, config, 12, 10), expected)
    images = rng.random((3, 12, 10, 4)).astype(np.float32)
    words = rng.random((3, 5 + 2 * 4)).astype(np.float32)
    parameters = augment.training_augmentation(words, TrainAugmentConfig())
    expected = augment.apply_training_augmentation(images, labels, parameters)
    for one, other in zip(KIND.augment_with(images, labels, parameters), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_coverage_counts_the_whole_and_each_class():
    label = np.zeros((10, 10), np.uint8)
    label[2:4, 6:8], label[4:6, 6:8] = 1, 4
    told = KIND.describe(label, 10, 10)
    assert KIND.regions == ("whole", "necrosis", "oedema", "non_enhancing", "enhancing")
    assert told["lesion_pixels"] == dict(zip(KIND.regions, (8, 4, 0, 0, 4), strict=True))
    centroids = {"whole": [0.4, 0.7], "necrosis": [0.3, 0.7], "enhancing": [0.5, 0.7]}
    assert told["lesion_centroid"] == centroids
    assert KIND.describe(label[..., None], 10, 10) == told


def test_its_picture_has_a_colour_a_class_over_a_darkened_image():
    picture = KIND.pictures(LABEL, 2, 2)[0]
    np.testing.assert_array_equal(picture[1], [KIND.colours["oedema"], KIND.colours["enhancing"]])
    assert not picture[0].any()
    under = KIND.pictures(LABEL, 2, 2, np.ones((1, 2, 2)))[0]
    np.testing.assert_array_equal(under[0, 0], [204] * 3)
    np.testing.assert_array_equal(under[1, 0], np.round(0.7 * np.array((86, 180, 233)) + 0.3 * 204))


def test_unknown_codes_and_sizes_are_told():
    with pytest.raises(MedSynthError, match="codes 0 to 4"):
        KIND.pictures(LABEL + 1, 2, 2)
    with pytest.raises(MedSynthError, match="fit their images"):
        KIND.pictures(LABEL, 2, 2, np.zeros((1, 3, 3)))
