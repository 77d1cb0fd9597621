"""What holds for every kind of label: shapes, ranges, unknown batches, and equality as settings."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_medsynth.config.domain import Domain, LabelSpec
from tf_medsynth.config.imaging import LabelAugmentConfig, TrainAugmentConfig
from tf_medsynth.imaging import augment
from tf_medsynth.imaging.labels import KINDS, label_kind
from tf_medsynth.imaging.labels.boxes import MOST_BOXES
from tf_medsynth.types import MedSynthError

H, W = 16, 12
MODALITIES = ("a", "b", "c", "d")
rng = np.random.default_rng(3)
MAP = np.zeros((3, H, W, 1), np.int32)
MAP[0, 4:8, 3:7], MAP[1, 6:9, 6:9] = 1, 2
BOXES = np.zeros((3, MOST_BOXES, 5), np.float32)
BOXES[0, 0], BOXES[1, 1] = (0.25, 0.25, 0.5, 0.5, 1), (0.0, 0.5, 0.5, 0.75, 2)
LABELS = {
    "classes": MAP,
    "structure": MAP,
    "plane": np.array([0, 2, 1], np.int32),
    "boxes": BOXES,
    "none": np.zeros((3, 0), np.int32),
}
"""Three labels of each kind."""
MASK = np.zeros((3, H, W, 1), np.float32)
MASK[:, :2], MASK[:, -2:] = 1, 1
LINES = (rng.random((3, H, W, 1)) > 0.5).astype(np.float32)


def kind_of(name):
    classes = () if name == "none" else ("background", "one", "two")
    return label_kind(Domain("toy", MODALITIES, label=LabelSpec(name, classes)))


@pytest.fixture(params=sorted(KINDS))
def case(request):
    return kind_of(request.param), LABELS[request.param]


def test_every_kind_of_the_configuration_is_known():
    assert set(LABELS) == set(KINDS)


def test_a_label_has_the_shape_and_type_that_its_kind_says(case):
    kind, label = case
    assert label.shape[1:] == kind.shape(H, W) and label.dtype == kind.dtype
    stored = kind.feature(H, W)
    assert stored is None or (stored.shape == kind.shape(H, W) and stored.num_classes == kind.num_classes)


def test_planes_codes_and_inside_are_of_the_image_size(case):
    kind, label = case
    planes = np.asarray(kind.planes(label, H, W))
    assert planes.shape == (3, H, W, kind.num_planes) and planes.dtype == np.float32
    assert set(np.unique(planes)) <= {0.0, 1.0}
    codes = np.asarray(kind.codes(label, H, W))
    assert codes.shape == (3, H, W, 1) and codes.max(initial=0) < max(kind.num_classes, 1)
    assert np.asarray(kind.inside(label, H, W)).shape == (3, H, W, 1)


def test_maps_lose_lines_only_where_something_is_labelled(case):
    kind, label = case
    kept = np.asarray(kind.erase(LINES, label))
    assert kept.shape == LINES.shape and kept.dtype == np.float32
    lost = kept != LINES
    assert not lost[np.asarray(kind.inside(label, H, W)) == 0].any()


def test_what_is_cut_fits(case):
    kind, label = case
    cut = kind.cut(MASK, label)
    assert tuple(cut.shape) == label.shape and keras.backend.standardize_dtype(cut.dtype) == kind.dtype
    np.testing.assert_array_equal(kind.fits(MASK, cut), [True] * 3)
    np.testing.assert_array_equal(kind.fits(MASK, label), np.asarray(kind.outside(MASK, label)) == 0)


def test_augmentation_keeps_shape_and_type_in_a_graph_of_unknown_rows(case):
    kind, label = case
    words = rng.random((3, augment.LABEL_UNIFORMS)).astype(np.float32)
    training = rng.random((3, 5 + 2 * len(MODALITIES))).astype(np.float32)
    images = rng.random((3, H, W, len(MODALITIES))).astype(np.float32)

    def moved(label, words, training, images):
        parameters = augment.training_augmentation(training, TrainAugmentConfig())
        together = kind.augment_with(images, label, parameters)
        return kind.augment(label, words, LabelAugmentConfig(), H, W), *together, kind.planes(label, H, W)

    arrays = [label, words, training, images]
    specs = [tf.TensorSpec((None, *a.shape[1:]), a.dtype) for a in arrays]
    alone, changed, along, _ = tf.function(moved, specs)(*map(tf.constant, arrays))
    assert alone.shape == along.shape == label.shape and alone.dtype == along.dtype == kind.dtype
    assert changed.shape == images.shape and not np.array_equal(changed, images)


def test_coverage_and_pictures_know_the_regions(case):
    kind, label = case
    for one in label:
        told = kind.describe(one, H, W)
        assert set(told["lesion_pixels"]) == set(kind.regions) >= set(told["lesion_centroid"])
    for picture in kind.pictures(label, H, W, np.zeros((3, H, W))):
        assert picture.shape == (H, W, 3) and picture.dtype == np.uint8
    assert set(kind.colours) <= set(kind.classes)


def test_labels_of_a_map_are_asked_of_kinds_that_follow_one(case):
    kind, label = case
    if kind.follows_map:
        assert tuple(kind.of_map(LINES, MASK).shape) == label.shape
    else:
        with pytest.raises(MedSynthError, match="drawn from a pool"):
            kind.of_map(LINES, MASK)


def test_kinds_are_values(case):
    kind, _ = case
    assert kind == type(kind)(kind.classes) and len({kind, type(kind)(kind.classes)}) == 1
