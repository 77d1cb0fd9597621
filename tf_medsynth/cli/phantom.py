"""``medsynth phantom``: writes the embedded cohort."""

from __future__ import annotations

import argparse
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options

SUMMARY = "write a cohort of simulated patients: BRATS2015 .mha files, or photographs as in DRIVE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument("--patients", type=int, required=True, metavar="N", help="how many patients")
    parser.add_argument("--size", type=int, required=True, metavar="S", help="pixels along each axis")
    options.add_seed(parser)
    parser.add_argument("--organ", default="brain", metavar="ORGAN", help="brain (default) or retina")
    options.add_folder(parser, "--out", "new directory, one folder a patient below it")


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.phantom`."""
    folders = tf_medsynth.phantom(
        patients=arguments.patients,
        size=arguments.size,
        seed=arguments.seed,
        out=arguments.out,
        organ=arguments.organ,
    )
    return {"folders": [str(folder) for folder in folders]}
