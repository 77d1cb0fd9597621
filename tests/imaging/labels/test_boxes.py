"""Boxes: filled for the generator, erased from maps, moved as boxes."""

import numpy as np
import pytest

from tf_medsynth.config.imaging import LabelAugmentConfig
from tf_medsynth.imaging import augment, geometry
from tf_medsynth.imaging.labels.boxes import MOST_BOXES, ClassBoxes, moved

KIND = ClassBoxes(("background", "nodule", "cord"))
H, W = 8, 10
TOP_LEFT, OVERLAP = (0.25, 0.2, 0.5, 0.6, 1), (0.375, 0.5, 0.75, 0.7, 2)


def boxes(*rows):
    label = np.zeros((1, MOST_BOXES, 5), np.float32)
    label[0, : len(rows)] = rows
    return label


def filled(rows, columns):
    image = np.zeros((H, W))
    image[rows, columns] = 1
    return image


def test_boxes_are_filled_a_class_each():
    planes = np.asarray(KIND.planes(boxes(TOP_LEFT, OVERLAP), H, W))[0]
    one, two = filled(slice(2, 4), slice(2, 6)), filled(slice(3, 6), slice(5, 7))
    np.testing.assert_array_equal(planes[..., 1], one)
    np.testing.assert_array_equal(planes[..., 2], two)
    np.testing.assert_array_equal(planes[..., 0], 1 - np.maximum(one, two))
    codes = np.asarray(KIND.codes(boxes(TOP_LEFT, OVERLAP), H, W))[0, ..., 0]
    np.testing.assert_array_equal(codes, np.maximum(one, 2 * two))


def test_lines_in_a_box_are_erased():
    lines = np.ones((1, H, W, 1), np.float32)
    kept = np.asarray(KIND.erase(lines, boxes(TOP_LEFT)))[0, ..., 0]
    np.testing.assert_array_equal(kept, 1 - filled(slice(2, 4), slice(2, 6)))


def test_boxes_that_leave_the_organ_do_not_fit_and_are_left_out():
    mask = np.zeros((1, H, W, 1), np.float32)
    mask[0, 5:] = 1
    label = boxes(TOP_LEFT, OVERLAP)
    np.testing.assert_array_equal(KIND.outside(mask, label), [2])
    np.testing.assert_array_equal(KIND.fits(mask, label), [False])
    np.testing.assert_array_equal(KIND.cut(mask, label), boxes(TOP_LEFT))


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (geometry.flip_matrix(np.zeros(1), np.ones(1)), (0.25, 0.4, 0.5, 0.8, 1)),
        (geometry.flip_matrix(np.ones(1), np.zeros(1)), (0.5, 0.2, 0.75, 0.6, 1)),
        (geometry.translation_matrix(np.array([2.0]), np.array([-1.0])), (0.5, 0.1, 0.75, 0.5, 1)),
        (geometry.translation_matrix(np.array([-3.0]), np.array([0.0])), (0.0, 0.2, 0.125, 0.6, 1)),
        (geometry.scaling_matrix(np.array([0.5]), np.array([0.5])), (0.375, 0.35, 0.5, 0.55, 1)),
        (geometry.rotation_matrix(np.array([180.0])), (0.5, 0.4, 0.75, 0.8, 1)),
        (geometry.translation_matrix(np.array([0.0]), np.array([9.0])), (0, 0, 0, 0, 0)),
    ],
)
def test_boxes_move_as_what_is_in_them(matrix, expected):
    np.testing.assert_allclose(moved(boxes(TOP_LEFT), matrix, H, W), boxes(expected), atol=1e-6)


def test_a_quarter_turn_anticlockwise_turns_the_box_as_it_turns_pixels():
    label = np.array([[[0.25, 0.5, 0.375, 1.0, 2]]], np.float32)
    quarter = geometry.rotation_matrix(np.array([90.0]))
    pixels = geometry.transform(np.asarray(KIND.planes(label, 8, 8))[..., 2:], quarter, "nearest")
    turned = KIND.planes(moved(label, quarter, 8, 8), 8, 8)[..., 2:]
    np.testing.assert_allclose(moved(label, quarter, 8, 8), [[[0.0, 0.25, 0.5, 0.375, 2]]], atol=1e-6)
    np.testing.assert_array_equal(turned, pixels)


def test_alone_they_are_mirrored_and_shrunk_and_never_turned():
    rotated_twice = np.array([[0.1, 0.3, 0.9, 0.1, 0.7, 0.0]], np.float32)
    label = boxes(TOP_LEFT)
    np.testing.assert_allclose(KIND.augment(label, rotated_twice, LabelAugmentConfig(), H, W), label)
    upside_and_across = np.array([[0.3, 0.2, 0.0, 0.3, 0.7, 0.0]], np.float32)
    both = KIND.augment(label, upside_and_across, LabelAugmentConfig(), H, W)
    np.testing.assert_allclose(both, boxes((0.5, 0.4, 0.75, 0.8, 1)), atol=1e-6)


def test_with_images_they_stay_around_what_they_hold():
    label = np.array([[[0.25, 0.25, 0.5, 0.75, 1]]], np.float32)
    images = np.zeros((1, 32, 32, 4), np.float32)
    images[0, 8:16, 8:24] = 1
    one = np.ones(1, np.float32)
    turned = augment.TrainingAugmentation(
        one, 10 * one, one, 0 * one, 0.125 * one, np.ones((1, 4), np.float32), np.zeros((1, 4), np.float32)
    )
    image, after = KIND.augment_with(images, label, turned)
    rows, columns = np.nonzero(np.asarray(image)[0, ..., 0] > 0.5)
    top, left, bottom, right, code = np.asarray(after)[0, 0]
    assert code == 1
    assert top * 32 <= rows.min() + 0.5 and rows.max() + 0.5 <= bottom * 32
    assert left * 32 <= columns.min() + 0.5 and columns.max() + 0.5 <= right * 32
    assert abs(columns.mean() + 0.5 - 32 * (left + right) / 2) < 1


def test_its_picture_has_outlines():
    picture = KIND.pictures(boxes((0.25, 0.2, 0.75, 0.8, 2)), H, W)[0]
    coloured = np.all(picture == KIND.colours["cord"], axis=-1)
    expected = filled(slice(2, 6), slice(2, 8)) - filled(slice(3, 5), slice(3, 7))
    np.testing.assert_array_equal(coloured, expected)
