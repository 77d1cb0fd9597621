"""``medsynth demo``: the pipeline on the embedded cohort."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth

SUMMARY = "run the whole pipeline on the embedded cohort; run it again to go on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument(
        "--out", type=Path, default=Path("demo_out"), metavar="DIR", help="where all goes (default demo_out)"
    )


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.demo`."""
    return tf_medsynth.demo(out=arguments.out)
