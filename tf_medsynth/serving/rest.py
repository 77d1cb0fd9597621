"""TensorFlow Serving's REST form: status, metadata and predict, with errors as ``{"error": …}``."""

from __future__ import annotations

import asyncio
import gzip
import io
import zlib
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tf_medsynth.config.base import check
from tf_medsynth.serving import descriptions, json_tensors
from tf_medsynth.serving.errors import HTTP_STATUS, OverloadedError, status
from tf_medsynth.serving.predictor import Predictor
from tf_medsynth.types import MedSynthError

Handler = Callable[[Request], Awaitable[Response]]

_NO_SUCH_ENCODING = 415


def build_app(predictor: Predictor, body_limit: int, most: int) -> Starlette:
    """The ASGI application over `predictor`.

    Args:
        predictor: that answers.
        body_limit: most bytes of a request, before and after unpacking.
        most: requests under way, from their first byte to the last of the answer; the next is refused.
            Reading and writing JSON takes longer than computing, so that a queue before the model
            alone would never be full.
    """
    model = predictor.model
    room = asyncio.Semaphore(most)

    def check_path(request: Request) -> None:
        predictor.check_model(request.path_params["model"], request.path_params.get("version"))

    async def get_status(request: Request) -> Response:
        check_path(request)
        return JSONResponse(descriptions.model_status(model))

    async def get_metadata(request: Request) -> Response:
        check_path(request)
        return JSONResponse(descriptions.model_metadata(model))

    async def predict(request: Request) -> Response:
        check_path(request)
        if room.locked():
            async for _ in request.stream():  # a client hears nothing before it has said all
                pass
            raise OverloadedError(f"{most} requests are under way. Send this one again later.")
        async with room:
            # JSON in threads of its own: others are heard, and refused, meanwhile.
            text = await asyncio.to_thread(_unpacked, request, await _read(request, body_limit), body_limit)
            body = await asyncio.to_thread(json_tensors.parse, text)
            signature = predictor.signature(body.signature_name)
            inputs = await asyncio.to_thread(json_tensors.read, body, signature)
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


async def _read(request: Request, limit: int) -> bytes:
    """The body, of which no more than `limit` bytes are held."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        _check_size(body, limit)
    return bytes(body)


def _unpacked(request: Request, body: bytes, limit: int) -> bytes:
    """`body` without its ``Content-Encoding``, of which no more than `limit` bytes are unpacked."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding not in ("gzip", "x-gzip"):
        words = f"the encoding of a request must be gzip or none. Received: encoding={encoding!r}."
        raise HTTPException(_NO_SUCH_ENCODING, words, {"Accept-Encoding": "gzip"})
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            text = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise MedSynthError(f"a body that is said to be gzip must be gzip. Received: {error}.") from None
    _check_size(text, limit)
    return text


def _check_size(read: bytes | bytearray, limit: int) -> None:
    check(f"a request must have at most {limit} bytes", len(read) <= limit, "Send several.", read=len(read))


async def _malformed(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == _NO_SUCH_ENCODING:
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)
    return _answer("INVALID_ARGUMENT", f"Malformed request: {request.method} {request.url.path}")


async def _failed(request: Request, error: Exception) -> Response:
    return _answer(*status(error))


def _answer(code: str, message: str) -> Response:
    return JSONResponse({"error": message}, HTTP_STATUS[code])
