"""What the local server promises beyond the protocol: words, batches, bounds, a clean end."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import pytest

from tests.serving import toy
from tests.serving.clients import Grpc, Rest, serving

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "serving.py"
GOOD = toy.inputs()
HELD_SECONDS = 8.0


def test_errors_name_the_rule_what_came_and_the_remedy(local_client):
    def words(signature, **changes):
        return local_client.predict(signature, {**GOOD.get(signature, {}), **changes}).message

    assert words("paint").startswith("unknown signature. Received: signature_name='paint'. Known: describe, ")
    shape = "input 'images' must have the shape (?, 8, 8, 4). Received: shape=(2, 5, 8, 4)."
    assert words("segment_lesion", images=GOOD["segment_lesion"]["images"][:, :5]) == shape
    assert "input 'source' must be" in words("translate", source=np.array([0.5, 1.0]))
    many = toy.inputs(33)["segment_lesion"]
    assert "at most 32 rows. Received: rows=33. Send several" in words("segment_lesion", **many)
    label = np.full((2, 8, 8, 1), 5, "int32")
    assert words("synthesize", lesion_label=label).count("\n") == 0


def test_one_bad_request_spoils_no_other(local_client, loaded):
    requests = [toy.inputs(3, seed)["synthesize"] for seed in range(12)]
    requests[5]["lesion_label"][0, 0, 0] = 9
    with ThreadPoolExecutor(len(requests)) as pool:
        answers = list(pool.map(lambda inputs: local_client.predict("synthesize", inputs), requests))
    assert [answer.code == "OK" for answer in answers] == [number != 5 for number in range(12)]
    for answer, inputs in zip(answers, requests, strict=True):
        if answer.code == "OK":
            wanted = loaded.signatures["synthesize"](**inputs)["images"].numpy()
            assert np.array(answer.outputs["images"], "float32").tobytes() == wanted.tobytes()


@pytest.fixture(scope="module")
def narrow_server(toy_model, tmp_path_factory):
    """Computes one row at a time, less than the warm-up has, and lets one request wait."""
    flags = ("--batch-limit", "1", "--queue-limit", "1", "--json")
    with serving(toy_model, tmp_path_factory.mktemp("narrow"), *flags) as server:
        yield server


@pytest.mark.slow
def test_a_full_queue_refuses_at_once_and_a_signal_lets_the_others_finish(narrow_server):
    held = {"until": np.array([time.time() + HELD_SECONDS])}
    clients = [Rest(narrow_server), Grpc(narrow_server)] * 4
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = as_completed([pool.submit(client.predict, "hold", held) for client in clients])
        refused = [next(answers).result().code for _ in range(6)]  # one is computed, one waits
        narrow_server.process.send_signal(signal.SIGTERM)
        finished = [answer.result().code for answer in answers]
    assert refused == ["RESOURCE_EXHAUSTED"] * 6
    assert finished == ["OK"] * 2
    out, _ = narrow_server.process.communicate(timeout=120)
    assert narrow_server.process.returncode == 0, narrow_server.log.read_text()
    assert json.loads(out) == {"model": "toy", "version": 1, "requests": 2, "batches": 2}


@pytest.mark.slow
def test_the_benchmark_runs(toy_model):
    words = [toy_model, *"--requests 40 --clients 4 --rounds 1 --seconds 0.2 --overload 20".split()]
    command = [sys.executable, str(BENCHMARK), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "40 requests from 4 clients" in done.stdout
    assert " 0 errors" in done.stdout
    assert "afterwards 200" in done.stdout
