"""TensorFlow Serving's JSON and arrays: by row (instances, predictions) or by column (inputs, outputs)."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from typing import Any

import numpy as np
import orjson

from tf_medsynth.config.base import check
from tf_medsynth.serving.signatures import Arrays, Signature, TensorSpec, dtype_name

_KINDS = {"b": "b", "i": "iu", "u": "iu", "f": "fiu"}
"""Kind of a tensor's dtype -> kinds of numbers that JSON may bring for it."""


@dataclasses.dataclass(frozen=True)
class Body:
    """A request's JSON, not yet read as tensors."""

    signature_name: str
    by_row: bool
    values: Any
    may_hold_truths: bool = False
    """Whether a ``true`` or ``false`` is among the values, or in a text of them."""


def parse(text: bytes, most_values: int | None = None) -> Body:
    """The parts of a request.

    Args:
        text: as it arrived.
        most_values: that a request can have a use for, of `Predictor`: each takes 30 bytes and more in
            memory where its text takes two.

    Raises:
        MedSynthError: not JSON, not of TensorFlow Serving's form, or too many values.
    """
    values = text.count(b",")
    check(
        f"a request must have at most {most_values} values",
        most_values is None or values <= most_values,
        "Send several.",
        values=values,
    )
    request = _loads(text)
    check("the request must be a JSON object", isinstance(request, dict), type=type(request).__name__)
    name = request.get("signature_name", "")
    check("signature_name must be text", isinstance(name, str), signature_name=name)
    forms = {"instances", "inputs"} & set(request)
    check("the request must hold either instances or inputs", len(forms) == 1, keys=sorted(request))
    form = forms.pop()
    return Body(name, form == "instances", request[form], b"true" in text or b"false" in text)


def _loads(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            return json.loads(text)  # slower, but knows NaN and Infinity, which TensorFlow Serving takes
        except (ValueError, RecursionError) as error:
            check("the request must be JSON", False, error=str(error))


def read(body: Body, signature: Signature) -> dict[str, np.ndarray]:
    """The inputs of `signature` that a request holds, each of the signature's dtype.

    Raises:
        MedSynthError: a name is missing or unknown, or a value is not of the input's type.
    """
    columns = _columns_of_rows(body.values, signature) if body.by_row else body.values
    if not (isinstance(columns, dict) and columns.keys() != {"b64"}):
        columns = _the_only(signature, columns)
    signature.check_names(set(columns))
    truths = body.may_hold_truths
    return {name: _array(name, columns[name], spec, truths) for name, spec in signature.inputs.items()}


def _columns_of_rows(rows: Any, signature: Signature) -> Any:
    check("instances must be a list of rows", isinstance(rows, list), type=type(rows).__name__)
    check("a request must have at least one row", bool(rows), rows=0)
    check(
        f"signature {signature.name!r} has no rows", signature.batched, "Send inputs instead.", rows=len(rows)
    )
    if not all(isinstance(row, dict) and row.keys() != {"b64"} for row in rows):
        return rows
    for row in rows:
        signature.check_names(set(row))
    return {name: [row[name] for row in rows] for name in signature.inputs}


def _the_only(signature: Signature, values: Any) -> dict[str, Any]:
    names = list(signature.inputs)
    check(
        f"signature {signature.name!r} takes the inputs {', '.join(names)} by name",
        len(names) == 1,
        type=type(values).__name__,
    )
    return {names[0]: values}


def _array(name: str, value: Any, spec: TensorSpec, may_hold_truths: bool) -> np.ndarray:
    """`value` as an array of the dtype of `spec`; nothing is rounded or cut."""
    kind = spec.dtype.kind
    array = _array_of_bytes(name, value) if kind == "O" else _regular(value)
    check(f"input {name!r} must not be empty", array.size > 0, shape=array.shape)
    if kind == "O":
        return array
    right = array.dtype.kind in _KINDS[kind]
    if right and kind in "iu":
        limits = np.iinfo(spec.dtype)
        right = limits.min <= array.min() and array.max() <= limits.max
    if right and kind != "b" and may_hold_truths:
        right = not _holds_truth(value)
    check(f"input {name!r} must be a regular array of {dtype_name(spec)}", right, value=_short(value))
    with np.errstate(over="ignore"):  # too large for a float32 becomes infinite, as in TensorFlow Serving
        return array.astype(spec.dtype)


def _regular(value: Any, dtype: type | None = None) -> np.ndarray:
    """`value` as an array, of one None where its rows have different lengths."""
    try:
        return np.array(value, dtype)
    except ValueError:
        return np.array(None)


def _holds_truth(value: Any) -> bool:
    """Whether a truth value is among numbers, which NumPy would make a 1 or 0."""
    return isinstance(value, bool) or (isinstance(value, list) and any(map(_holds_truth, value)))


def _array_of_bytes(name: str, value: Any) -> np.ndarray:
    def decoded(item: Any) -> Any:
        if isinstance(item, list):
            return [decoded(inner) for inner in item]
        if isinstance(item, str):
            return item.encode()
        check(
            f'input {name!r} must be text, or bytes as {{"b64": ...}}',
            isinstance(item, dict) and item.keys() == {"b64"} and isinstance(item["b64"], str),
            value=_short(item),
        )
        try:
            return base64.b64decode(item["b64"], validate=True)
        except binascii.Error as error:
            check(f"input {name!r} must be base64", False, error=str(error))

    array = _regular(decoded(value), object)
    regular = all(isinstance(item, bytes) for item in array.flat)
    check(f"input {name!r} must be a regular array of string", regular, value=_short(value))
    return array


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def write(body: Body, outputs: Arrays) -> bytes:
    """The answer to `body`, in its form, with floats that come back bit for bit."""
    plain = {name: _plain(name, array) for name, array in outputs.items()}
    only = next(iter(plain.values())) if len(plain) == 1 else None
    answer: Any
    if body.by_row:
        rows = len(next(iter(plain.values())))
        answer = {
            "predictions": only
            if only is not None
            else [{k: v[i] for k, v in plain.items()} for i in range(rows)]
        }
    else:
        answer = {"outputs": only if only is not None else plain}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def _plain(name: str, array: np.ndarray) -> Any:
    """What orjson can write. A float32 goes out as the double it equals: shorter digits need not survive
    the reading as a double and the rounding to float32 that follows.
    """
    if array.ndim == 0 and array.dtype != object:
        return array.item()
    if array.dtype == object:
        return _text(array.tolist(), binary=name.endswith("_bytes"))
    if array.dtype.kind == "f":
        return np.ascontiguousarray(array, np.float64)
    return np.ascontiguousarray(array)


def _text(value: Any, binary: bool) -> Any:
    """Bytes as text, or as base64 when their name says so or they are no text."""
    if isinstance(value, list):
        return [_text(item, binary) for item in value]
    try:
        if not binary:
            return value.decode()
    except UnicodeDecodeError:
        pass
    return {"b64": base64.b64encode(value).decode()}


def error(message: str) -> bytes:
    """The answer to a request that failed."""
    return orjson.dumps({"error": message})
