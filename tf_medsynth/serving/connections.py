"""Connections that nobody can hold by talking slowly, by not listening, or by the hundred."""

from __future__ import annotations

import asyncio
import json
from typing import Any

_HEAD_SECONDS = 20.0
"""In which the head of a request must have arrived."""
_ANSWER_SECONDS = 60.0
"""After which an answer that is waiting to be read must have become shorter."""
_MOST_OF_AN_ADDRESS = 256
"""Connections: a process has 1,024 open files by default, of which no address shall have all."""


def patient_protocol(base: type) -> type:
    """`base`, one of uvicorn's two HTTP protocols, with limits on what a connection may hold.

    Deviates: uvicorn limits idle time between requests alone.
    """

    class Patient(base):
        """One connection."""

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._head: asyncio.TimerHandle | None = None
            self._left = 0
            address = self.client and self.client[0]
            held = sum(bool(other.client) and other.client[0] == address for other in self.connections)
            if held > _MOST_OF_AN_ADDRESS:
                transport.write(_refusal(held - 1))
                transport.close()
            else:
                self._await_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._await_head()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._left = self.transport.get_write_buffer_size()
            if self._left:
                self.loop.call_later(_ANSWER_SECONDS, self._drop_unread)

        def connection_lost(self, error: Exception | None) -> None:
            self._cancel_head()
            super().connection_lost(error)

        def _between(self) -> bool:
            """Whether no request is under way, though the head of one may be."""
            return self.cycle is None or self.cycle.response_complete

        def _await_head(self) -> None:
            if not self._between():
                self._cancel_head()
            elif self._head is None:
                self._head = self.loop.call_later(_HEAD_SECONDS, self._drop_headless)

        def _cancel_head(self) -> None:
            if self._head is not None:
                self._head.cancel()
                self._head = None

        def _drop_headless(self) -> None:
            self._head = None
            if self._between():
                self.transport.abort()

        def _drop_unread(self) -> None:
            before, self._left = self._left, self.transport.get_write_buffer_size()
            if self._left and self._left >= before:
                self.transport.abort()
            elif self._left:
                self.loop.call_later(_ANSWER_SECONDS, self._drop_unread)

    return Patient


def _refusal(held: int) -> bytes:
    words = f"an address has at most {_MOST_OF_AN_ADDRESS} connections. Received: connections={held}."
    body = json.dumps({"error": f"{words} Close some."}).encode()
    head = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def harden(config: Any) -> None:
    """Gives `config` of uvicorn connections with limits."""
    config.load()
    config.http_protocol_class = patient_protocol(config.http_protocol_class)
