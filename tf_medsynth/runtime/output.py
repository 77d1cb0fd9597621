"""What a command says, where its reader may leave and its terminal may lack letters."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterator

FAILED = 2
"""Exit status of every error."""
LEFT = 128 + signal.SIGPIPE
"""Exit status where the reader of the output is gone, as ``head`` is; a shell says so of most commands."""


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Context of a command that speaks; whatever it said is out at the end.

    Letters that the terminal lacks are spelt out by their codes. Where the output cannot be written the
    command leaves: without a word where its reader is gone, else with one line.

    Raises:
        SystemExit: `LEFT`, or `FAILED`.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        codecs.register_error("medsynth", _spelt_out)
        sys.stdout.reconfigure(errors="medsynth")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
    except OSError as error:
        gone = isinstance(error, BrokenPipeError)
        if not gone:
            print(f"medsynth: the output must be writable. Received: {error}.", file=sys.stderr)
        _forget_what_cannot_be_said()
        sys.exit(LEFT if gone else FAILED)


def _spelt_out(error: UnicodeError) -> tuple[str | bytes, int]:
    """The bytes of a file name that is no text; of anything else its code."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


def _forget_what_cannot_be_said() -> None:
    """Or the interpreter would try again at its end, and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)
