"""``medsynth doctor``: reads a folder of patients and says what is odd about it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth

SUMMARY = "check a folder of patients; exit status 0 clean, 1 warnings, 2 unusable"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="holds one folder a patient; only read")


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.doctor`."""
    return tf_medsynth.doctor(arguments.folder)
