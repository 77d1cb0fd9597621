"""Copies beside shared samples: copy n of sample b stands in row n * B + b."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from keras import ops

from tf_medsynth.layers import ConditionPlanes, CopyFor, SharedAdd

RNG = np.random.default_rng(0)
SHARED = RNG.normal(size=(2, 3, 4, 5)).astype("float32")
COPIES = RNG.normal(size=(6, 3, 4, 5)).astype("float32")


def test_shared_add_equals_adding_tiles() -> None:
    total = ops.convert_to_numpy(SharedAdd()([COPIES, SHARED]))
    np.testing.assert_array_equal(total, COPIES + np.tile(SHARED, (3, 1, 1, 1)))


def test_shared_add_of_one_copy_is_a_sum() -> None:
    total = ops.convert_to_numpy(SharedAdd()([COPIES[:2], SHARED]))
    np.testing.assert_array_equal(total, COPIES[:2] + SHARED)


def test_gradient_of_the_shared_part_adds_over_copies() -> None:
    shared = tf.constant(SHARED)
    with tf.GradientTape() as tape:
        tape.watch(shared)
        total = ops.sum(SharedAdd()([COPIES, shared]) * COPIES)
    expected = COPIES.reshape(3, *SHARED.shape).sum(0)
    np.testing.assert_allclose(tape.gradient(total, shared), expected, atol=1e-5)


def test_copies_follow_the_conditions() -> None:
    copies = CopyFor()([SHARED, np.zeros((6, 4), "float32")])
    np.testing.assert_array_equal(ops.convert_to_numpy(copies), np.tile(SHARED, (3, 1, 1, 1)))


def test_planes_are_constant() -> None:
    condition = np.array([[0.0, 1.0], [1.0, 0.5]], "float32")
    planes = ops.convert_to_numpy(ConditionPlanes(3, 2)(condition))
    np.testing.assert_array_equal(planes, np.broadcast_to(condition[:, None, None], (2, 3, 2, 2)))
