"""Noise stays unit normal on coarser grids."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from tf_medsynth.layers import ShrinkNoise


@pytest.mark.parametrize("size", [1, 2, 4])
def test_coarser_noise_is_unit_normal(size: int) -> None:
    noise = np.random.default_rng(0).normal(size=(2, 256, 256, 1)).astype("float32")
    coarser = ops.convert_to_numpy(ShrinkNoise(size)(noise))
    assert coarser.shape == (2, 256 // size, 256 // size, 1)
    assert abs(coarser.mean()) < 0.03
    assert abs(coarser.std() - 1.0) < 0.03


def test_each_channel_is_summed_over_its_own_blocks() -> None:
    noise = np.random.default_rng(1).normal(size=(2, 6, 4, 3)).astype("float32")
    blocks = noise.reshape(2, 3, 2, 2, 2, 3).sum((2, 4)) / 2.0
    np.testing.assert_allclose(ShrinkNoise(2)(noise), blocks, atol=1e-6)
