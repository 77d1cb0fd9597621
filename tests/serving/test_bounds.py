"""What one client can hold: not a place by talking slowly, not memory by a claim, not the log by an echo."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import requests
import tensorflow as tf
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.serving import toy
from tf_medsynth.config.serving import ServingConfig
from tf_medsynth.serving import connections, json_tensors, proto_tensors
from tf_medsynth.serving.bodies import Bodies
from tf_medsynth.serving.errors import NotFoundError, OverloadedError, status
from tf_medsynth.serving.model import ServedModel, find_model
from tf_medsynth.serving.pictures import check_pictures
from tf_medsynth.serving.predictor import Predictor
from tf_medsynth.serving.rest import build_app
from tf_medsynth.serving.signatures import Signature, TensorSpec
from tf_medsynth.types import MedSynthError

PATH = "/v1/models/toy:predict"
BODY = json.dumps({"signature_name": "synthesize_random", "instances": [[0, 1]]})
IMAGES = Signature("see", {"images": TensorSpec(np.dtype("float32"), (None, 64, 64, 4))}, {})


@contextlib.contextmanager
def listening(app, http_protocol: str = "auto") -> Iterator[tuple[str, int]]:
    """Context with the address of a server of `app` in this process."""
    config = uvicorn.Config(app, log_level="error", lifespan="off", http=http_protocol)
    connections.harden(config)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        address = bound.getsockname()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


def half_a_request(address: tuple[str, int], text: str) -> socket.socket:
    connection = socket.create_connection(address, timeout=20)
    connection.sendall(text.encode())
    return connection


HEAD = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{"


@pytest.fixture(scope="module")
def predictor(toy_model) -> Iterator[Predictor]:
    held = Predictor(ServedModel(find_model(toy_model)), ServingConfig())
    yield held
    held.batcher.close()


@pytest.fixture(params=["h11", "httptools"])
def plain(request):
    """Address of a server of 30 MB of text, by either of uvicorn's parsers."""
    pytest.importorskip(request.param)

    async def page(_):
        return PlainTextResponse("x" * 30_000_000)

    with listening(Starlette(routes=[Route("/", page)]), request.param) as address:
        yield address


def closed_within(connection: socket.socket, seconds: float) -> bool:
    connection.settimeout(seconds)
    with contextlib.suppress(ConnectionResetError):
        return connection.recv(1) == b""
    return True


def test_who_talks_slowly_holds_no_place(predictor):
    with listening(build_app(predictor, 2**20, 4, 60.0)) as address, contextlib.ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(half_a_request(address, HEAD))
        time.sleep(0.2)
        answer = requests.post(f"http://{address[0]}:{address[1]}{PATH}", data=BODY, timeout=60)
        assert answer.status_code == 200, answer.text


def test_a_body_that_does_not_end_is_given_up(predictor):
    with listening(build_app(predictor, 2**20, 4, 0.3)) as address:
        with half_a_request(address, HEAD) as connection:
            connection.settimeout(10)
            answer = b""
            while piece := connection.recv(2**16):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"must arrive within 0.3 s. Received: 1 bytes" in answer


def test_a_head_that_does_not_end_is_given_up(plain, monkeypatch):
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.3)
    for text in ("", "GET / HTTP/1.1\r\nHo"):
        with half_a_request(plain, text) as connection:
            assert closed_within(connection, 5)
    with contextlib.closing(http.client.HTTPConnection(*plain, timeout=20)) as client:
        for _ in range(2):
            client.request("GET", "/")
            assert len(client.getresponse().read()) == 30_000_000
        client.sock.sendall(b"GET / HTTP/1.1\r\nHo")
        assert closed_within(client.sock, 5)


def test_calls_that_send_no_message_are_given_up(predictor):
    """gRPC counts them among those under way: without a limit two of them would hold both places."""
    grpc = pytest.importorskip("grpc")
    pytest.importorskip("tensorflow_serving")
    from tf_medsynth.serving.grpc_service import add_services, new_server

    server, never = new_server(2, 2**20, seconds=0.2), threading.Event()
    port = server.add_insecure_port("127.0.0.1:0")
    add_services(server, predictor)
    server.start()

    def no_message() -> Iterator[bytes]:
        never.wait()
        yield b""

    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            silent = channel.stream_unary("/tensorflow.serving.PredictionService/Predict")
            calls = [silent.future(no_message()) for _ in range(2)]
            assert all(call.code() is grpc.StatusCode.UNAVAILABLE for call in calls)  # waits for it
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            ask = channel.unary_unary("/tensorflow.serving.ModelService/GetModelStatus")
            with pytest.raises(grpc.RpcError) as told:  # an answer: the places are free again
                ask(b"", timeout=10)
            assert told.value.code() is grpc.StatusCode.NOT_FOUND
    finally:
        never.set()
        server.stop(0)


def test_a_picture_that_claims_a_huge_size_is_not_unpacked(predictor):
    head = struct.pack(">8s4s4sII", b"\x89PNG\r\n\x1a\n", b"\0\0\0\r", b"IHDR", 50_000, 50_000)
    with pytest.raises(MedSynthError, match=r"may unpack to 268435456 bytes.*bytes=20000000000"):
        check_pictures({"lesion_label_bytes": np.array([head], object)}, 256 * 2**20)
    small = tf.io.encode_png(np.zeros((64, 64, 1), np.uint8)).numpy()
    check_pictures({"lesion_label_bytes": np.array([small] * 32, object), "other": np.zeros(3)}, 2**20)


