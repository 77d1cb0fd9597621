"""The gallery's server hears its own pages alone: a strange site gets nothing, over HTTP or a web socket."""

import asyncio

import pytest

pytest.importorskip("starlette", reason="needs the extra [ui]")

from tf_medsynth.viewer.visitors import OwnVisitors


def asked(kind: str, headers: dict[str, str], bound: str, allowed) -> tuple[bool, list[dict]]:
    """Whether the page behind the layer was asked, and what the browser was sent instead."""
    reached, sent = [], []

    async def page(scope, receive, send):
        reached.append(scope)

    async def receive():
        return {"type": f"{kind}.connect" if kind == "websocket" else "http.request"}

    async def send(message):
        sent.append(message)

    held = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(OwnVisitors(page, bound, allowed)({"type": kind, "headers": held}, receive, send))
    return bool(reached), sent


def heard(host: str, origin: str | None = None, bound: str = "127.0.0.1", allowed=()) -> bool:
    """Whether a request and a web socket with these headers are answered, both or neither."""
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    page, answer = asked("http", headers, bound, allowed)
    socket, closed = asked("websocket", headers, bound, allowed)
    assert page == socket
    assert page or (answer[0]["status"] == 403 and closed[0]["type"] == "websocket.close")
    return page


@pytest.mark.parametrize(
    "host", ["localhost:8600", "127.0.0.1:8600", "[::1]:8600", "LOCALHOST", "localhost.:1"]
)
def test_this_machine_is_heard(host):
    assert heard(host) and heard(host, f"http://{host}")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8600", "", "127.0.0.1.evil.example", "10.0.0.7", "[", "localhost@evil"],
)
def test_a_name_that_was_made_to_mean_this_machine_is_not(host):
    assert not heard(host) and not heard(host, f"http://{host}")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:3000", "file://", "["])
def test_pages_of_others_are_not(origin):
    assert not heard("localhost:8600", origin)


def test_the_host_that_was_chosen_and_the_names_that_were_allowed_are_heard():
    assert heard("10.0.0.7:8600", "http://10.0.0.7:8600", bound="10.0.0.7")
    assert heard("10.0.0.7:8600", bound="0.0.0.0") and heard("[fe80::1]:8600", bound="::")
    assert not heard("evil.example", bound="0.0.0.0")
    assert heard("gallery.example", "https://gallery.example", allowed=["Gallery.example"])
    assert heard("127.0.0.1:8600", "https://gallery.example", allowed=["gallery.example"])
