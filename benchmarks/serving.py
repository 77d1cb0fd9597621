"""A local server under load: start, latency, memory, throughput, overload. All on loopback, all bounded.

    python benchmarks/serving.py saved_models/NAME [--requests 10000] [--clients 8] [--rounds 5] [--seconds 5]

``start`` is the time from the command to the first answer. ``load`` sends `requests` requests of one row of
``synthesize`` from `clients` threads over REST and wants no error and p99 <= 3 p50; memory is the server's
resident memory before and after. ``throughput`` compares rows a second at batch 8 of the SavedModel alone, in
this process, with those through the server, over gRPC and REST; they take turns of `seconds`, so that a busy
machine slows all. ``overload`` sends many requests at once, of which some must be refused, sooner than the
others are answered.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from tf_medsynth.serving.model import ModelFolder, find_model, warm_up_requests

SIGNATURE = "synthesize"
BATCH = 8
IN_FLIGHT = 3
"""Requests under way while throughput is measured: one computed, the others read and written."""
START_GOAL, LATENCY_GOAL, THROUGHPUT_GOAL = 10.0, 3.0, 0.8


class Server:
    """A started server and a way to ask it."""

    def __init__(self, process: subprocess.Popen, name: str, rest: str, grpc_address: str) -> None:
        self.process, self.rest = process, rest
        self.path = f"/v1/models/{name}:predict"
        channel = grpc.insecure_channel(grpc_address, options=[("grpc.max_receive_message_length", -1)])
        self.stub = PredictionServiceStub(channel)
        self.local = threading.local()

    def post(self, body: str, fresh: bool = False) -> int:
        """HTTP status of a request over this thread's connection; the answer is read, not parsed."""
        connection = getattr(self.local, "connection", None)
        if connection is None or fresh:  # the server closes one that was idle for long
            connection = self.local.connection = http.client.HTTPConnection(self.rest, timeout=600)
        connection.request("POST", self.path, body)
        response = connection.getresponse()
        response.read()
        return response.status

    def memory_mib(self) -> float:
        """Resident memory of the server."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextlib.contextmanager
def started(folder: ModelFolder) -> Iterator[Server]:
    command = [sys.executable, "-m", "tf_medsynth.cli.main", "serve", str(folder.path), "--local"]
    with tempfile.NamedTemporaryFile("w+") as log:
        process = subprocess.Popen([*command, "--port", "0", "--grpc-port", "0"], stderr=log, stdout=log)
        try:
            while not (found := re.search(r"at http://(\S+), gRPC (\S+), ready", Path(log.name).read_text())):
                if process.poll() is not None:
                    raise SystemExit(f"the server did not start: {Path(log.name).read_text()}")
                time.sleep(0.01)
            yield Server(process, folder.name, found[1], found[2])
        finally:
            process.terminate()
            process.wait()


def inputs_of(folder: ModelFolder, rows: int) -> dict[str, np.ndarray]:
    """The request that the export recorded, with `rows` seeds."""
    recorded = dict(warm_up_requests(folder)).get(SIGNATURE)
    if recorded is None:
        raise SystemExit(f"the model needs a recorded warm-up request of {SIGNATURE}: export it again")
    inputs = {name: np.repeat(array[:1], rows, axis=0) for name, array in recorded.items()}
    inputs["seed"][:, 1] = np.arange(rows)
    return inputs


def body_of(inputs: dict[str, np.ndarray]) -> str:
    columns = {name: array.tolist() for name, array in inputs.items()}
    return json.dumps({"signature_name": SIGNATURE, "inputs": columns})


def load(server: Server, body: str, requests: int, clients: int) -> None:
    """Prints errors, latency and memory of many small requests."""

    def ask(_: int) -> tuple[int, float]:
        start = time.perf_counter()
        status = server.post(body)
        return status, time.perf_counter() - start

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, range(min(requests, 25 * clients))))  # until buffers have their size
        before, start = server.memory_mib(), time.perf_counter()
        answers = list(pool.map(ask, range(requests)))
    seconds, after = time.perf_counter() - start, server.memory_mib()
    errors = sum(status != 200 for status, _ in answers)
    p50, p99 = np.percentile([taken for _, taken in answers], [50, 99]) * 1000
    print(f"load: {requests} requests from {clients} clients, {requests / seconds:.1f}/s, {errors} errors")
    print(f"  p50 {p50:.1f} ms, p99 {p99:.1f} ms, ratio {p99 / p50:.2f} (goal {LATENCY_GOAL:g})")
    print(f"  memory {before:.0f} MiB before, {after:.0f} MiB after")


def throughput(server: Server, model: Any, folder: ModelFolder, rounds: int, seconds: float) -> None:
    """Prints rows a second of each way to the model, and its share of the model alone."""
    inputs = inputs_of(folder, BATCH)
    tensors = {name: tf.constant(array) for name, array in inputs.items()}
    request = PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = folder.name, SIGNATURE
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    body = body_of(inputs)

    def alone() -> None:
        for tensor in model.signatures[SIGNATURE](**tensors).values():
            tensor.numpy()

    ways: dict[str, tuple[Callable[[], Any], int]] = {
        "SavedModel": (alone, 1),
        "gRPC": (lambda: server.stub.Predict(request, timeout=600), IN_FLIGHT),
        "REST": (lambda: server.post(body), IN_FLIGHT),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, (call, in_flight) in ways.items():
            speed = rows_a_second(call, in_flight, seconds)
            if number:  # the first round warms up
                speeds[name].append(speed)
    for name, measured in speeds.items():
        shares = [own / base for base, own in zip(speeds["SavedModel"], measured, strict=True)]
        share, goal = (
            statistics.median(shares),
            "" if name == "SavedModel" else f" (goal {THROUGHPUT_GOAL:g})",
        )
        print(f"throughput: {name:10} {statistics.median(measured):7.1f} rows/s, share {share:.2f}{goal}")


def rows_a_second(call: Callable[[], Any], in_flight: int, seconds: float) -> float:
    """Speed of `in_flight` threads that call for `seconds`."""
    start = time.perf_counter()

    def work(_: int) -> int:
        done = 0
        while time.perf_counter() - start < seconds:
            call()
            done += 1
        return done

    with ThreadPoolExecutor(in_flight) as pool:
        done = sum(pool.map(work, range(in_flight)))
    return BATCH * done / (time.perf_counter() - start)


def overload(server: Server, body: str, requests: int) -> None:
    """Prints what `requests` at once come to, and how long each kind took."""

    def ask(_: int) -> tuple[int, float]:
        start = time.perf_counter()
        return server.post(body), time.perf_counter() - start

    with ThreadPoolExecutor(requests) as pool:
        answers = list(pool.map(ask, range(requests)))
    for status, count in sorted(Counter(status for status, _ in answers).items()):
        taken = [seconds for own, seconds in answers if own == status]
        print(
            f"overload: {count} x {status}, median {statistics.median(taken):.2f} s, most {max(taken):.2f} s"
        )
    print(f"overload: afterwards {server.post(body, fresh=True)}, memory {server.memory_mib():.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--overload", type=int, default=200, help="requests at once")
    arguments = parser.parse_args()
    folder = find_model(arguments.model)
    model = tf.saved_model.load(str(folder.path))
    one, eight = body_of(inputs_of(folder, 1)), body_of(inputs_of(folder, BATCH))
    start = time.perf_counter()
    with started(folder) as server:
        status = server.post(one)
        print(
            f"start: {time.perf_counter() - start:.1f} s to the first answer, {status} (goal {START_GOAL:g})"
        )
        load(server, one, arguments.requests, arguments.clients)
        throughput(server, model, folder, arguments.rounds, arguments.seconds)
        overload(server, eight, arguments.overload)


if __name__ == "__main__":
    main()
