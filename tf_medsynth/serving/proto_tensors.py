"""Tensors of TensorFlow Serving's messages as arrays: what a shape claims, the message must hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tf_medsynth.config.base import check
from tf_medsynth.serving.signatures import Signature, TensorSpec

_MOST_REPEATS = 2**20
"""Elements of a tensor that holds one value for all; more must be sent."""
_WHOLE_NUMBERS = ("int8", "uint8", "int16", "uint16", "int32")
_FIELDS = {
    **dict.fromkeys(_WHOLE_NUMBERS, "int_val"),
    **dict.fromkeys(("float16", "bfloat16"), "half_val"),
    "float32": "float_val",
    "float64": "double_val",
    "int64": "int64_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    "bool": "bool_val",
    "string": "string_val",
}
"""Where a message keeps the values of a type, unless it has them as bytes."""


def arrays(signature: Signature, tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The inputs of `signature` that a request holds, looked at before any array is made.

    Raises:
        MedSynthError: other names, another type or shape than the signature's, fewer values than the
            shape claims.
    """
    signature.check_names(set(tensors))
    return {name: array(name, tensors[name], spec) for name, spec in signature.inputs.items()}


def array(name: str, tensor: Any, spec: TensorSpec | None = None) -> np.ndarray:
    """One ``TensorProto`` as an array, `spec` of what it must be where that is known.

    Raises:
        MedSynthError: as `arrays`.
    """
    rule = f"input {name!r} must be a whole tensor"
    dtype = _dtype(tensor.dtype)
    check(rule, dtype is not None and dtype.name in _FIELDS, dtype=int(tensor.dtype))
    assert dtype is not None
    shape = tuple(int(dim.size) for dim in tensor.tensor_shape.dim)
    check(rule, not tensor.tensor_shape.unknown_rank and min(shape, default=0) >= 0, shape=shape)
    if spec is not None:
        spec.check(name, np.dtype(dtype.as_numpy_dtype), shape)
    elements = math.prod(shape)
    held = len(getattr(tensor, _FIELDS[dtype.name]))
    if tensor.tensor_content and dtype != tf.string:
        held = len(tensor.tensor_content) / dtype.size
    repeats = 0 < held < elements <= _MOST_REPEATS and dtype != tf.string
    check(rule, held == elements or repeats, "Send every value.", shape=shape, values=held)
    try:
        return np.asarray(tf.make_ndarray(tensor))
    except (TypeError, ValueError) as error:
        check(rule, False, error=str(error))
        raise


def _dtype(number: int) -> tf.DType | None:
    try:
        return tf.dtypes.as_dtype(number)
    except TypeError:
        return None
