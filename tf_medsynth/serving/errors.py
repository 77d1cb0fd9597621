"""What a request can come to: the names of gRPC's status codes, and their HTTP status."""

from __future__ import annotations

from tf_medsynth.types import MedSynthError

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "INTERNAL": 500,
}
"""HTTP status of each code, as TensorFlow Serving maps them."""


class NotFoundError(MedSynthError):
    """The server has no such model or version."""

    code = "NOT_FOUND"


class OverloadedError(MedSynthError):
    """The queue is full; the request may be sent again later."""

    code = "RESOURCE_EXHAUSTED"


class StoppingError(MedSynthError):
    """The server takes no more requests."""

    code = "UNAVAILABLE"


def status(error: BaseException) -> tuple[str, str]:
    """Code and message of what went wrong: a mistake of the client says what, anything else is internal."""
    if isinstance(error, MedSynthError):
        return getattr(error, "code", "INVALID_ARGUMENT"), str(error)
    return "INTERNAL", f"the model failed: {type(error).__name__}: {error}"
