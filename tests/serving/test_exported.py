"""A really exported model behind a server: every signature, and what the model itself refuses."""

import numpy as np
import pytest
import tensorflow as tf

from tests.serving.clients import Grpc, Rest, expected, same_bytes, tensorflow_serving
from tests.serving.test_contract import REFUSED
from tf_medsynth.serving.model import find_model, warm_up_requests

pytestmark = pytest.mark.slow

SIGNATURES = (
    "draw_structure",
    "pool_labels",
    "render",
    "segment_lesion",
    "synthesize",
    "synthesize_example",
    "synthesize_png",
    "synthesize_random",
    "synthesize_random_png",
    "translate",
)
SIZE = (32, 32)


@pytest.fixture(scope="module", params=["local", "tensorflow_model_server"])
def server(request, tiny_model, tmp_path_factory):
    if request.param == "local":
        yield request.getfixturevalue("exported_server")
    else:
        with tensorflow_serving(tiny_model.parent, tmp_path_factory.mktemp("tensorflow_serving")) as started:
            yield started


@pytest.fixture(scope="module", params=[Rest, Grpc])
def client(request, server):
    return request.param(server)


@pytest.fixture(scope="module")
def exported(tiny_model):
    return tf.saved_model.load(str(tiny_model))


@pytest.fixture(scope="module")
def recorded(tiny_model):
    """A request of each signature: those that the export recorded for the warm-up."""
    return dict(warm_up_requests(find_model(tiny_model)))


def test_every_signature_is_asked_here(exported, recorded):
    assert set(exported.signatures) == {*SIGNATURES, "serving_default"}
    assert set(recorded) == set(SIGNATURES)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_every_signature_answers_the_bytes_of_the_model(client, exported, recorded, signature):
    wanted = expected(exported, signature, recorded[signature])
    same_bytes(client.predict(signature, recorded[signature]), wanted)


@pytest.mark.parametrize("rows", [1, 3, 8, 11])
def test_a_seed_names_the_same_bytes_in_requests_of_any_size(client, exported, rows):
    seed = np.array([[5, number] for number in range(11)], "int64")
    wanted = expected(exported, "synthesize_random", {"seed": seed})
    answer = client.predict("synthesize_random", {"seed": seed[:rows]})
    same_bytes(answer, {name: array[:rows] for name, array in wanted.items()})


def pixels(channels, value=0.5, size=SIZE):
    return np.full((1, *size, channels), value, "float32")


def one(value):
    return np.array([value], "int32")


NAME = np.zeros((1, 2), "int64")
BAD = [
    ("synthesize", {"seed": NAME, "lesion_label": np.full((1, *SIZE, 1), 5, "int32")}, "class codes 0 to 4"),
    ("synthesize", {"seed": NAME, "lesion_label": np.zeros((1, 9, 9, 1), "int32")}, "must have shape"),
    ("synthesize_random", {"seed": NAME - 1}, "must not be negative"),
    ("segment_lesion", {"images": pixels(4, np.nan)}, "images must be finite"),
    ("segment_lesion", {"images": pixels(4, 1.5)}, "images must lie in [0, 1]"),
    ("segment_lesion", {"images": pixels(3)}, "images must have shape"),
    ("translate", {"images": pixels(1), "source": one(0), "target": one(4)}, "target must be one of"),
]


@pytest.mark.parametrize(("signature", "inputs", "words"), BAD, ids=[case[2] for case in BAD])
def test_what_the_model_refuses_is_said_in_its_words(client, signature, inputs, words):
    answer = client.predict(signature, inputs)
    assert answer.code in REFUSED
    assert words in answer.message
