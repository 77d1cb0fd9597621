"""``medsynth generate``: draws a gated, recorded data set from a trained run or an exported model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options

SUMMARY = "synthesise a labelled, registered data set from a trained run or an exported model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--run", type=Path, metavar="DIR", help="run directory with all four stages trained")
    source.add_argument("--from", dest="model", type=Path, metavar="MODEL", help=options.MODEL)
    parser.add_argument("--count", type=int, required=True, metavar="N", help="samples to write")
    options.add_seed(parser)
    options.add_folder(parser, "--out", "where the data set goes")
    parser.add_argument(
        "--no-filter", dest="filter", action="store_false", help="write every candidate; gates only report"
    )
    parser.add_argument(
        "--labels",
        choices=("dataset", "augmented"),
        default="augmented",
        help="lesion labels of real patients as they are, or augmented (default)",
    )
    parser.add_argument(
        "--format", choices=("tfds", "nifti", "mha"), default="tfds", help="of the output (default tfds)"
    )
    options.add_settings(parser)
    options.add_beam(parser)
    options.add_resume(parser)


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.generate`."""
    return tf_medsynth.generate(
        run=arguments.run,
        model=arguments.model,
        count=arguments.count,
        seed=arguments.seed,
        out=arguments.out,
        filter=arguments.filter,
        labels=arguments.labels,
        format=arguments.format,
        resume=arguments.resume,
        overrides=options.overrides(arguments),
        beam=options.beam(arguments),
    )
