"""Ports to listen on."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator

from tf_medsynth.config.base import check


@contextlib.contextmanager
def listening(host: str, port: int, what: str = "port") -> Iterator[socket.socket]:
    """Context with a socket that listens; a taken port is one clear line.

    Args:
        host: address to listen on.
        port: 0 takes a free one.
        what: name of the option, for the message.

    Raises:
        MedSynthError: the port is taken, or nobody can listen there.
    """
    try:
        server = socket.create_server((host, port))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        rule = f"{what} must be free" if taken else f"cannot listen there ({error.strerror})"
        check(rule, False, "Choose another, or 0 for any free one.", host=host, **{what: port})
    with server:
        yield server
