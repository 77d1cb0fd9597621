"""``medsynth train``: trains one stage of a run."""

from __future__ import annotations

import argparse
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options
from tf_medsynth.config.families import TRAINABLE

SUMMARY = "train one stage; one run directory holds all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument("stage", choices=TRAINABLE, help="trained in this order, the last ones are baselines")
    parser.add_argument("--data", required=True, metavar="NAME", help="prepared data set, e.g. brats/slices")
    options.add_folder(parser, "--data-dir", "where TFDS data sets are kept")
    options.add_folder(parser, "--run", "the run directory")
    parser.add_argument("--preset", default="tiny", metavar="P", help="named settings (default tiny)")
    options.add_settings(parser)
    parser.add_argument("--steps", type=int, metavar="N", help="optimisation steps (default: of the preset)")
    options.add_seed(parser)
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "float16"),
        default="auto",
        help="auto (the default) takes bfloat16 where the hardware computes in it, else float32",
    )
    options.add_resume(parser)


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.train`."""
    return tf_medsynth.train(
        arguments.stage,
        data=arguments.data,
        data_dir=arguments.data_dir,
        run=arguments.run,
        preset=arguments.preset,
        overrides=options.overrides(arguments),
        steps=arguments.steps,
        seed=arguments.seed,
        precision=arguments.precision,
        resume=arguments.resume,
    )
