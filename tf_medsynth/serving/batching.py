"""One thread that computes waiting requests, several as one where they fit together.

Both ends are bounded: a request waits at most a given time for company, and a full queue refuses at once.
"""

from __future__ import annotations

import collections
import dataclasses
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np

from tf_medsynth.config.base import check
from tf_medsynth.serving.errors import OverloadedError, StoppingError
from tf_medsynth.serving.signatures import Arrays, Signature

Run = Callable[[str, Arrays], Arrays]
"""Computes the outputs of a signature, given by name."""


@dataclasses.dataclass(frozen=True, eq=False)
class _Request:
    signature: Signature
    inputs: Arrays
    answer: Future[Arrays] = dataclasses.field(default_factory=Future)
    arrived: float = dataclasses.field(default_factory=time.monotonic)

    @property
    def rows(self) -> int:
        return len(next(iter(self.inputs.values()))) if self.signature.batched else 1

    def joins(self, other: _Request) -> bool:
        """Whether the rows of the two can be stacked: same signature, same shapes but for the rows."""
        return (
            self.signature.batched
            and self.signature is other.signature
            and all(self.inputs[name].shape[1:] == array.shape[1:] for name, array in other.inputs.items())
        )


class Batcher:
    """Takes requests from any thread and computes them in one.

    Args:
        run: computes one batch.
        limit: most rows of a batch.
        queue: most requests that wait.
        wait: seconds that a request waits for others to join it.
    """

    def __init__(self, run: Run, limit: int, queue: int, wait: float) -> None:
        self._run, self._limit, self._queue, self._wait = run, limit, queue, wait
        self._waiting: collections.deque[_Request] = collections.deque()
        self._changed = threading.Condition()
        self._closed = False
        self.requests = self.batches = 0
        self._thread = threading.Thread(target=self._work, name="batcher", daemon=True)
        self._thread.start()

    def submit(self, signature: Signature, inputs: Arrays) -> Future[Arrays]:
        """The outputs to come, for inputs that fit the signature.

        Raises:
            MedSynthError: more rows than a batch holds.
            OverloadedError: the queue is full.
            StoppingError: the batcher is closed.
        """
        request = _Request(signature, inputs)
        check(
            f"a request must have at most {self._limit} rows",
            request.rows <= self._limit,
            "Send several requests, or start the server with a larger --batch-limit.",
            rows=request.rows,
        )
        with self._changed:
            if self._closed:
                raise StoppingError("the server is stopping")
            if len(self._waiting) >= self._queue:
                raise OverloadedError(
                    f"the queue holds {self._queue} requests and is full. Send this one again later."
                )
            self._waiting.append(request)
            self._changed.notify()
        return request.answer

    def close(self) -> None:
        """Computes what waits, then ends the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._take():
            wanted = [request for request in batch if request.answer.set_running_or_notify_cancel()]
            if wanted:
                self.requests += len(wanted)
                self._answer(wanted)

    def _take(self) -> list[_Request]:
        """The oldest request and those that join it; empty when closed and done."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if not self._waiting:
                return []
            first, batch = self._waiting[0], self._mates()
            latest = first.arrived + (self._wait if first.signature.batched else 0.0)
            while sum(request.rows for request in batch) < self._limit and not self._closed:
                if (left := latest - time.monotonic()) <= 0:
                    break
                self._changed.wait(left)
                batch = self._mates()
            for request in batch:
                self._waiting.remove(request)
            return batch

    def _mates(self) -> list[_Request]:
        """The oldest request and, in order of arrival, those that fit into one batch with it."""
        first = self._waiting[0]
        mates, rows = [first], first.rows
        for request in list(self._waiting)[1:]:
            if first.joins(request) and rows + request.rows <= self._limit:
                mates.append(request)
                rows += request.rows
        return mates

    def _answer(self, batch: list[_Request]) -> None:
        """Computes a batch; when it fails, its halves, so that a bad request fails alone."""
        try:
            self.batches += 1
            answers = self._compute(batch)
        except Exception as error:
            if len(batch) == 1:
                batch[0].answer.set_exception(error)
            else:
                self._answer(batch[: len(batch) // 2])
                self._answer(batch[len(batch) // 2 :])
        else:
            for request, answer in zip(batch, answers, strict=True):
                request.answer.set_result(answer)

    def _compute(self, batch: list[_Request]) -> list[Arrays]:
        name = batch[0].signature.name
        if len(batch) == 1:
            return [self._run(name, batch[0].inputs)]
        stacked = {key: np.concatenate([r.inputs[key] for r in batch]) for key in batch[0].inputs}
        outputs = self._run(name, stacked)
        ends = np.cumsum([request.rows for request in batch])
        rows = {len(array) for array in outputs.values()}
        check("every output must have a row an input row", rows == {int(ends[-1])}, rows=rows)
        pieces = {key: np.split(array, ends[:-1]) for key, array in outputs.items()}
        return [{key: pieces[key][number] for key in pieces} for number in range(len(batch))]
