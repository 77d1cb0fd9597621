"""PNG files in a request: what they would unpack to is known from their heads, before any is unpacked."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

import numpy as np

from tf_medsynth.config.base import check

_BEGINNING = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">8s4s4sII")
"""Signature, length and name of the first chunk, then width and height in pixels."""
_BYTES = 8
"""Of a pixel at most: four channels of 16 bits."""


def check_pictures(inputs: Mapping[str, np.ndarray], most_bytes: int) -> None:
    """Raises where the PNG files of a request claim more pixels than `most_bytes` hold; reads heads alone.

    Args:
        inputs: arrays of a request by name; files are those of bytes.
        most_bytes: what all of them may unpack to.
    """
    for name, array in inputs.items():
        if array.dtype == object:
            claimed = _BYTES * sum(map(_pixels, _files(array)))
            check(
                f"the pictures of input {name!r} may unpack to {most_bytes} bytes",
                claimed <= most_bytes,
                "Send smaller or fewer pictures.",
                bytes=claimed,
            )


def _files(array: np.ndarray) -> Iterable[bytes]:
    return (item for item in array.flat if isinstance(item, bytes))


def _pixels(file: bytes) -> int:
    if len(file) < _HEAD.size or not file.startswith(_BEGINNING):
        return 0
    *_, width, height = _HEAD.unpack_from(file)
    return int(width) * int(height)
