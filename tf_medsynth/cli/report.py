"""``medsynth report``: one self-contained HTML page about a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options

SUMMARY = "write one self-contained HTML page about a run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    options.add_folder(parser, "--run", "the run directory")
    parser.add_argument(
        "--study",
        dest="studies",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="DIR",
        help="folders of finished studies to show",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.html", help="the page")


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.report`."""
    return tf_medsynth.report(run=arguments.run, out=arguments.out, studies=arguments.studies)
