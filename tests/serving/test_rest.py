"""The REST application in this process: what comes when too much is asked at once."""

import asyncio
import gzip
import json
import zlib

import httpx
import pytest

from tf_medsynth.config.serving import ServingConfig
from tf_medsynth.serving.model import ServedModel, find_model
from tf_medsynth.serving.predictor import Predictor
from tf_medsynth.serving.rest import build_app

LIMIT, SECONDS = 2**20, 30.0
BODY = json.dumps(
    {"signature_name": "segment_lesion", "inputs": {"images": [[[[0.5] * 4] * 8] * 8]}}
).encode()


def answers(toy_model, requests: list[dict], most: int = 8) -> list[httpx.Response]:
    """Of all `requests` at once."""
    predictor = Predictor(ServedModel(find_model(toy_model)), ServingConfig(batch_wait_ms=200.0))

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=build_app(predictor, LIMIT, most, SECONDS))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            post = lambda request: client.post("/v1/models/toy:predict", **request)  # noqa: E731
            return await asyncio.gather(*map(post, requests))

    try:
        return asyncio.run(ask())
    finally:
        predictor.batcher.close()


def packed(content: bytes, encoding: str) -> dict:
    return {"content": content, "headers": {"Content-Encoding": encoding}}


def statuses(toy_model, most: int, count: int) -> tuple[list[int], int]:
    """HTTP status of `count` requests at once, and of one more when they are answered."""
    predictor = Predictor(ServedModel(find_model(toy_model)), ServingConfig(batch_wait_ms=200.0))

    async def ask() -> tuple[list[int], int]:
        transport = httpx.ASGITransport(app=build_app(predictor, LIMIT, most, SECONDS))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            post = lambda: client.post("/v1/models/toy:predict", content=BODY)  # noqa: E731
            answers = await asyncio.gather(*(post() for _ in range(count)))
            return [answer.status_code for answer in answers], (await post()).status_code

    try:
        return asyncio.run(ask())
    finally:
        predictor.batcher.close()


def test_what_is_too_much_is_refused_and_the_rest_answered(toy_model):
    at_once, later = statuses(toy_model, most=3, count=8)
    assert sorted(at_once) == [200] * 3 + [429] * 5
    assert later == 200


def test_nothing_is_refused_within_the_limit(toy_model):
    assert statuses(toy_model, most=8, count=8) == ([200] * 8, 200)


def test_a_packed_body_is_understood(toy_model):
    halves = gzip.compress(BODY[:10]) + gzip.compress(BODY[10:])
    plain, *others = answers(
        toy_model,
        [
            {"content": BODY},
            packed(gzip.compress(BODY), "gzip"),
            packed(gzip.compress(BODY), "X-GZip"),
            packed(halves, "gzip"),
            packed(BODY, "identity"),
        ],
    )
    assert plain.status_code == 200
    assert [(other.status_code, other.content) for other in others] == [(200, plain.content)] * 4


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        (packed(zlib.compress(BODY), "deflate"), 415, "must be gzip or none. Received: encoding='deflate'"),
        (packed(gzip.compress(gzip.compress(BODY)), "gzip, gzip"), 415, "must be gzip or none"),
        (packed(BODY, "gzip"), 400, "must be gzip"),
        (packed(gzip.compress(BODY)[:-9], "gzip"), 400, "must be gzip"),
        (packed(gzip.compress(BODY)[:20] + b"x" * 60, "gzip"), 400, "must be gzip"),
        (packed(gzip.compress(b" " * LIMIT + BODY), "gzip"), 400, f"at most {LIMIT} bytes"),
        ({"content": b" " * LIMIT + BODY}, 400, f"at most {LIMIT} bytes"),
    ],
    ids=["deflate", "twice", "plain", "cut", "damaged", "bomb", "long"],
)
def test_a_body_that_cannot_be_unpacked_is_refused(toy_model, request_, status, words):
    (answer,) = answers(toy_model, [request_])
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert answer.headers.get("Accept-Encoding") == ("gzip" if status == 415 else None)


def test_true_is_no_number_in_a_request(toy_model):
    rows = {"signature_name": "synthesize_random", "instances": [[1, 2], [3, True]]}
    (answer,) = answers(toy_model, [{"json": rows}])
    assert answer.status_code == 400
    assert "input 'seed' must be a regular array of int64" in answer.json()["error"]
