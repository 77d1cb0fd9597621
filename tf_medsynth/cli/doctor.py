"""``medsynth doctor``: reads a folder of patients and says what is odd about it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options

SUMMARY = "check a folder of patients; exit status 0 clean, 1 warnings, 2 unusable"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="holds patients, at any depth; only read")
    parser.add_argument("--dataset", default="brats", metavar="NAME", help="brats (default) or retina")
    options.add_cohort(parser)
    options.add_settings(parser)
    parser.add_argument(
        "--proposal",
        type=Path,
        default=Path("layout.toml"),
        metavar="FILE",
        help="where a layout is proposed if none is recognised (default layout.toml; never replaced)",
    )


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.doctor`."""
    return tf_medsynth.doctor(
        arguments.folder,
        dataset=arguments.dataset,
        overrides=options.cohort_overrides(arguments),
        proposal=arguments.proposal,
    )
