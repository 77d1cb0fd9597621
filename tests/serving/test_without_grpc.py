"""REST alone, where TensorFlow Serving's messages are not installed."""

import pytest
import requests

from tests.serving import toy
from tests.serving.clients import Rest, expected, same_bytes, serving

GOOD = toy.inputs()


@pytest.fixture(scope="module")
def server(toy_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("without_grpc")
    with serving(toy_model, folder, without="tensorflow_serving grpc") as started:
        yield started


def test_it_says_in_one_line_how_to_get_grpc(server):
    told = [line for line in server.log.read_text().splitlines() if "tensorflow-serving-api" in line]
    assert len(told) == 1 and "REST alone" in told[0]
    assert "pip install --no-deps tensorflow-serving-api" in told[0]
    assert server.grpc == ""


def test_predictions_are_those_of_the_model(server, loaded):
    same_bytes(
        Rest(server).predict("synthesize", GOOD["synthesize"]),
        expected(loaded, "synthesize", GOOD["synthesize"]),
    )


@pytest.mark.parametrize("path", ["", "/versions/1", "/metadata"])
def test_status_and_metadata_are_those_of_a_server_with_grpc(server, local_server, path):
    one, other = (requests.get(f"{s.model_url}{path}", timeout=60).json() for s in (server, local_server))
    assert one == other
