"""Where an input lies: here, or at an address that this package does not open."""

from __future__ import annotations

import re
from pathlib import Path

from tf_medsynth.config.base import check

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""``gs://bucket``, and ``gs:/bucket`` as `Path` writes it."""


def check_local(**inputs: Path | str | None) -> None:
    """Raises where an input, by its name, is the address of a store or a server.

    `Path` takes ``gs://bucket/model`` for a folder ``gs:`` of this one, which is not there.
    """
    for name, value in inputs.items():
        address = value is not None and _ADDRESS.match(str(value)) is not None
        check(
            f"{name} must lie on a disk of this machine",
            not address or Path(str(value)).exists(),
            "Copy it here first, or mount its store.",
            **{name: str(value)},
        )
