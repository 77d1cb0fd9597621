"""One way to ask over both protocols, and to start a server to ask."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import requests
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from tests.conftest import THREADS
from tf_medsynth.serving.errors import HTTP_STATUS

PATIENCE = 600.0
"""Seconds for a server to start on a busy machine."""


@dataclasses.dataclass(frozen=True)
class Server:
    """Where a server answers, and its process."""

    process: subprocess.Popen
    log: Path
    name: str
    rest: str
    grpc: str

    @property
    def model_url(self) -> str:
        return f"{self.rest}/v1/models/{self.name}"


@dataclasses.dataclass(frozen=True)
class Answer:
    """`code` is OK or the name of an error."""

    code: str
    message: str = ""
    outputs: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Rest:
    def __init__(self, server: Server) -> None:
        self.server = server

    def predict(self, signature: str, inputs: Mapping[str, Any], **spec: Any) -> Answer:
        columns = {name: as_json(value) for name, value in inputs.items()}
        return self.post({"signature_name": signature, "inputs": columns}, **spec)

    def post(self, body: Any, name: str | None = None, version: int | None = None) -> Answer:
        url = f"{self.server.rest}/v1/models/{name or self.server.name}"
        url += "" if version is None else f"/versions/{version}"
        text = body if isinstance(body, str) else json.dumps(body)  # writes NaN as NaN
        response = requests.post(f"{url}:predict", data=text, timeout=PATIENCE)
        content = response.json()
        if response.ok:
            return Answer("OK", outputs=content.get("outputs", content))
        codes = {status: code for code, status in HTTP_STATUS.items()}
        return Answer(codes[response.status_code], content["error"])


class Grpc:
    def __init__(self, server: Server) -> None:
        self.server = server
        limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self.channel = grpc.insecure_channel(server.grpc, options=limits)
        self.stub = PredictionServiceStub(self.channel)

    def predict(
        self, signature: str, inputs: Mapping[str, Any], name: str | None = None, version: int | None = None
    ) -> Answer:
        request = PredictRequest()
        request.model_spec.name = name or self.server.name
        request.model_spec.signature_name = signature
        if version is not None:
            request.model_spec.version.value = version
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        try:
            response = self.stub.Predict(request, timeout=PATIENCE)
        except grpc.RpcError as error:
            return Answer(error.code().name, error.details())
        return Answer("OK", outputs={k: tf.make_ndarray(v) for k, v in response.outputs.items()})


def as_json(value: Any) -> Any:
    """An array as REST takes it, bytes as base64."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def from_json(value: Any, dtype: np.dtype) -> np.ndarray:
    """What REST answered, as an array of the signature's dtype."""

    def plain(item: Any) -> Any:
        if isinstance(item, list):
            return [plain(inner) for inner in item]
        return base64.b64decode(item["b64"]) if isinstance(item, dict) else item.encode()

    return np.array(plain(value) if dtype.kind == "O" else value, dtype)


def expected(loaded: Any, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the model answers in this process."""
    return {name: t.numpy() for name, t in loaded.signatures[signature](**inputs).items()}


def same_bytes(answer: Answer, wanted: Mapping[str, np.ndarray]) -> None:
    """Fails unless a good answer holds exactly `wanted`."""
    assert answer.code == "OK", answer.message
    got = answer.outputs
    if not isinstance(got, dict):  # over REST a single output comes without its name
        got = dict.fromkeys(wanted, got)
    assert got.keys() == wanted.keys()
    for name, array in wanted.items():
        found = got[name]
        if not isinstance(found, np.ndarray):
            found = from_json(found, array.dtype)
        assert found.shape == array.shape
        if array.dtype.kind == "O":
            assert found.tolist() == array.tolist()
        else:
            assert found.tobytes() == array.tobytes()


COMMAND = """
import sys
sys.modules |= dict.fromkeys(sys.argv.pop(1).split())
from tf_medsynth.cli.main import main
sys.exit(main())
"""
"""The command where the packages that its first word names are not installed."""


@contextlib.contextmanager
def serving(base: Path, folder: Path, *flags: str, without: str = "") -> Iterator[Server]:
    """Context with a local server of the model at `base`, in a process of its own, on free ports."""
    words = [sys.executable, "-c", COMMAND, without, "serve", str(base), "--local"]
    words += ["--port", "0", "--grpc-port", "0", *flags]
    # The bits of a sum depend on the number of threads: the server's shall be the tests'.
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": str(THREADS)}
    log = folder / "server.log"
    with log.open("w") as stderr:
        process = subprocess.Popen(words, stderr=stderr, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        rest, address = wait_for(process, log)
        yield Server(process, log, base.name, rest, address)
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def tensorflow_serving(base: Path, folder: Path) -> Iterator[Server]:
    """Context with the real tensorflow_model_server, batching as ours; the test is skipped without it."""
    binary = shutil.which("tensorflow_model_server")
    if binary is None:
        pytest.skip("no tensorflow_model_server on the PATH")
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        grpc_port, port = one.getsockname()[1], two.getsockname()[1]
    batching, log = folder / "batching.config", folder / "server.log"
    batching.write_text("max_batch_size { value: 32 }\nbatch_timeout_micros { value: 2000 }\n")
    words = [binary, f"--port={grpc_port}", f"--rest_api_port={port}", f"--model_name={base.name}"]
    words += [f"--model_base_path={base.resolve()}"]
    words += ["--enable_batching", f"--batching_parameters_file={batching}"]
    with log.open("w") as stderr:
        process = subprocess.Popen(words, stderr=stderr, stdout=stderr)
    server = Server(process, log, base.name, f"http://127.0.0.1:{port}", f"127.0.0.1:{grpc_port}")
    try:
        wait_until_available(server)
        yield server
    finally:
        process.kill()
        process.wait()


def wait_until_available(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            if "AVAILABLE" in requests.get(server.model_url, timeout=PATIENCE).text:
                return
        time.sleep(0.1)
    raise AssertionError(f"the server did not start: {server.log.read_text()}")


def wait_for(process: subprocess.Popen, log: Path) -> tuple[str, str]:
    """The two addresses, once the server has said them; the second is empty without gRPC."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"at (http://[^,]+)(?:, gRPC (\S+))?, ready", log.read_text()):
            return found[1], found[2] or ""
        time.sleep(0.05)
    raise AssertionError(f"the server ended with {process.poll()}: {log.read_text()}")
