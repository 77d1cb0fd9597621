"""``medsynth sample``: one imaginary patient of an exported model, as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options

SUMMARY = "draw one patient of an exported model as a picture"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help="saved_models/NAME or a version in it (default: the newest that comes along)",
    )
    options.add_seed(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="the picture")


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.sample`."""
    return tf_medsynth.sample(model=arguments.model, seed=arguments.seed, out=arguments.out)
