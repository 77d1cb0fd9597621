"""Trains a tiny stage again and again, killed at one moment after the other: ``JSON FOLDER``.

The JSON holds arguments of `train`; its `changes` come on top of what makes the stage tiny.
Leaves ``FOLDER/killed``, and ``FOLDER/whole`` that nothing befell.
"""

from __future__ import annotations

import functools
import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

from tests import conftest
from tests.dying import Moment, in_fork, killed_and_run_again
from tests.tiny import OVERRIDES
from tf_medsynth.runs.train import train

MOMENTS = (
    Moment("step_0000004.png"),
    Moment("finished.json"),
    Moment("finished.json", after=True),
)


def main(arguments: str, folder: str) -> None:
    for name in ("tensorflow", "keras", "tensorflow_datasets", "tfds_builders"):
        importlib.import_module(name)
    given = json.loads(arguments)
    stage = given.pop("stage")
    changes = {**OVERRIDES.get(stage, {}), **given.pop("changes")}

    def work(place: Path) -> None:
        conftest.pytest_configure(SimpleNamespace(option=SimpleNamespace()))  # type: ignore[arg-type]
        train(stage, run=place, overrides=changes, precision="float32", resume=True, **given)

    assert in_fork(functools.partial(work, Path(folder, "whole"))) == 0
    killed_and_run_again(functools.partial(work, Path(folder, "killed")), MOMENTS)


if __name__ == "__main__":
    main(*sys.argv[1:])
