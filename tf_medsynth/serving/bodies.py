"""Bodies of REST requests as they arrive: each within a time and a size, all together within a memory."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import zlib
from collections.abc import AsyncIterator

from starlette.exceptions import HTTPException
from starlette.requests import Request

from tf_medsynth.config.base import check
from tf_medsynth.serving.errors import OverloadedError, SlowError
from tf_medsynth.types import MedSynthError

NO_SUCH_ENCODING = 415
_HELD_AT_ONCE = 2
"""Of the largest bodies; what comes beside them is refused."""


class Bodies:
    """Reads bodies, and knows how many bytes of them are held.

    Args:
        limit: most bytes of one, packed or not.
        seconds: in which one must arrive.
    """

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit, self._seconds = limit, seconds
        self._room = _HELD_AT_ONCE * limit

    @contextlib.asynccontextmanager
    async def arrived(self, request: Request) -> AsyncIterator[bytes]:
        """Context with the whole body of `request`, whose memory is free again afterwards.

        Raises:
            MedSynthError: too long a body.
            OverloadedError: others fill the memory that bodies may take.
            SlowError: it took too long.
        """
        body = bytearray()
        try:
            try:
                async with asyncio.timeout(self._seconds):
                    await self._gather(request, body)
            except TimeoutError:
                words = f"a request must arrive within {self._seconds:g} s. Received: {len(body)} bytes."
                raise SlowError(f"{words} Send fewer rows at once.") from None
            yield bytes(body)
        finally:
            self._room += len(body)

    async def _gather(self, request: Request, body: bytearray) -> None:
        full = False
        async for piece in request.stream():
            self._check_size(len(body) + len(piece))
            full = full or len(piece) > self._room
            if not full:  # of one that is refused the rest is passed over: who still talks does not listen
                body += piece
                self._room -= len(piece)
        if full:
            raise OverloadedError("the bodies of other requests fill the memory. Send this one again later.")

    def unpacked(self, request: Request, body: bytes) -> bytes:
        """`body` without its ``Content-Encoding``.

        Raises:
            HTTPException: an unknown encoding.
            MedSynthError: not of that encoding, or too long.
        """
        encoding = request.headers.get("content-encoding", "identity").lower()
        if encoding == "identity":
            return body
        if encoding not in ("gzip", "x-gzip"):
            words = f"the encoding of a request must be gzip or none. Received: encoding={encoding[:80]!r}."
            raise HTTPException(NO_SUCH_ENCODING, words, {"Accept-Encoding": "gzip"})
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
                text = file.read(self._limit + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise MedSynthError(f"a body that is said to be gzip must be gzip. Received: {error}.") from None
        self._check_size(len(text))
        return text

    def _check_size(self, read: int) -> None:
        check(
            f"a request must have at most {self._limit} bytes",
            read <= self._limit,
            "Send several.",
            read=read,
        )
