"""What a client of TensorFlow Serving may rely on: asked of the local server, and of the real one if any."""

import numpy as np
import pytest
import requests
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub

from tests.serving import toy
from tests.serving.clients import (
    Grpc,
    Rest,
    as_json,
    expected,
    same_bytes,
    tensorflow_serving,
)

REFUSED = {"INVALID_ARGUMENT", "FAILED_PRECONDITION"}
GOOD = toy.inputs()


@pytest.fixture(scope="module", params=["local", "tensorflow_model_server"])
def server(request, toy_model, tmp_path_factory):
    if request.param == "local":
        yield request.getfixturevalue("local_server")
    else:
        with tensorflow_serving(toy_model, tmp_path_factory.mktemp("tensorflow_serving")) as started:
            yield started


@pytest.fixture(scope="module", params=[Rest, Grpc])
def client(request, server):
    return request.param(server)


@pytest.mark.parametrize("signature", sorted(GOOD))
def test_every_signature_answers_the_bytes_of_the_model(client, loaded, signature):
    same_bytes(client.predict(signature, GOOD[signature]), expected(loaded, signature, GOOD[signature]))


def test_the_default_signature_and_a_version_by_number(client, loaded):
    wanted = expected(loaded, "segment_lesion", GOOD["segment_lesion"])
    same_bytes(client.predict("serving_default", GOOD["segment_lesion"], version=1), wanted)


@pytest.mark.parametrize("asked", [{"name": "other"}, {"version": 7}], ids=str)
def test_an_unknown_model_or_version_is_not_found(client, asked):
    assert client.predict("synthesize", GOOD["synthesize"], **asked).code == "NOT_FOUND"


def changed(signature, name, change):
    array = GOOD[signature][name].copy()
    return signature, {**GOOD[signature], name: change(array)}


def first_becomes(value):
    def change(array):
        array.flat[0] = value
        return array

    return change


BAD = {
    "unknown signature": ("paint", GOOD["synthesize"]),
    "missing input": ("synthesize", {"seed": GOOD["synthesize"]["seed"]}),
    "unknown input": ("segment_lesion", {**GOOD["segment_lesion"], "colour": np.zeros(2, "float32")}),
    "wrong shape": changed("segment_lesion", "images", lambda a: a[:, :5]),
    "wrong rank": changed("segment_lesion", "images", lambda a: a[..., 0]),
    "fraction for an integer": changed("synthesize", "lesion_label", lambda a: a + 0.5),
    "text for a number": changed("translate", "source", lambda a: np.array([b"T1"] * 2, object)),
    "not a number": changed("segment_lesion", "images", first_becomes(np.nan)),
    "label out of range": changed("synthesize", "lesion_label", first_becomes(5)),
    "rows that disagree": changed("translate", "source", lambda a: a[:1]),
    "too many rows": ("segment_lesion", toy.inputs(33)["segment_lesion"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_request_is_refused_and_the_server_lives_on(client, loaded, case):
    answer = client.predict(*BAD[case])
    assert answer.code in REFUSED
    assert answer.message
    same_bytes(
        client.predict("translate", GOOD["translate"]), expected(loaded, "translate", GOOD["translate"])
    )


def test_what_the_graph_asserts_reaches_the_client(client):
    assert "lesion_label must be 0 to 4" in client.predict(*BAD["label out of range"]).message
    assert "images must be finite" in client.predict(*BAD["not a number"]).message


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[1]",
        "{}",
        '{"instances": 3}',
        '{"instances": []}',
        '{"instances": [[1, 2]], "inputs": [[1, 2]]}',
        '{"signature_name": 3, "instances": [[1, 2]]}',
        '{"signature_name": "synthesize", "instances": [[1, 2]]}',
        '{"signature_name": "synthesize_random", "instances": [[1, 2], [3]]}',
        '{"signature_name": "synthesize_random", "instances": [[1, null]]}',
        '{"signature_name": "synthesize_random", "instances": [[1, 99999999999999999999]]}',
        '{"signature_name": "describe", "instances": [{"b64": "*"}]}',
        "[" * 100_000,
    ],
    ids=lambda body: body[:70],
)
def test_malformed_json_is_refused(server, body):
    assert Rest(server).post(body).code == "INVALID_ARGUMENT"


def test_rows_come_back_as_rows(server, loaded):
    inputs, rest = GOOD["synthesize"], Rest(server)
    wanted = expected(loaded, "synthesize", inputs)
    rows = [{name: as_json(array[row]) for name, array in inputs.items()} for row in range(2)]
    answer = rest.post({"signature_name": "synthesize", "instances": rows}).outputs["predictions"]
    for name, array in wanted.items():
        assert np.array([row[name] for row in answer], "float32").tobytes() == array.tobytes()
    one = rest.post({"instances": as_json(GOOD["segment_lesion"]["images"])}).outputs["predictions"]
    assert one == expected(loaded, "segment_lesion", GOOD["segment_lesion"])["lesion_label"].tolist()
    words = rest.post({"signature_name": "describe", "instances": ["a", {"b64": "Yg=="}]})
    assert [row["text"] for row in words.outputs["predictions"]] == ["A", "B"]


def test_status_and_metadata(server):
    status = requests.get(server.model_url, timeout=60).json()
    fine = {"error_code": "OK", "error_message": ""}
    assert status == {"model_version_status": [{"version": "1", "state": "AVAILABLE", "status": fine}]}
    assert requests.get(f"{server.model_url}/versions/1", timeout=60).json() == status
    metadata = requests.get(f"{server.model_url}/metadata", timeout=60).json()
    assert (metadata["model_spec"]["name"], metadata["model_spec"]["version"]) == (server.name, "1")
    signature = metadata["metadata"]["signature_def"]["signature_def"]["synthesize"]
    assert signature["inputs"]["seed"]["dtype"] == "DT_INT64"
    sizes = [dim["size"] for dim in signature["inputs"]["lesion_label"]["tensor_shape"]["dim"]]
    assert sizes == ["-1", "8", "8", "1"]


def test_status_and_metadata_over_grpc(server):
    client = Grpc(server)
    request = GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = server.name
    packed = client.stub.GetModelMetadata(request, timeout=60).metadata["signature_def"]
    signatures = SignatureDefMap.FromString(packed.value).signature_def
    assert set(GOOD) < set(signatures)
    asked = GetModelStatusRequest()
    asked.model_spec.name = server.name
    versions = ModelServiceStub(client.channel).GetModelStatus(asked, timeout=60).model_version_status
    assert [(v.version, v.state, v.status.error_code) for v in versions] == [(1, 30, 0)]


@pytest.mark.parametrize("path", ["/", "/v1/models", "/v1/models/toy/versions/one", "/v2/models/toy"])
def test_an_unknown_path_is_an_error_in_json(server, path):
    response = requests.get(f"{server.rest}{path}", timeout=60)
    assert response.status_code in (400, 404)
    assert response.json()["error"]
