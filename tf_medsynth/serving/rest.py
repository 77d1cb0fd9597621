"""TensorFlow Serving's REST form: status, metadata and predict, with errors as ``{"error": …}``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tf_medsynth.serving import descriptions, json_tensors
from tf_medsynth.serving.bodies import NO_SUCH_ENCODING, Bodies
from tf_medsynth.serving.errors import HTTP_STATUS, OverloadedError, SlowError, status
from tf_medsynth.serving.predictor import Predictor
from tf_medsynth.serving.signatures import Arrays, Signature
from tf_medsynth.types import MedSynthError

Handler = Callable[[Request], Awaitable[Response]]

_READ_AT_ONCE = 2
"""Bodies unpacked and parsed: their JSON takes many times the memory of their bytes."""


def build_app(predictor: Predictor, body_limit: int, most: int, body_seconds: float) -> Starlette:
    """The ASGI application over `predictor`.

    Args:
        predictor: that answers.
        body_limit: most bytes of a request, before and after unpacking.
        most: requests under way, from the last byte of one to its answer; the next is refused.
            Reading and writing JSON takes longer than computing, so that a queue before the model
            alone would never be full.
        body_seconds: in which a request must arrive.
    """
    model = predictor.model
    room, readers = asyncio.Semaphore(most), asyncio.Semaphore(_READ_AT_ONCE)
    bodies = Bodies(body_limit, body_seconds)

    def check_path(request: Request) -> None:
        predictor.check_model(request.path_params["model"], request.path_params.get("version"))

    async def get_status(request: Request) -> Response:
        check_path(request)
        return JSONResponse(descriptions.model_status(model))

    async def get_metadata(request: Request) -> Response:
        check_path(request)
        return JSONResponse(descriptions.model_metadata(model))

    def understood(request: Request, packed: bytes) -> tuple[json_tensors.Body, Signature, Arrays]:
        body = json_tensors.parse(bodies.unpacked(request, packed), predictor.most_values)
        signature = predictor.signature(body.signature_name)
        return body, signature, json_tensors.read(body, signature)

    async def predict(request: Request) -> Response:
        check_path(request)
        async with bodies.arrived(request) as packed:
            if room.locked():
                raise OverloadedError(f"{most} requests are under way. Send this one again later.")
            async with room:
                # JSON in threads of its own: others are heard, and refused, meanwhile.
                async with readers:
                    body, signature, inputs = await asyncio.to_thread(understood, request, packed)
                outputs = await asyncio.wrap_future(predictor.submit(signature, inputs))
                answer = await asyncio.to_thread(json_tensors.write, body, outputs)
        return Response(answer, media_type="application/json")

    return Starlette(
        routes=[
            *_both(":predict", predict, "POST"),
            *_both("/metadata", get_metadata, "GET"),
            *_both("", get_status, "GET"),
        ],
        exception_handlers={
            HTTPException: _malformed,
            MedSynthError: _failed,
            ClientDisconnect: _failed,
            Exception: _failed,
        },
    )


def _both(ending: str, handler: Handler, method: str) -> list[Route]:
    """Routes of the newest version, and of a version by its number."""
    paths = ("/v1/models/{model}", "/v1/models/{model}/versions/{version:int}")
    return [Route(path + ending, handler, methods=[method]) for path in paths]


async def _malformed(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == NO_SUCH_ENCODING:
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)
    return _answer("INVALID_ARGUMENT", f"Malformed request: {request.method} {request.url.path[:80]}")


async def _failed(request: Request, error: Exception) -> Response:
    return _answer(*status(error))


def _answer(code: str, message: str) -> Response:
    # Of a slow client the rest would otherwise be waited for.
    headers = {"Connection": "close"} if code == SlowError.code else None
    return JSONResponse({"error": message}, HTTP_STATUS[code], headers)
