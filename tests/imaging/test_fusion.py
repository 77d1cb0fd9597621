"""Fusion on hand-written 2 x 2 images."""

import numpy as np
import pytest

from tf_medsynth.config.imaging import FusionConfig
from tf_medsynth.imaging.fusion import fuse_label, fuse_noise, label_inside, remove_lesion
from tf_medsynth.types import MedSynthError

LINES = np.array([[1, 0], [0, 1]], np.float32)[None, ..., None]
LABEL = np.array([[0, 0], [2, 4]], np.int32)[None, ..., None]
ONE_HOT = np.eye(5, dtype=np.float32)[LABEL[..., 0]]


def test_lines_under_the_lesion_are_removed():
    np.testing.assert_array_equal(np.asarray(remove_lesion(LINES, LABEL))[0, ..., 0], [[1, 0], [0, 0]])


def test_noise_fills_the_organ_between_the_lines_only():
    outside = np.array([[0, 0], [1, 0]], np.float32)[None, ..., None]
    noise = np.array([[0.5, 0.57], [0.52, 0.59]], np.float32)[None, ..., None]
    np.testing.assert_allclose(fuse_noise(LINES, outside, noise)[0, ..., 0], [[1, 0.57], [0, 1]])


def test_concat_appends_the_classes():
    fused = np.asarray(fuse_label(0.5 * LINES, ONE_HOT, FusionConfig()))
    assert fused.shape == (1, 2, 2, 6)
    np.testing.assert_array_equal(fused[..., :1], 0.5 * LINES)
    np.testing.assert_array_equal(fused[..., 1:].argmax(-1)[0], [[0, 0], [2, 4]])


def test_weighted_sums_each_class_with_the_map():
    fused = np.asarray(fuse_label(LINES, ONE_HOT, FusionConfig(label_mode="weighted")))
    np.testing.assert_allclose(fused[0, 0, 0], [1.0, 0.8, 0.8, 0.8, 0.8])
    np.testing.assert_allclose(fused[0, 1, 0], [0, 0, 0.2, 0, 0])
    with pytest.raises(MedSynthError, match="one channel"):
        fuse_label(np.zeros((1, 2, 2, 2)), ONE_HOT, FusionConfig(label_mode="weighted"))


def test_a_label_is_inside_when_no_pixel_of_it_lies_on_the_background():
    masks = np.zeros((3, 2, 2, 1), np.float32)
    masks[0, 0, 0] = masks[1, 1, 0] = masks[2] = 1
    labels = np.concatenate([LABEL, LABEL, 0 * LABEL])
    np.testing.assert_array_equal(label_inside(masks, labels), [True, False, True])
