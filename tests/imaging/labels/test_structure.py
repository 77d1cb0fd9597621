"""Structures stay in the map, follow it, and are read off it."""

import numpy as np
import pytest

from tf_medsynth.config.domain import LabelSpec
from tf_medsynth.config.imaging import LabelAugmentConfig
from tf_medsynth.imaging.labels.structure import DrawnStructure, coarse_label
from tf_medsynth.types import MedSynthError

KIND = DrawnStructure(LabelSpec("structure", ("background", "vessel")).classes)
ROWS, COLUMNS = np.mgrid[:64, :64]


def disc(row, column, radius):
    """1 outside a disc, and its outline of two px with a line across it."""
    distance = np.hypot(ROWS - row, COLUMNS - column)
    outline = np.abs(distance - radius + 1) <= 1
    across = (row == ROWS) & (distance < radius)
    mask = (distance > radius).astype(np.float32)
    return (outline | across).astype(np.float32)[None, ..., None], mask[None, ..., None]


def test_its_lines_stay_and_it_is_not_moved_alone():
    lines, _ = disc(31, 31, 20)
    label = lines.astype(np.int32)
    np.testing.assert_array_equal(KIND.erase(lines, label), lines)
    words = np.full((1, 6), 0.3, np.float32)
    np.testing.assert_array_equal(KIND.augment(label, words, LabelAugmentConfig(), 64, 64), label)
    assert KIND.follows_map


@pytest.mark.parametrize("centre", [(31, 31), (25, 40)])
def test_a_coarse_label_has_the_inner_lines_without_the_outline(centre):
    radius = 22
    lines, mask = disc(*centre, radius)
    label = np.asarray(coarse_label(lines, mask, 0.8))[0, ..., 0]
    assert label.dtype == np.int32
    distance = np.hypot(ROWS - centre[0], COLUMNS - centre[1])
    assert not label[distance > 0.8 * radius + 1].any()
    well_inside = distance < 0.8 * radius - 1
    np.testing.assert_array_equal(label[well_inside], lines[0, ..., 0][well_inside])
    assert label.sum() > 30


def test_nothing_is_shrunk_away_at_a_factor_of_one_and_other_factors_are_refused():
    lines, mask = disc(31, 31, 20)
    np.testing.assert_array_equal(coarse_label(lines, mask, 1.0), lines * (1 - mask))
    np.testing.assert_array_equal(KIND.of_map(lines, mask), coarse_label(lines, mask))
    for factor in (0.0, 1.5):
        with pytest.raises(MedSynthError, match=r"in \(0, 1\]"):
            coarse_label(lines, mask, factor)


def test_without_an_organ_there_is_no_label():
    lines, _ = disc(31, 31, 20)
    assert not np.asarray(coarse_label(lines, np.ones_like(lines))).any()
