"""``medsynth prepare``: turns a folder of patients into a TFDS data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options

SUMMARY = "turn a folder of patients into a TFDS data set, split by patient"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument(
        "dataset", metavar="DATASET[/CONFIG]", help="brats or retina, and its config if not the default"
    )
    options.add_folder(parser, "--manual-dir", "holds one folder a patient; only read")
    options.add_folder(parser, "--data-dir", "where TFDS data sets are kept")
    options.add_cohort(parser)
    parser.add_argument(
        "--splits",
        type=Path,
        metavar="FILE",
        help="CSV with patient and split, instead of a hash of the person",
    )
    options.add_settings(parser)
    options.add_beam(parser)


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.prepare`."""
    return tf_medsynth.prepare(
        arguments.dataset,
        manual_dir=arguments.manual_dir,
        data_dir=arguments.data_dir,
        overrides=options.cohort_overrides(arguments),
        splits=arguments.splits,
        beam=options.beam(arguments),
    )
