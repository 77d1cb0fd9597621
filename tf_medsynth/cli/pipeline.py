"""``medsynth pipeline``: every step from patients to a pushed model, here or on a cluster."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options

SUMMARY = "run every step from patients to a pushed model, or compile them for a cluster"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument(
        "action", choices=("run", "compile"), help="on this machine, or as YAML for a cluster"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="PATH", help="folder of the run, or FILE.yaml to compile"
    )
    parser.add_argument("--manual-dir", type=Path, metavar="DIR", help="patients (default: a phantom cohort)")
    parser.add_argument(
        "--schema", type=Path, metavar="FILE", help="statistics/schema.json of an earlier run, to be kept"
    )
    parser.add_argument("--data", metavar="NAME", help="to prepare, brats/CONFIG (default brats/slices_64)")
    parser.add_argument("--preset", metavar="P", help="named settings of the trainings (default tiny)")
    parser.add_argument("--count", type=int, metavar="N", help="accepted samples to publish (default 200)")
    parser.add_argument("--name", metavar="NAME", help="of the pushed model (default medsynth)")
    options.add_seed(parser)
    options.add_settings(parser)
    parser.add_argument("--image", metavar="IMAGE", help="container image of the steps on a cluster")


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.pipeline`."""
    named = {name: getattr(arguments, name) for name in ("data", "preset", "count", "name", "seed")}
    return tf_medsynth.pipeline(
        arguments.action,
        out=arguments.out,
        manual_dir=arguments.manual_dir,
        schema=arguments.schema,
        image=arguments.image,
        overrides=options.overrides(arguments),
        **{name: value for name, value in named.items() if value is not None},
    )
