"""Folding of pixel blocks against NumPy slicing."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from tf_medsynth.layers import Patchify, Unpatchify


@pytest.fixture
def images() -> np.ndarray:
    return np.arange(2 * 6 * 12 * 3, dtype="float32").reshape(2, 6, 12, 3)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_unpatchify_undoes_patchify(images: np.ndarray, size: int) -> None:
    restored = Unpatchify(size)(Patchify(size)(images))
    np.testing.assert_array_equal(ops.convert_to_numpy(restored), images)


def test_channels_hold_a_block_row_by_row(images: np.ndarray) -> None:
    folded = ops.convert_to_numpy(Patchify(2)(images))
    expected = np.concatenate(
        [images[:, 0::2, 0::2], images[:, 0::2, 1::2], images[:, 1::2, 0::2], images[:, 1::2, 1::2]], axis=-1
    )
    np.testing.assert_array_equal(folded, expected)


@pytest.mark.parametrize("layer", [Patchify(2), Unpatchify(2)])
def test_announced_shape_is_the_shape(layer: Patchify | Unpatchify) -> None:
    images = np.zeros((2, 4, 6, 8), "float32")
    assert layer.compute_output_shape(images.shape) == tuple(layer(images).shape)
    assert layer.compute_output_shape((None, None, 6, 8))[:2] == (None, None)
