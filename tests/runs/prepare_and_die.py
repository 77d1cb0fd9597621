"""Prepares a cohort again and again, killed at one moment of publishing after the other: ``PATIENTS FOLDER``.

Leaves ``FOLDER/killed/data``, and ``FOLDER/whole/data`` of one that nothing befell.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from pathlib import Path

from tests.dying import Moment, in_fork, killed_and_run_again
from tf_medsynth.runs.prepare import prepare

MOMENTS = (
    Moment("1.0.0"),
    Moment("1.0.0", after=True),
    Moment("metadata.json"),
    Moment("metadata.json", after=True),
)


def main(patients: str, folder: str) -> None:
    for name in ("tensorflow", "tensorflow_datasets", "tfds_builders.brats.brats_dataset_builder"):
        importlib.import_module(name)

    def work(place: Path) -> None:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        prepare("brats/slices_64", manual_dir=patients, data_dir=place / "data")

    assert in_fork(functools.partial(work, Path(folder, "whole"))) == 0
    killed_and_run_again(functools.partial(work, Path(folder, "killed")), MOMENTS)


if __name__ == "__main__":
    main(*sys.argv[1:])
