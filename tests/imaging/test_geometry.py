"""Moving and resizing against tensorflow-addons, OpenCV and SciPy."""

import pathlib

import cv2
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from tf_medsynth.imaging import geometry
from tf_medsynth.types import MedSynthError

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
IMAGES = np.random.default_rng(3).random((2, 12, 9, 2)).astype(np.float32)


def test_rotation_is_that_of_tensorflow_addons():
    golden = np.load(GOLDEN / "rotation.npz")
    turned = geometry.rotate(golden["images"], golden["degrees"], "bilinear")
    np.testing.assert_allclose(turned, golden["rotated_bilinear"], atol=1e-4)
    labels = np.asarray(geometry.rotate(golden["labels"], golden["degrees"], "nearest"))
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, golden["rotated_nearest"])


def test_translation_is_that_of_tensorflow_addons():
    golden = np.load(GOLDEN / "translation.npz")
    down, right = golden["shifts"].T
    moved = geometry.translate(golden["images"], down, right, "bilinear")
    np.testing.assert_allclose(moved, golden["translated_bilinear"], atol=1e-5)
    labels = geometry.translate(golden["labels"], down, right, "nearest")
    np.testing.assert_array_equal(labels, golden["translated_nearest"])


@pytest.mark.parametrize(("interpolation", "order"), [("nearest", 0), ("bilinear", 1)])
def test_a_chain_of_motions_is_resampled_as_scipy_does(interpolation, order):
    matrix = np.asarray(
        geometry.flip_matrix(np.array([1, 0]), np.array([0, 1]))
        @ geometry.rotation_matrix(np.array([33.3, -71.0]))
        @ geometry.scaling_matrix(np.array([1.21, 0.83]), np.array([0.77, 1.1]))
        @ geometry.translation_matrix(np.array([1.3, -2.0]), np.array([0.4, 3.1]))
    )
    moved = np.asarray(geometry.transform(IMAGES, matrix, interpolation))
    centre = (np.array(IMAGES.shape[1:3]) - 1) / 2
    for image, answer, m in zip(IMAGES, moved, matrix.astype(np.float64), strict=True):
        offset = centre + m[:2, 2] - m[:2, :2] @ centre
        for channel in range(2):
            expected = ndimage.affine_transform(
                image[..., channel], m[:2, :2], offset, order=order, mode="grid-constant"
            )
            np.testing.assert_allclose(answer[..., channel], expected, atol=1e-4)


def test_quarter_turns_and_mirror_images_are_exact():
    square = IMAGES[:, :9]
    for interpolation in ("nearest", "bilinear"):
        turned = geometry.rotate(square, np.array([90.0, 180.0]), interpolation)
        expected = [np.rot90(square[0], 1), np.rot90(square[1], 2)]
        np.testing.assert_allclose(turned, expected, atol=1e-5)
    flipped = geometry.flip(IMAGES, np.array([True, False]), np.array([True, True]))
    np.testing.assert_array_equal(flipped, [IMAGES[0, ::-1, ::-1], IMAGES[1, :, ::-1]])
    by_matrix = geometry.transform(
        IMAGES, geometry.flip_matrix(np.array([True, False]), np.array([True, True])), "nearest"
    )
    np.testing.assert_array_equal(by_matrix, flipped)


@pytest.mark.parametrize(
    ("method", "flag", "size"),
    [
        ("nearest", cv2.INTER_NEAREST_EXACT, (32, 5)),
        ("bilinear", cv2.INTER_LINEAR, (31, 5)),
        ("area", cv2.INTER_AREA, (6, 3)),
        ("area", cv2.INTER_AREA, (7, 8)),
    ],
)
def test_resizing_is_opencvs(method, flag, size):
    expected = [cv2.resize(image, size[::-1], interpolation=flag) for image in IMAGES]
    np.testing.assert_allclose(geometry.resize(IMAGES, *size, method), expected, atol=1e-5)


def test_nearest_keeps_labels_whole_and_works_on_unknown_sizes():
    labels = np.arange(24, dtype=np.int32).reshape(1, 4, 6, 1)
    step = tf.function(
        lambda label: geometry.resize(label, 8, 3, "nearest"),
        input_signature=[tf.TensorSpec((None, None, None, 1), tf.int32)],
    )
    resized = step(labels).numpy()
    assert resized.dtype == np.int32
    np.testing.assert_array_equal(resized[0, ..., 0], np.repeat(labels[0, :, 1::2, 0], 2, axis=0))


def test_cropping_and_padding_keep_the_centre():
    cropped = geometry.centre_crop(IMAGES, 8, 5)
    np.testing.assert_array_equal(cropped, IMAGES[:, 2:10, 2:7])
    padded = np.asarray(geometry.centre_pad(cropped, 12, 9))
    np.testing.assert_array_equal(padded[:, 2:10, 2:7], cropped)
    assert padded.sum() == pytest.approx(np.sum(cropped))


def test_magnifying_by_nothing_changes_nothing():
    assert geometry.magnify_nearest(IMAGES, 0) is IMAGES
    doubled = np.asarray(geometry.magnify_nearest(IMAGES, 12))[:, :, 0]
    np.testing.assert_array_equal(doubled[:, ::2], doubled[:, 1::2])


def test_impossible_sizes_are_refused():
    with pytest.raises(MedSynthError, match="smaller"):
        geometry.resize(IMAGES, 13, 9, "area")
    with pytest.raises(MedSynthError, match="not larger"):
        geometry.centre_crop(IMAGES, 13, 9)
    with pytest.raises(MedSynthError, match="not smaller"):
        geometry.centre_pad(IMAGES, 11, 9)
    with pytest.raises(MedSynthError, match="interpolation"):
        geometry.rotate(IMAGES, np.zeros(2), "cubic")
