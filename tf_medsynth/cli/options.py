"""Options that several verbs share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tf_medsynth.config.base import parse_assignments
from tf_medsynth.config.evaluation import ARCHITECTURES
from tf_medsynth.runtime import Beam, beam_of, local_path
from tf_medsynth.types import MedSynthError

MODEL = "saved_models/NAME, a version in it, or the name of a model that comes along"
MODEL_HELP = f"{MODEL} (default: the newest of those)"


def place(word: str) -> Path:
    """A word of the command line that names a file or folder, as a path; see `runtime.local_path`."""
    try:
        return local_path(word, "path")
    except MedSynthError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_output(parser: argparse.ArgumentParser) -> None:
    """Adds ``--json`` and ``--debug``, which every verb takes."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def add_folder(parser: argparse.ArgumentParser, name: str, meaning: str) -> None:
    """Adds a required option that takes a directory."""
    parser.add_argument(name, type=Path, required=True, metavar="DIR", help=meaning)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Adds ``--set key=value ...``."""
    parser.add_argument(
        "--set",
        dest="assignments",
        nargs="+",
        action="extend",
        default=[],
        metavar="key=value",
        help="settings to change, with dots for nested ones, e.g. batch_size=8 generator.base_filters=16",
    )


def add_cohort(parser: argparse.ArgumentParser) -> None:
    """Adds ``--layout``, ``--aliases`` and ``--leave-out``: how a folder of patients is read."""
    parser.add_argument(
        "--layout", metavar="NAME|FILE", help="a published layout, or a TOML file of your own (default: any)"
    )
    parser.add_argument(
        "--aliases", nargs="+", action="extend", metavar="A=B", help="names of patients who are one person"
    )
    parser.add_argument(
        "--leave-out", nargs="+", action="extend", metavar="PATIENT", help="patients who are not wanted"
    )


def cohort_overrides(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """The ``--set`` words and `add_cohort`'s options as one dictionary of settings."""
    given = {name: getattr(arguments, name) for name in ("layout", "aliases", "leave_out")}
    return {**(overrides(arguments) or {}), **{name: value for name, value in given.items() if value}} or None


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Adds ``--seed``."""
    parser.add_argument("--seed", type=int, default=0, metavar="K", help="of every random draw (default 0)")


def add_features(parser: argparse.ArgumentParser) -> None:
    """Adds ``--features``, ``--feature-range`` and ``--feature-architecture``."""
    parser.add_argument(
        "--features",
        type=Path,
        metavar="FILE",
        help="frozen extractor: a .keras or .h5 file or a SavedModel folder",
    )
    parser.add_argument(
        "--feature-range",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="what black and white are to it, e.g. -1 1 (default: its record, or the architecture's)",
    )
    parser.add_argument(
        "--feature-architecture",
        choices=tuple(ARCHITECTURES),
        help="of an .h5 file that holds weights alone",
    )


def add_resume(parser: argparse.ArgumentParser) -> None:
    """Adds ``--resume``."""
    parser.add_argument("--resume", action="store_true", help="go on where a stopped run ended")


def add_beam(parser: argparse.ArgumentParser) -> None:
    """Adds ``--beam-runner``, ``--workers`` and ``--beam-options``."""
    parser.add_argument(
        "--beam-runner",
        metavar="RUNNER",
        help="work by an Apache Beam pipeline, e.g. DirectRunner, DataflowRunner (default: this process)",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="of the pipeline; by itself: N processes of this machine"
    )
    parser.add_argument(
        "--beam-options",
        nargs="+",
        action="extend",
        default=[],
        metavar="key=value",
        help="options of Beam's runner, e.g. region=europe-west4 temp_location=gs://bucket/temp",
    )


def beam(arguments: argparse.Namespace) -> Beam | None:
    """The pipeline that `add_beam`'s options ask for, None for this process."""
    return beam_of(arguments.beam_runner, arguments.workers, parse_assignments(arguments.beam_options))


def overrides(arguments: argparse.Namespace) -> dict[str, str] | None:
    """The ``--set`` words as a dictionary, None where there are none."""
    return parse_assignments(arguments.assignments) or None
