"""A network is rebuilt from its configuration, its file, and by cloning."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.conformance.registry import EVERYTHING, NETWORKS, arrays, inputs_for, randomise


def check_equal(first: keras.Model, second: keras.Model) -> None:
    inputs = inputs_for(first)
    for one, other in zip(arrays(first(inputs)), arrays(second(inputs)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", EVERYTHING)
def test_from_config(name: str) -> None:
    model = EVERYTHING[name]()
    randomise(model)
    written = json.dumps(keras.saving.serialize_keras_object(model))
    restored = keras.saving.deserialize_keras_object(json.loads(written))
    assert json.dumps(keras.saving.serialize_keras_object(restored)) == written
    restored.set_weights(model.get_weights())
    check_equal(model, restored)


@pytest.mark.parametrize("name", NETWORKS)
def test_clone(name: str) -> None:
    model = NETWORKS[name]()
    randomise(model)
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    check_equal(model, copy)


@pytest.mark.parametrize("name", NETWORKS)
def test_keras_file(name: str, tmp_path: Path) -> None:
    model = NETWORKS[name]()
    randomise(model)
    model.save(tmp_path / "model.keras")
    check_equal(model, keras.saving.load_model(tmp_path / "model.keras"))
