"""Instance norms against tensorflow-addons' numbers and hand-written NumPy."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tf_medsynth.layers import ConditionalInstanceNormalization, InstanceNormalization

GOLDEN = Path(__file__).parents[1] / "golden" / "instance_normalization.npz"


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).normal(3.0, 2.0, (4, 6, 5, 3)).astype("float32")


def reference(images: np.ndarray, gain: np.ndarray, offset: np.ndarray) -> np.ndarray:
    mean = images.mean((1, 2), keepdims=True)
    deviation = np.sqrt(images.var((1, 2), keepdims=True) + 1e-5)
    return gain * (images - mean) / deviation + offset


def test_equals_addons() -> None:
    golden = np.load(GOLDEN)
    layer = InstanceNormalization(epsilon=float(golden["epsilon"]))
    layer.build(golden["inputs"].shape)
    layer.set_weights([golden["gamma"], golden["beta"]])
    np.testing.assert_allclose(ops.convert_to_numpy(layer(golden["inputs"])), golden["outputs"], atol=2e-6)


def test_large_mean_keeps_its_variance(images: np.ndarray) -> None:
    # E[x^2] - E[x]^2 in float32 would lose the spread of an image with mean 1000 and deviation 0.02.
    images = 1000.0 + 0.01 * images
    layer = InstanceNormalization(gain_spread=0.0)
    normed = ops.convert_to_numpy(layer(images))
    np.testing.assert_allclose(normed.std((1, 2)), 1.0, atol=0.05)


def test_conditional_takes_gain_and_offset_of_its_row(images: np.ndarray) -> None:
    layer = ConditionalInstanceNormalization()
    condition = np.eye(4, dtype="float32")
    layer.build([images.shape, condition.shape])
    rng = np.random.default_rng(1)
    weights = {weight.name: rng.normal(size=weight.shape).astype("float32") for weight in layer.weights}
    for weight in layer.weights:
        weight.assign(weights[weight.name])
    gain = (weights["gain"] + weights["condition_gain"])[:, None, None]
    offset = (weights["offset"] + weights["condition_offset"])[:, None, None]
    normed = ops.convert_to_numpy(layer([images, condition]))
    np.testing.assert_allclose(normed, reference(images, gain, offset), atol=1e-5)


def test_conditions_differ_from_the_start(images: np.ndarray) -> None:
    layer = ConditionalInstanceNormalization()
    same = np.repeat(images[:1], 4, axis=0)
    normed = ops.convert_to_numpy(layer([same, np.eye(4, dtype="float32")]))
    spread = np.abs(normed[0] - normed[1:]).max((1, 2, 3))
    assert (spread > 1e-3).all() and (spread < 1.0).all()


def test_half_precision_images_get_float32_statistics(images: np.ndarray) -> None:
    # 70,000 values of 3 add up to more than float16 holds.
    wide = np.tile(images[:1], (1, 50, 50, 1))
    layer = InstanceNormalization(gain_spread=0.0, dtype="mixed_float16")
    normed = ops.convert_to_numpy(layer(wide))
    assert normed.dtype == np.float16
    np.testing.assert_allclose(normed, reference(wide, np.ones(3), np.zeros(3)), atol=0.01)


def test_bfloat16_keeps_a_spread_beside_a_mean_ten_times_as_large() -> None:
    images = ops.cast(np.random.default_rng(2).normal(10.0, 1.0, (2, 32, 32, 3)), "bfloat16")
    layer = InstanceNormalization(gain_spread=0.0, dtype="mixed_bfloat16")
    normed = layer(images)
    wanted = reference(ops.convert_to_numpy(ops.cast(images, "float32")), np.ones(3), np.zeros(3))
    error = ops.convert_to_numpy(ops.cast(normed, "float32")) - wanted
    assert keras.backend.standardize_dtype(normed.dtype) == "bfloat16"
    assert np.sqrt(np.mean(error**2)) <= 4e-3
