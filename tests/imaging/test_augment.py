"""Augmentation: draws give the documented parameters, parameters move images and labels together."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from tf_medsynth.config.imaging import ImageAugmentConfig, LabelAugmentConfig, TrainAugmentConfig
from tf_medsynth.imaging import augment
from tf_medsynth.types import MedSynthError

rng = np.random.default_rng(4)
LABEL = np.zeros((1, 24, 20, 1), np.int32)
LABEL[0, 6:12, 4:13, 0] = 2
LABEL[0, 8:10, 6:9, 0] = 4
ROTATE, FLIP, MOVE, SHRINK = 0.1, 0.3, 0.6, 0.9


def moved(first, second=(SHRINK, 0.0, 0.0), **config):
    draws = np.array([[*first, *second]], np.float32)
    parameters = augment.label_augmentation(draws, LabelAugmentConfig(**config))
    return np.asarray(augment.apply_label_augmentation(LABEL, parameters))[0, ..., 0]


def test_two_mirror_images_and_two_half_turns():
    both = moved((FLIP, 0.2, 0.0), (FLIP, 0.7, 0.0))
    np.testing.assert_array_equal(both, LABEL[0, ::-1, ::-1, 0])
    half = (ROTATE, 180.5 / 360, 0.9)
    np.testing.assert_array_equal(moved(half, half), LABEL[0, ..., 0])


@pytest.mark.parametrize(("direction", "shift"), [(0, (5, 0)), (1, (-5, 0)), (2, (0, 5)), (3, (0, -5))])
def test_translation_of_whole_pixels(direction, shift):
    draws = (MOVE, 0.99, (direction + 0.5) / 4), (MOVE, 0.99, (direction + 0.5) / 4)
    expected = ndimage.shift(LABEL[0, ..., 0], 2 * np.array(shift), order=0)
    np.testing.assert_array_equal(moved(*draws), expected)


def test_shrinking_keeps_the_classes_and_the_share():
    small = moved((SHRINK, 0.99, 0.0), (SHRINK, 0.99, 0.0), shrink=(4, 4))
    assert set(np.unique(small)) <= {0, 2, 4}
    expected = np.sum(LABEL > 0) * (20 / 24 * 16 / 20) ** 2
    assert np.sum(small > 0) == pytest.approx(expected, rel=0.25)


def test_a_fitted_quarter_turn_fills_the_frame_and_a_cut_one_does_not():
    bars = np.ones((1, 24, 12, 1), np.int32)
    quarter = (ROTATE, 90.5 / 360)
    for fitted, share in ((0.0, 1.0), (0.99, 0.5)):
        draws = np.array([[*quarter, fitted, MOVE, 0.0, 0.1]], np.float32)
        parameters = augment.label_augmentation(draws, LabelAugmentConfig(translate=(0, 0)))
        covered = np.asarray(augment.apply_label_augmentation(bars, parameters)).mean()
        assert covered == pytest.approx(share, abs=0.01)


def test_every_operation_is_drawn_a_quarter_of_the_time():
    draws = rng.random((4000, augment.LABEL_UNIFORMS)).astype(np.float32)
    motion = augment.label_augmentation(draws).second
    mirrored = np.asarray(motion.top_bottom) + np.asarray(motion.left_right)
    translated = np.abs(motion.down) + np.abs(motion.right)
    for share in (mirrored.mean(), np.mean(translated > 0), np.mean(np.asarray(motion.taller) < 0)):
        assert share == pytest.approx(0.25, abs=0.03)
    assert set(np.unique(translated)) == {0, 2, 3, 4, 5}
    assert set(np.unique(motion.wider)) == {0, -2, -3, -4, -5, -6, -7}
    degrees = np.asarray(motion.degrees)
    assert degrees.min() >= 0 and 350 < degrees.max() <= 359 and np.all(degrees == np.round(degrees))


def test_enhanced_images_and_label_move_together():
    draws = rng.random((24, augment.IMAGE_UNIFORMS)).astype(np.float32)
    parameters = augment.image_augmentation(draws, ImageAugmentConfig(noise=0.0))
    label = np.repeat(LABEL, 24, axis=0)
    images = np.repeat((label > 0).astype(np.float32), 4, axis=-1)
    noise = np.zeros_like(images)
    images, label = (
        np.asarray(a) for a in augment.apply_image_augmentation(images, label, parameters, noise)
    )
    assert np.mean((images[..., :1] > 0.5) != (label > 0)) < 0.01
    assert len({tuple(row.ravel()) for row in label}) > 12


def test_enhancing_noise_stays_in_the_organ_and_changes_nothing_else():
    draws = np.array([[0.9, 0.55, 0, 0, 0, 0, 0], [0.9, 0.2, 0, 0, 0.55, 0, 0]], np.float32)
    parameters = augment.image_augmentation(draws)
    np.testing.assert_allclose(parameters.noise, [0.03, 0.0])  # the second sample takes one step only
    images = np.repeat(np.repeat(0.5 * (LABEL > 0), 2, axis=0), 4, axis=-1).astype(np.float32)
    noise = rng.random(images.shape).astype(np.float32)
    noisy, _ = augment.apply_image_augmentation(images, np.repeat(LABEL, 2, axis=0), parameters, noise)
    noisy = np.asarray(noisy)
    np.testing.assert_array_equal(noisy[0] == 0, images[0] == 0)
    np.testing.assert_allclose(noisy[0].max(axis=(0, 1)), 1.0)
    assert noisy[0][images[0] > 0].std() > 0.01
    np.testing.assert_array_equal(noisy[1], images[1, ::-1])


def test_training_augmentation_at_the_middle_draw_changes_nothing():
    images = (rng.random((2, 16, 12, 4)) * (rng.random((2, 16, 12, 1)) > 0.4)).astype(np.float32)
    draws = np.full((2, augment.training_uniforms(4)), 0.5, np.float32)
    parameters = augment.training_augmentation(draws, TrainAugmentConfig(flip_probability=0.0))
    same, label = augment.apply_training_augmentation(images, LABEL[:, :16, :12].repeat(2, 0), parameters)
    np.testing.assert_allclose(same, images, atol=1e-6)
    np.testing.assert_array_equal(label, LABEL[:, :16, :12].repeat(2, 0))


def test_training_augmentation_keeps_background_and_range_in_a_graph():
    images = np.zeros((3, 32, 28, 4), np.float32)
    images[:, 10:22, 8:20] = rng.random((3, 12, 12, 4))
    draws = rng.random((3, augment.training_uniforms(4))).astype(np.float32)

    def step(images, draws):
        parameters = augment.training_augmentation(draws)
        return augment.apply_training_augmentation(images, tf.cast(images[..., :1] > 0, tf.int32), parameters)

    changed, label = step(images, draws)
    graph = next(iter(tf.data.Dataset.from_tensors((images, draws)).map(step)))[0]
    np.testing.assert_allclose(graph, changed, atol=1e-5)
    changed = np.asarray(changed)
    assert changed.min() == 0 and changed.max() <= 1
    assert np.all(changed[:, [0, -1]] == 0) and np.mean((changed.max(-1) > 0) == (label[..., 0] > 0)) > 0.9


def test_draws_of_another_width_are_refused():
    with pytest.raises(MedSynthError, match=r"\(B, 6\)"):
        augment.label_augmentation(np.zeros((2, 5), np.float32))
