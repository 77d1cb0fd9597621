"""What a request can come to: the names of gRPC's status codes, and their HTTP status."""

from __future__ import annotations

from tf_medsynth.types import MedSynthError

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "NOT_FOUND": 404,
    "DEADLINE_EXCEEDED": 408,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "INTERNAL": 500,
}
"""HTTP status of each code, as TensorFlow Serving maps them."""

_MOST_CHARACTERS, _LAST_CHARACTERS = 300, 100
"""Of a message, and of its end: it repeats what a client sent, which may be long."""


class NotFoundError(MedSynthError):
    """The server has no such model or version."""

    code = "NOT_FOUND"


class OverloadedError(MedSynthError):
    """The queue is full; the request may be sent again later."""

    code = "RESOURCE_EXHAUSTED"


class SlowError(MedSynthError):
    """A client took too long to say what it wants."""

    code = "DEADLINE_EXCEEDED"


class StoppingError(MedSynthError):
    """The server takes no more requests."""

    code = "UNAVAILABLE"


def status(error: BaseException) -> tuple[str, str]:
    """Code and message of what went wrong: a mistake of the client says what, anything else is internal."""
    if isinstance(error, MedSynthError):
        return getattr(error, "code", "INVALID_ARGUMENT"), _short(str(error))
    return "INTERNAL", _short(f"the model failed: {type(error).__name__}: {error}")


def _short(message: str) -> str:
    """`message` without its middle where it is long: a rule comes first, a remedy last, an echo between."""
    if len(message) <= _MOST_CHARACTERS:
        return message
    return f"{message[: _MOST_CHARACTERS - _LAST_CHARACTERS]} … {message[-_LAST_CHARACTERS:]}"
