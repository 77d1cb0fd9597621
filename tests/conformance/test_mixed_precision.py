"""Half-precision policies: float32 weights, float32 network outputs, finite and near the float32 numbers."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import pytest

from tests.conformance.registry import EVERYTHING, NETWORKS, arrays, inputs_for


@pytest.fixture
def policy(request: pytest.FixtureRequest) -> Iterator[str]:
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


def half_and_single(name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Outputs under the current policy and, with the same weights, in float32."""
    keras.utils.set_random_seed(0)
    half = EVERYTHING[name]()
    inputs = inputs_for(half)
    outputs = arrays(half(inputs))
    current = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    single = EVERYTHING[name]()
    keras.config.set_dtype_policy(current)
    single.set_weights(half.get_weights())
    return outputs, arrays(single(inputs))


@pytest.mark.parametrize("policy", ["mixed_bfloat16"], indirect=True)
@pytest.mark.parametrize("name", EVERYTHING)
def test_near_float32(name: str, policy: str) -> None:
    for half, single in zip(*half_and_single(name), strict=True):
        assert np.isfinite(half.astype("float32")).all()
        scale = max(1.0, float(np.abs(single).max()))
        assert np.abs(half.astype("float32") - single).mean() < 0.05 * scale


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"], indirect=True)
@pytest.mark.parametrize("name", NETWORKS)
def test_weights_and_outputs_are_float32(name: str, policy: str) -> None:
    model = NETWORKS[name]()
    assert {weight.dtype for weight in model.trainable_weights} <= {"float32"}
    if name not in ("prior", "calibration"):  # one layer that must not lose digits
        assert any(layer.compute_dtype == policy.removeprefix("mixed_") for layer in model.layers)
    outputs = arrays(model(inputs_for(model)))
    assert all(np.isfinite(array.astype("float32")).all() for array in outputs)
    if name not in (
        "unet_encoder",
        "segmentor_encoder",
    ):  # outputs are a decoder's inputs, and stay as both compute
        assert {array.dtype for array in outputs} == {np.dtype("float32")}
