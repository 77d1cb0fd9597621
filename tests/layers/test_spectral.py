"""Spectral norm against tensorflow-addons' numbers and a full singular value decomposition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tf_medsynth import runtime
from tf_medsynth.layers import SpectralConv2D

GOLDEN = Path(__file__).parents[1] / "golden" / "spectral_normalization.npz"


@pytest.fixture
def golden() -> dict[str, np.ndarray]:
    return dict(np.load(GOLDEN))


@pytest.fixture
def layer(golden: dict[str, np.ndarray]) -> SpectralConv2D:
    layer = SpectralConv2D(4, 3)
    layer.build(golden["inputs"].shape)
    layer.kernel.assign(golden["kernel"])
    layer.bias.assign(golden["bias"])
    layer.singular_vector.assign(golden["u"][0])
    return layer


@pytest.mark.parametrize("calls", [1, 3])
def test_equals_addons(layer: SpectralConv2D, golden: dict[str, np.ndarray], calls: int) -> None:
    for _ in range(calls):
        outputs = layer(golden["inputs"], training=True)
    np.testing.assert_allclose(ops.convert_to_numpy(outputs), golden[f"outputs_{calls}"], atol=1e-5)
    vector = ops.convert_to_numpy(layer.singular_vector)
    np.testing.assert_allclose(vector, golden[f"u_{calls}"][0], atol=1e-5)


def test_call_leaves_the_kernel_alone(layer: SpectralConv2D, golden: dict[str, np.ndarray]) -> None:
    layer(golden["inputs"], training=True)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.kernel), golden["kernel"])


def test_inference_changes_nothing(layer: SpectralConv2D, golden: dict[str, np.ndarray]) -> None:
    before = [ops.convert_to_numpy(weight).copy() for weight in layer.weights]
    first = ops.convert_to_numpy(layer(golden["inputs"], training=False))
    second = ops.convert_to_numpy(layer(golden["inputs"], training=False))
    np.testing.assert_array_equal(first, second)
    for old, weight in zip(before, layer.weights, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(weight))


def test_converges_to_the_largest_singular_value(
    layer: SpectralConv2D, golden: dict[str, np.ndarray]
) -> None:
    for _ in range(60):
        layer(golden["inputs"], training=True)
    largest = np.linalg.svd(golden["kernel"].reshape(-1, 4), compute_uv=False)[0]
    kernel = ops.convert_to_numpy(layer.normalised_kernel())
    np.testing.assert_allclose(kernel, golden["kernel"] / largest, rtol=1e-4, atol=1e-6)


def test_gradient_passes_through_sigma(layer: SpectralConv2D, golden: dict[str, np.ndarray]) -> None:
    # d/dW sum(G * W / s) with s = u'Wv is (G - sum(G * W / s) u v') / s.
    for _ in range(60):
        layer(golden["inputs"], training=True)
    weight = np.random.default_rng(2).normal(size=golden["kernel"].shape).astype("float32")
    with tf.GradientTape() as tape:
        total = ops.sum(layer.normalised_kernel() * weight)
    gradient = ops.convert_to_numpy(tape.gradient(total, layer.kernel.value))
    matrix, cotangent = golden["kernel"].reshape(-1, 4), weight.reshape(-1, 4)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    inner = (cotangent * matrix).sum() / values[0]
    expected = (cotangent - inner * np.outer(left[:, 0], right[0])) / values[0]
    np.testing.assert_allclose(gradient.reshape(-1, 4), expected, atol=1e-4)


def test_replicas_agree_on_the_vector(golden: dict[str, np.ndarray]) -> None:
    strategy = runtime.strategy(("CPU:0", "CPU:1"))
    with strategy.scope():
        mirrored = SpectralConv2D(4, 3)
        mirrored.build(golden["inputs"].shape)
    mirrored.singular_vector.assign(golden["u"][0])
    mirrored.kernel.assign(golden["kernel"])
    strategy.run(tf.function(lambda: mirrored(golden["inputs"], training=True)))
    vector = ops.convert_to_numpy(mirrored.singular_vector)
    np.testing.assert_allclose(vector, golden["u_1"][0], atol=1e-5)
