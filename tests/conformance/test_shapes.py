"""Announced shapes are the real ones, for any batch, and samples do not see each other."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.registry import EVERYTHING, arrays, inputs_for, randomise


@pytest.mark.parametrize("name", EVERYTHING)
def test_unknown_batch(name: str) -> None:
    model = EVERYTHING[name]()
    announced = [tuple(tensor.shape) for tensor in model.outputs]
    assert all(shape[0] is None and None not in shape[1:] for shape in announced)
    signature = keras.tree.map_structure(lambda t: tf.TensorSpec(t.shape, tf.float32), model.input)
    traced = tf.function(lambda inputs: model(inputs, training=False), input_signature=[signature])
    for batch in (1, 3):
        shapes = [array.shape for array in arrays(traced(inputs_for(model, batch)))]
        assert shapes == [(batch, *shape[1:]) for shape in announced]


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_sample_alone_equals_the_sample_in_a_batch(name: str) -> None:
    model = EVERYTHING[name]()
    randomise(model)
    inputs = inputs_for(model)
    together = arrays(model(inputs))
    alone = arrays(model(keras.tree.map_structure(lambda tensor: tensor[1:2], inputs)))
    for one, many in zip(alone, together, strict=True):
        np.testing.assert_allclose(one[0], many[1], atol=2e-5)
