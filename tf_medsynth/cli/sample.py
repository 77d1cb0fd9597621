"""``medsynth sample``: one imaginary patient of an exported model, as a picture or NIfTI volumes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options
from tf_medsynth.config.base import parse_assignments

SUMMARY = "draw one patient of an exported model as a picture or NIfTI volumes"

_EXAMPLE = "--lesion kind=nested row=0.5 column=0.4 radius=0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument(
        "--model",
        type=Path,
        metavar="MODEL",
        help=options.MODEL_HELP,
    )
    options.add_seed(parser)
    parser.add_argument(
        "--number", type=int, metavar="K", help="sample of the seed (default: its first good one)"
    )
    parser.add_argument(
        "--lesion",
        nargs="+",
        action="extend",
        metavar="key=value",
        help=f"a lesion of your own instead of the model's, e.g. {_EXAMPLE.partition(' ')[2]}",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="a .png picture, or a .zip of NIfTI volumes"
    )


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.sample`."""
    lesion = arguments.lesion and parse_assignments(arguments.lesion, _EXAMPLE)
    return tf_medsynth.sample(
        model=arguments.model, seed=arguments.seed, number=arguments.number, lesion=lesion, out=arguments.out
    )
