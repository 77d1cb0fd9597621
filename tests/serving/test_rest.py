"""The REST application in this process: what comes when too much is asked at once."""

import asyncio
import json

import httpx

from tf_medsynth.config.serving import ServingConfig
from tf_medsynth.serving.model import ServedModel, find_model
from tf_medsynth.serving.predictor import Predictor
from tf_medsynth.serving.rest import build_app

BODY = json.dumps(
    {"signature_name": "segment_lesion", "inputs": {"images": [[[[0.5] * 4] * 8] * 8]}}
).encode()


def statuses(toy_model, most: int, count: int) -> tuple[list[int], int]:
    """HTTP status of `count` requests at once, and of one more when they are answered."""
    predictor = Predictor(ServedModel(find_model(toy_model)), ServingConfig(batch_wait_ms=200.0))

    async def ask() -> tuple[list[int], int]:
        transport = httpx.ASGITransport(app=build_app(predictor, 2**20, most))
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
