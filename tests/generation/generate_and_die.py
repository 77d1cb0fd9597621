"""Fills a spool and kills itself with SIGKILL on the way: ``FOLDER COUNT EVENT NUMBER``.

EVENT ``render`` dies within a chunk, ``replace`` when a written file is about to take its place.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.generation.analytic import Ellipses, some_labels
from tf_medsynth.config.generation import GenerationConfig, LesionGate
from tf_medsynth.generation import LabelPool, stream

FLAWS = {1: "open", 3: "ignore", 5: "shift"}
SETTINGS = GenerationConfig(chunk=4, lesion=LesionGate(0.7, 0.5))
SEED = 11


def labels() -> LabelPool:
    return LabelPool(np.stack(some_labels()).astype(np.uint8))


def deadly(function: Callable[..., Any], calls: int) -> Callable[..., Any]:
    """`function`, whose call number `calls` is the end of this process."""
    left = [calls]

    def wrapped(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)

    return wrapped


def main(folder: str, count: str, event: str, number: str) -> None:
    synthesiser = Ellipses(flaws=FLAWS)
    if event == "render":
        synthesiser.render = deadly(synthesiser.render, int(number))  # type: ignore[method-assign]
    else:
        os.replace = deadly(os.replace, int(number))
    stream(synthesiser, labels(), SETTINGS, SEED, int(count), Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
