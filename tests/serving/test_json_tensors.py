"""TensorFlow Serving's JSON: what is read, what is refused, and floats that come back bit for bit."""

import json

import numpy as np
import pytest

from tests.serving import toy
from tf_medsynth.serving.json_tensors import parse, read, write
from tf_medsynth.serving.signatures import Signature, TensorSpec
from tf_medsynth.types import MedSynthError


def signature(**dtypes):
    specs = {name: TensorSpec(np.dtype(dtype), (None,)) for name, dtype in dtypes.items()}
    return Signature("s", specs, {"y": TensorSpec(np.dtype("float32"), (None,))})


def column(values, dtype):
    return read(parse(json.dumps({"inputs": {"x": values}}).encode()), signature(x=dtype))["x"]


@pytest.mark.parametrize("rows", [True, False])
def test_random_bits_survive(rows):
    bits = np.random.default_rng(0).integers(0, 2**32, 100_000, dtype=np.uint64).astype(np.uint32)
    floats = bits.view(np.float32)
    floats = np.concatenate([floats[np.isfinite(floats)], np.array([0.0, -0.0, 1e-45], np.float32)])
    key = "instances" if rows else "inputs"
    answer = json.loads(write(parse(json.dumps({key: []}).encode()), {"y": floats}))
    back = np.array(answer["predictions" if rows else "outputs"], np.float32)
    assert back.tobytes() == floats.tobytes()
    assert column(floats.tolist(), "float32").tobytes() == floats.tobytes()


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([0, 255], "uint8"), ([-(2**63), 2**63 - 1], "int64"), ([1, 2.5], "float32"), ([True, False], "bool")],
)
def test_numbers_are_read_as_the_dtype_of_the_input(values, dtype):
    assert column(values, dtype).dtype == dtype
    assert column(values, dtype).tolist() == values


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([256], "uint8"),
        ([-1], "uint8"),
        ([2**63], "int64"),
        ([1.0], "int32"),
        ([True], "int32"),
        ([True], "float32"),
        ([1, True], "int32"),
        ([False, 0.5], "float32"),
        ([1], "bool"),
        ([True, 1], "bool"),
        (["1"], "float32"),
        ([None], "float32"),
        ([[1], [2, 3]], "float32"),
        ({"a": 1}, "float32"),
        ([1], "object"),
        ([["a"], "b"], "object"),
        ([{"b64": "not base64"}], "object"),
    ],
    ids=str,
)
def test_nothing_is_rounded_cut_or_guessed(values, dtype):
    with pytest.raises(MedSynthError, match="input 'x' must be"):
        column(values, dtype)


def test_a_word_in_a_text_is_no_truth_value():
    body = parse(b'{"inputs": {"n": [1], "words": ["true", "false"]}}')
    assert read(body, signature(n="int32", words="object"))["words"].tolist() == [b"true", b"false"]


@pytest.mark.parametrize(
    "body", ['{"instances": []}', '{"inputs": []}', '{"inputs": {"x": []}}', '{"inputs": {"x": [[], []]}}']
)
@pytest.mark.parametrize("dtype", ["float32", "object"])
@pytest.mark.parametrize("batched", [True, False])
def test_nothing_at_all_is_refused_in_words(body, dtype, batched):
    held = signature(x=dtype)
    if not batched:
        held = Signature("s", held.inputs, {"y": TensorSpec(np.dtype("float32"), ())})
    with pytest.raises(MedSynthError, match=r"must have at least one row|must not be empty"):
        read(parse(body.encode()), held)


def test_nan_and_infinity_are_read_for_the_graph_to_judge():
    assert np.isnan(column([float("nan")], "float32")).all()
    assert np.isinf(column([1e300], "float32")).all()


def test_bytes_and_text():
    assert column(["\u00e4", {"b64": "AP8="}], "object").tolist() == ["\u00e4".encode(), b"\x00\xff"]
    body = parse(b'{"inputs": []}')
    answer = json.loads(
        write(body, {"png_bytes": np.array([b"a"], object), "text": np.array([b"a", b"\xff"], object)})
    )
    assert answer == {"outputs": {"png_bytes": [{"b64": "YQ=="}], "text": ["a", {"b64": "/w=="}]}}


def test_a_scalar_output_is_a_number():
    assert write(parse(b'{"inputs": []}'), {"sum": np.float32(2.5).reshape(())}) == b'{"outputs":2.5}'


def test_rows_of_several_inputs_become_columns():
    body = parse(b'{"signature_name": "s", "instances": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}')
    assert body.signature_name == "s"
    columns = read(body, signature(a="int32", b="float32"))
    assert {name: array.tolist() for name, array in columns.items()} == {"a": [1, 3], "b": [2.0, 4.0]}
    answer = {"p": np.array([1, 2]), "q": np.array([[1.5], [2.5]], np.float32)}
    rows = [{"p": 1, "q": [1.5]}, {"p": 2, "q": [2.5]}]
    assert json.loads(write(body, answer)) == {"predictions": rows}


@pytest.mark.parametrize("row", ['{"a": 1}', '{"a": 1, "b": 2, "c": 3}', "[1, 2]", "1"])
def test_rows_must_name_every_input(row):
    body = parse(f'{{"instances": [{{"a": 1, "b": 2}}, {row}]}}'.encode())
    with pytest.raises(MedSynthError, match="signature 's' takes the inputs a, b"):
        read(body, signature(a="int32", b="float32"))


def test_requests_of_the_toy_survive():
    specs = {"seed": TensorSpec(np.dtype("int64"), (None, 2))}
    seed = toy.inputs()["synthesize_random"]["seed"]
    again = read(parse(json.dumps({"instances": seed.tolist()}).encode()), Signature("s", specs, {}))
    assert again["seed"].tobytes() == seed.tobytes()
