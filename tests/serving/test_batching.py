"""The queue before the model: who is merged, who waits, who is refused."""

import threading
from concurrent.futures import wait

import numpy as np
import pytest

from tf_medsynth.serving.batching import Batcher
from tf_medsynth.serving.errors import OverloadedError, StoppingError
from tf_medsynth.serving.signatures import Signature, TensorSpec
from tf_medsynth.types import MedSynthError

ROWS = TensorSpec(np.dtype("float32"), (None,))
SCALAR = TensorSpec(np.dtype("float32"), ())
UNKNOWN = TensorSpec(np.dtype("float32"), None)
DOUBLE = Signature("double", {"x": ROWS}, {"y": ROWS})
TOTAL = Signature("total", {"x": ROWS}, {"y": SCALAR})


class Model:
    """Doubles; holds every call until it is released, and refuses negative numbers."""

    def __init__(self):
        self.calls, self.busy, self.released = [], threading.Event(), threading.Event()

    def run(self, signature, inputs):
        self.busy.set()
        self.released.wait()
        self.calls.append((signature, len(inputs["x"])))
        if (inputs["x"] < 0).any():
            raise MedSynthError("x must not be negative")
        return {"y": 2 * inputs["x"] if signature == "double" else inputs["x"].sum()}


@pytest.fixture
def model():
    return Model()


def opened(model, limit=4, queue=8, wait=0.0):
    """A batcher whose thread is held in a first request, so that the next ones wait together."""
    batcher = Batcher(model.run, limit, queue, wait)
    batcher.submit(TOTAL, x(0))
    model.busy.wait()
    return batcher


def x(*values):
    return {"x": np.array(values, "float32")}


def finish(model, batcher):
    model.released.set()
    batcher.close()


def test_only_free_rows_in_and_possibly_out_are_merged():
    assert DOUBLE.batched
    assert Signature("s", {"x": ROWS}, {"y": UNKNOWN}).batched
    assert not TOTAL.batched
    assert not Signature("s", {"x": UNKNOWN}, {"y": ROWS}).batched


def test_waiting_requests_become_batches_within_the_limit(model):
    batcher = opened(model)
    answers = [batcher.submit(DOUBLE, x(*range(n, n + 2))) for n in range(3)]
    finish(model, batcher)
    assert [answer.result()["y"].tolist() for answer in answers] == [[0, 2], [2, 4], [4, 6]]
    assert model.calls[1:] == [("double", 4), ("double", 2)]
    assert (batcher.requests, batcher.batches) == (4, 3)


def test_other_signatures_and_those_without_rows_stay_alone(model):
    batcher = opened(model)
    answers = [batcher.submit(s, x(1, 2)) for s in (TOTAL, DOUBLE, TOTAL, DOUBLE)]
    finish(model, batcher)
    assert model.calls[1:] == [("total", 2), ("double", 4), ("total", 2)]
    assert answers[2].result()["y"] == 3


def test_a_bad_request_fails_alone(model):
    batcher = opened(model, limit=8)
    answers = [batcher.submit(DOUBLE, x(value)) for value in (1, 2, -3, 4, 5)]
    finish(model, batcher)
    with pytest.raises(MedSynthError, match="must not be negative"):
        answers[2].result()
    assert [a.result()["y"].tolist() for a in answers[:2] + answers[3:]] == [[2], [4], [8], [10]]


def test_outputs_that_are_no_rows_are_not_handed_to_the_wrong_request():
    batcher = Batcher(lambda name, inputs: {"y": inputs["x"][:1]}, limit=3, queue=8, wait=60.0)
    answers = [batcher.submit(DOUBLE, x(value)) for value in (1, 2, 3)]
    assert [answer.result()["y"].tolist() for answer in answers] == [[1], [2], [3]]
    assert batcher.batches > 1
    batcher.close()


def test_a_full_queue_refuses_and_a_large_request_is_a_mistake(model):
    batcher = opened(model, queue=2)
    answers = [batcher.submit(DOUBLE, x(1)) for _ in range(2)]
    with pytest.raises(OverloadedError, match="holds 2 requests and is full"):
        batcher.submit(DOUBLE, x(1))
    with pytest.raises(MedSynthError, match=r"at most 4 rows\. Received: rows=5"):
        batcher.submit(DOUBLE, x(1, 2, 3, 4, 5))
    finish(model, batcher)
    assert all(answer.result()["y"].tolist() == [2] for answer in answers)


def test_a_cancelled_request_is_not_computed(model):
    batcher = opened(model)
    answer = batcher.submit(DOUBLE, x(1))
    assert answer.cancel()
    finish(model, batcher)
    assert model.calls == [("total", 1)]


def test_a_full_batch_does_not_wait_for_company(model):
    model.released.set()
    batcher = Batcher(model.run, 2, 8, wait=3600.0)
    answers = [batcher.submit(DOUBLE, x(value)) for value in (1, 2)]
    assert not wait(answers, timeout=60).not_done
    lonely = batcher.submit(DOUBLE, x(3))
    batcher.close()  # nor does anyone once it closes
    assert lonely.result()["y"].tolist() == [6]
    with pytest.raises(StoppingError):
        batcher.submit(DOUBLE, x(1))
