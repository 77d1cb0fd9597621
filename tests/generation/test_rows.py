from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tf_medsynth.generation.rows import ROWS, Rowwise

VECTOR = tf.TensorSpec((3,), tf.float32)


@pytest.mark.parametrize("count", [0, 1, 2, 11])
@pytest.mark.parametrize("wrap", [lambda function: function, tf.function])
def test_any_number_of_rows_in_calls_of_one_size(count, wrap):
    seen = []

    def double(vectors):
        seen.append(vectors.shape[0])
        return {"twice": 2 * vectors, "sum": tf.reduce_sum(vectors, 1)}

    values = np.arange(3 * count, dtype=np.float32).reshape(count, 3)
    made = wrap(Rowwise(double, VECTOR))(tf.constant(values))
    np.testing.assert_array_equal(made["twice"], 2 * values)
    np.testing.assert_array_equal(made["sum"], values.sum(axis=1))
    assert seen == [ROWS]


def test_arguments_take_the_promised_type():
    made = Rowwise(
        lambda vectors, number: vectors + tf.cast(number, tf.float32)[:, None],
        VECTOR,
        tf.TensorSpec((), tf.int64),
    )(np.ones((2, 3)), [1, 2])
    np.testing.assert_array_equal(made, [[2, 2, 2], [3, 3, 3]])
    assert made.dtype == tf.float32
