"""Losses of a detector, against numbers worked out by hand: a 2 x 4 grid, two classes and no box."""

import numpy as np
import pytest

from tf_medsynth.losses import detection

LEFT_HALF = (0.0, 0.0, 1.0, 0.5, 1)
SPECK = (0.7, 0.8, 0.72, 0.82, 2)  # holds no cell's centre; its own lies in the last cell
REACH = 0.25


def boxes(*rows):
    label = np.zeros((1, 3, 5), np.float32)
    for number, row in enumerate(rows):
        label[0, number] = row
    return label


def cells(code=0, sure=0.0, reach=(0.5, 0.5, 0.5, 0.5)):
    """The same in every cell: a class by `sure` logits over the others, and how far its box reaches."""
    answer = np.zeros((1, 2, 4, 7), np.float32)
    answer[..., code] = sure
    answer[..., 3:] = np.log(np.expm1(np.array(reach) / REACH))
    return answer


def test_a_box_reaches_from_the_centre_of_its_cell():
    found = np.asarray(detection.predicted_boxes(cells(reach=(0.1, 0.05, 0.2, 0.1))))
    np.testing.assert_allclose(found[0, 0, 0], [0.15, 0.075, 0.45, 0.225], atol=1e-6)
    np.testing.assert_allclose(found[0, 1, 3], [0.65, 0.825, 0.95, 0.975], atol=1e-6)


def test_undecided_classes_cost_the_same_with_and_without_a_box():
    undecided = cells()
    np.testing.assert_allclose(
        detection.cell_cross_entropy(boxes(LEFT_HALF), undecided), [2 * np.log(3)], rtol=1e-6
    )
    np.testing.assert_allclose(detection.cell_cross_entropy(boxes(), undecided), [np.log(3)], rtol=1e-6)


def test_each_cell_answers_for_the_smallest_box_it_is_in():
    answer = cells()
    answer[0, 1, 3, 2] = np.log(2)  # of the speck's cell: 2 of 4 parts its class
    wanted = [np.log(2) + np.log(3)]
    np.testing.assert_allclose(detection.cell_cross_entropy(boxes(SPECK), answer), wanted, rtol=1e-6)
    whole = (0.0, 0.0, 1.0, 1.0, 1)
    both = (np.log(2) + 7 * np.log(3)) / 8  # the whole image's box has the other seven cells
    for label in (boxes(SPECK, whole), boxes(whole, SPECK)):
        np.testing.assert_allclose(detection.cell_cross_entropy(label, answer), [both], rtol=1e-6)


def test_box_error_is_one_minus_overlap_over_the_boxed_cells():
    # Boxes around the left half's cells reach over half the height and all of the half's width.
    exact = cells(reach=(0.25, 1e-4, 0.25, 1e-4))
    error = detection.box_error(boxes((0.0, 0.0, 0.5, 0.25, 1)), exact)
    np.testing.assert_allclose(error, [1 - 2e-4 / 0.25], atol=1e-5)
    assert float(detection.box_error(boxes(), exact)[0]) == 0


@pytest.mark.parametrize(("code", "share"), [(1, 0.5), (2, 0.25)])
def test_agreement_is_probability_times_overlap(code, share):
    answer = cells(1, np.log(2), reach=(0.25, 0.125, 0.25, 0.125))  # exactly one cell, half sure of class 1
    cell = (0.5, 0.25, 1.0, 0.5, code)
    np.testing.assert_allclose(detection.detection_agreement(boxes(cell), answer), [share], rtol=1e-5)
    wide = (0.0, 0.25, 1.0, 0.5, code)  # two cells, either of which covers half
    np.testing.assert_allclose(detection.detection_agreement(boxes(wide), answer), [share / 2], rtol=1e-5)
    np.testing.assert_allclose(
        detection.detection_agreement(boxes(cell, wide), answer), [share * 0.75], rtol=1e-5
    )


def test_without_boxes_agreement_is_how_likely_there_are_none():
    np.testing.assert_allclose(detection.detection_agreement(boxes(), cells(0, np.log(2))), [0.5], rtol=1e-6)