def test_an_answer_that_is_not_read_is_given_up(plain, monkeypatch):
    monkeypatch.setattr(connections, "_ANSWER_SECONDS", 0.3)
    received = 0
    with half_a_request(plain, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        time.sleep(1.5)
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(2**20):
                received += len(piece)
    assert received < 30_000_000


def test_one_address_has_a_share_of_the_connections(plain, monkeypatch):
    monkeypatch.setattr(connections, "_MOST_OF_AN_ADDRESS", 3)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(half_a_request(plain, "GET"))
        time.sleep(0.2)
        answer = requests.get(f"http://{plain[0]}:{plain[1]}/", timeout=20)
        assert answer.status_code == 429
        assert "at most 3 connections" in answer.json()["error"]
    time.sleep(0.2)
    assert requests.get(f"http://{plain[0]}:{plain[1]}/", timeout=20).ok


class Arriving:
    """A request of the pieces of a body."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    async def stream(self):
        for piece in self.pieces:
            yield piece


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_all_bodies_together_have_a_memory(anyio_backend):
    bodies = Bodies(limit=10, seconds=5.0)
    async with bodies.arrived(Arriving(b"12345", b"67890")) as one, bodies.arrived(Arriving(b"1" * 9)) as two:
        assert (one, two) == (b"1234567890", b"1" * 9)
        with pytest.raises(OverloadedError, match="fill the memory"):
            async with bodies.arrived(Arriving(b"12", b"3")):
                pass
    async with bodies.arrived(Arriving(b"1" * 10)) as again:
        assert again == b"1" * 10


def tensor(shape: tuple[int, ...], kind: str = "float_val", values: int = 1, dtype=tf.float32):
    held = tf.make_tensor_proto([])
    held.Clear()
    held.dtype = dtype.as_datatype_enum
    for size in shape:
        held.tensor_shape.dim.add(size=size)
    if kind == "tensor_content":
        held.tensor_content = bytes(values)
    else:
        getattr(held, kind).extend([b"" if kind == "string_val" else 0] * values)
    return held


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (tensor((1, 16384, 16384)), "shape \\(\\?, 64, 64, 4\\)"),
        (tensor((2**20, 64, 64, 4)), "must be a whole tensor. Received: .*values=1. Send every"),
        (tensor((2**20, 64, 64, 4), "tensor_content", 16), "must be a whole tensor"),
        (tensor((2**62, 2**62)), "shape"),
        (tensor((-1, 64, 64, 4)), "must be a whole tensor"),
        (tensor((1, 64, 64, 4), values=0), "must be a whole tensor"),
        (tensor((1, 64, 64, 4), values=16385), "must be a whole tensor"),
        (tensor((1, 64, 64, 4), "string_val", 16384, tf.string), "must be of type float32"),
        (tensor((1, 64, 64, 4), "float_val", 16384, tf.variant), "must be a whole tensor"),
    ],
)
def test_a_shape_is_looked_at_before_an_array_is_made(held, words):
    with pytest.raises(MedSynthError, match=words):
        proto_tensors.arrays(IMAGES, {"images": held})
    with pytest.raises(MedSynthError, match="takes the inputs images"):
        proto_tensors.arrays(IMAGES, {"images": held, "more": held})


def test_text_is_sent_whole():
    spec = TensorSpec(np.dtype(object), None)
    with pytest.raises(MedSynthError, match="whole tensor"):
        proto_tensors.array("text", tensor((10**9,), "string_val", 1, tf.string), spec)
    assert proto_tensors.array("text", tf.make_tensor_proto([b"a", b"b"]), spec).tolist() == [b"a", b"b"]


@pytest.mark.parametrize("name", list(toy.inputs()))
def test_what_clients_send_is_read_as_it_was(name):
    for array in toy.inputs()[name].values():
        read = proto_tensors.array("it", tf.make_tensor_proto(array))
        assert read.dtype == array.dtype and read.tolist() == array.tolist()
    one = tensor((2, 3), "float_val", 1)
    assert proto_tensors.array("one for all", one).tolist() == [[0.0] * 3] * 2


def test_a_body_of_far_too_many_values_is_not_parsed():
    with pytest.raises(MedSynthError, match=r"at most 100 values\. Received: values=99999. Send several"):
        json_tensors.parse(b'{"instances": [' + b"1," * 99_999 + b"1]}", most_values=100)


def test_the_values_of_a_request_are_counted_by_its_signatures(predictor):
    assert IMAGES.most_values(32) == 32 * 64 * 64 * 4
    free = Signature("free", {"images": TensorSpec(np.dtype("float32"), (None, None, None, 4))}, {})
    unknown = Signature("unknown", {"images": TensorSpec(np.dtype("float32"), None)}, {})
    assert free.most_values(32) is None and unknown.most_values(32) is None
    assert predictor.most_values is None  # `total` takes any number of values


def test_a_message_echoes_little():
    for error in (NotFoundError("no such model: " + "A" * 10**5 + ". Served: b."), ValueError("B" * 10**5)):
        _, message = status(error)
        assert len(message) < 310
    assert status(NotFoundError("no such model: " + "A" * 10**5 + ". Served: b."))[1].endswith(". Served: b.")
    assert status(MedSynthError("short"))[1] == "short"
