"""Who may ask the page's server: a browser that was led to it by its own name, from its own pages."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_FORBIDDEN = 403
_EVERY_ADDRESS = ("0.0.0.0", "::")


class OwnVisitors:
    """ASGI layer that refuses what a strange page makes a browser ask, over HTTP and web sockets.

    A page of any site can send a browser here, and, where its name is made to mean this machine (DNS
    rebinding), read what comes back. Both are told by the headers ``Host`` and ``Origin``, which no page
    can write.

    Args:
        app: what answers the others.
        host: that the server listens on; with an address of all interfaces any address may be asked, since
            a rebound name is a name.
        allowed: further names, as a proxy in front has them.
    """

    def __init__(self, app: ASGIApp, host: str, allowed: Iterable[str] = ()) -> None:
        self._app = app
        self._allowed = frozenset(name.lower() for name in allowed)
        self._names = LOCAL | {host.lower()} | self._allowed
        self._any_address = host in _EVERY_ADDRESS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or refuses."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._serves(_name(f"//{host}")) and (origin is None or self._is_own(origin, host)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "another site"})
        else:
            rule = "the gallery answers its own pages, by its own names alone"
            words = f"{rule}. Received: host={host[:80]!r}, origin={str(origin)[:80]!r}."
            await PlainTextResponse(f"{words} Pass --allow-host NAME.\n", _FORBIDDEN)(scope, receive, send)

    def _serves(self, name: str) -> bool:
        return name in self._names or (self._any_address and _is_address(name))

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether a page of `origin` is one of this server, or of the proxy whose name is allowed."""
        name = _name(origin)
        return bool(name) and (origin.lower().partition("://")[2] == host.lower() or name in self._allowed)


def _name(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
