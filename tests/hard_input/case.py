"""One bad input: what it is, how it is made, the rule that refuses it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Case:
    """A call of ``medsynth`` that has to end in one line.

    Attributes:
        name: what is wrong, unique in the table: ``mha: NDims 99``.
        words: of the command; ``{here}`` is the case's own folder, ``{base}`` that of the shared inputs
            (`bases.py` says which), ``{model}`` the model in the box.
        rule: a pattern of what the line on standard error says.
        make: writes the input, given the case's folder and the shared inputs.
        status: exit status; 2 is a refusal. With 0 or 1, `rule` is looked for in all that was printed.
        seconds: after which the call is killed, and the case fails.
        mebibytes: of memory above what the imports take, at which it is killed likewise.
        leaves: patterns of names below `here` that the call may write; a refusal writes nothing.
    """

    name: str
    words: tuple[str, ...]
    rule: str
    make: Callable[[Path, Path], object] | None = None
    status: int = 2
    seconds: float = 30.0
    mebibytes: int = 1024
    leaves: tuple[str, ...] = ()
