"""Background masks against SciPy and counted pixels; 1 is OUTSIDE the organ."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from tf_medsynth.config.imaging import operator_preset
from tf_medsynth.imaging.edges import structure_map
from tf_medsynth.imaging.masks import background_mask, fill_holes, map_and_mask, mask_from
from tf_medsynth.types import MedSynthError

rng = np.random.default_rng(2)


def ellipse(height, width, radius_y, radius_x):
    rows, columns = np.mgrid[:height, :width]
    rows, columns = rows - (height - 1) / 2, columns - (width - 1) / 2
    return ((rows / radius_y) ** 2 + (columns / radius_x) ** 2 < 1).astype(np.float32)[None, ..., None]


def test_without_expansion_the_mask_is_the_complement():
    images = rng.random((2, 9, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(background_mask(images, 0.4), 1.0 * (images <= 0.4))


def test_expansion_magnifies_the_organ_about_the_centre():
    organ = ellipse(184, 144, 70, 55)
    mask = np.asarray(background_mask(organ, 0.0, expand=10))
    assert (1 - mask).sum() / organ.sum() == pytest.approx(194 / 184 * 154 / 144, abs=0.005)  # +12.8 %
    assert np.mean(mask != mask[:, ::-1, ::-1]) < 1e-3  # a pixel's centre can fall on a border


def test_median_and_normalisation():
    images = 100 * ellipse(30, 30, 10, 8)
    images[0, 2, 2] = 90
    mask = np.asarray(background_mask(images, 0.5, median=3, normalise=True))
    assert mask[0, 2, 2, 0] == 1 and mask[0, 15, 15, 0] == 0 and mask[0, 0, 0, 0] == 1


def test_union_takes_the_organ_of_any_channel():
    images = np.zeros((1, 4, 4, 2), np.float32)
    images[0, 1, 1, 0] = images[0, 2, 2, 1] = 1
    mask = np.asarray(background_mask(images, union=True))
    assert mask.shape == (1, 4, 4, 1) and mask.sum() == 14


def test_holes_are_filled_like_scipy_does():
    smooth = ndimage.gaussian_filter(rng.random((4, 40, 34, 1)), (0, 1, 1, 0))
    background = (smooth > np.median(smooth)).astype(np.float32)
    expected = [~ndimage.binary_fill_holes(organ) for organ in background[..., 0] == 0]
    filled = np.asarray(fill_holes(background))
    np.testing.assert_array_equal(filled[..., 0], expected)
    assert filled.sum() < background.sum()


def test_a_background_that_winds_is_kept_and_an_enclosed_one_is_not():
    organ = np.ones((21, 21), np.float32)
    organ[0:20:4] = 0  # corridors, joined in turn at their right and left ends
    organ[1:4, -2] = organ[5:8, 1] = organ[9:12, -2] = organ[13:16, 1] = 0
    organ[:, 0] = organ[:, -1] = organ[-1] = 1
    winding = 1 - organ[None, ..., None]
    np.testing.assert_array_equal(fill_holes(winding), winding)
    winding[0, 0] = 0
    assert not np.any(fill_holes(winding))


def test_the_same_in_tf_data():
    images = ndimage.gaussian_filter(rng.random((2, 24, 20, 1)), (0, 2, 2, 0)).astype(np.float32)
    config = operator_preset("measured/brats_64").mask.override({"threshold": 0.5})
    graph = tf.data.Dataset.from_tensors(images).map(lambda x: mask_from(x, config))
    np.testing.assert_array_equal(next(iter(graph)), mask_from(images, config))


def test_the_same_in_a_saved_model(tmp_path):
    image = ndimage.gaussian_filter(rng.random((2, 32, 28, 1)), (0, 2, 2, 0)) * ellipse(32, 28, 12, 10)
    config = operator_preset("measured/brats_64")
    module = tf.Module()
    module.take_apart = tf.function(
        lambda images: map_and_mask(images, images, config),
        input_signature=[tf.TensorSpec((None, 32, 28, 1), tf.float32)],
    )
    tf.saved_model.save(module, tmp_path)
    loaded = tf.saved_model.load(tmp_path).take_apart(image.astype(np.float32))
    for saved, eager in zip(loaded, map_and_mask(image, image, config), strict=True):
        np.testing.assert_array_equal(saved, eager)


def test_map_and_mask_keeps_lines_inside_the_organ():
    image = ndimage.gaussian_filter(rng.random((1, 60, 50, 1)), (0, 2, 2, 0)) * ellipse(60, 50, 20, 15)
    config = operator_preset("thesis/brats")
    lines, mask = map_and_mask(image, image, config)
    free = structure_map(image, config.structure.override({"organ_only": False}))
    np.testing.assert_array_equal(lines, free * (1 - mask))
    assert np.sum(lines) > 0


def test_without_union_the_mask_is_of_the_modality_whose_lines_are_drawn():
    images = ndimage.gaussian_filter(rng.random((2, 40, 36, 4)), (0, 2, 2, 0)).astype(np.float32)
    config = operator_preset("thesis/brats")
    lines, mask = map_and_mask(images[..., 1:2], images, config)
    assert lines.shape == mask.shape == (2, 40, 36, 1)
    np.testing.assert_array_equal(mask, mask_from(images[..., 1:2], config.mask))
    union = config.override({"mask.union": True})
    assert np.any(map_and_mask(images[..., 1:2], images, union)[1] != mask)


def test_expansion_is_not_negative():
    with pytest.raises(MedSynthError, match="0 or more px"):
        background_mask(np.zeros((1, 4, 4, 1)), expand=-1)
