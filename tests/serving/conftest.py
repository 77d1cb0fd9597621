"""The toy model, on disk and loaded, once a session."""

import pytest

pytest.importorskip("grpc", reason="needs the extra [serve]")
pytest.importorskip("starlette", reason="needs the extra [serve]")
pytest.importorskip("tensorflow_serving", reason="needs tensorflow-serving-api, the extra [grpc]")

from pathlib import Path

import tensorflow as tf

from tests.serving import toy
from tests.serving.clients import Grpc, Rest, serving


@pytest.fixture(scope="session")
def toy_model(tmp_path_factory) -> Path:
    """``…/toy`` with version 1."""
    return toy.save(tmp_path_factory.mktemp("models") / toy.NAME)


@pytest.fixture(scope="session")
def loaded(toy_model):
    """The same model in this process."""
    return tf.saved_model.load(str(toy_model / "1"))


@pytest.fixture(scope="session")
def local_server(toy_model, tmp_path_factory):
    """A local server of the toy model with the settings by default."""
    with serving(toy_model, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def exported_server(tiny_model, tmp_path_factory):
    """A local server of a really exported model."""
    with serving(tiny_model.parent, tmp_path_factory.mktemp("exported_server")) as server:
        yield server


@pytest.fixture(scope="session", params=[Rest, Grpc])
def local_client(request, local_server):
    """One that asks the local server."""
    return request.param(local_server)
