"""What TensorFlow's errors say, in the words of a failed check."""

from __future__ import annotations

_MOST_CHARACTERS = 600


def words_of(error: Exception) -> str:
    """The words of a failed check in the graph, else the line in which `error` says what happened."""
    text = str(error)
    _, failed, asserted = text.partition("assertion failed: [")
    if failed:
        said = asserted.split("]\n")[0].split("] [")[0]
    else:
        lines = text.rpartition("<stack traces unavailable>")[2].strip().splitlines()
        said = lines[0].rstrip(".") if lines else type(error).__name__
    return " ".join(said.split())[:_MOST_CHARACTERS]
