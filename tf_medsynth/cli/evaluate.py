"""``medsynth evaluate``: measures a synthetic data set beside real patients."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options
from tf_medsynth.config.base import check
from tf_medsynth.config.evaluation import METRICS

SUMMARY = "measure a synthetic data set beside real patients"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    real = parser.add_mutually_exclusive_group(required=True)
    real.add_argument("--run", type=Path, metavar="DIR", help="finished run: its data, its networks")
    real.add_argument("--data", metavar="NAME", help="prepared data set, e.g. brats/slices; no networks")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where --data is kept")
    parser.add_argument(
        "--synthetic",
        type=Path,
        metavar="DIR",
        help="where generate wrote unfiltered samples (default RUN/unfiltered)",
    )
    parser.add_argument(
        "--judge", type=Path, metavar="DIR", help="finished lesion stage that knows neither guides nor test"
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        choices=METRICS,
        metavar="GROUP",
        help=f"of {', '.join(METRICS)} (default: all that the other options allow)",
    )
    options.add_features(parser)
    parser.add_argument(
        "--train-features",
        type=Path,
        metavar="FILE.keras",
        help="train an extractor on the training patients; without --synthetic nothing else is done",
    )
    parser.add_argument(
        "--preset", default="tiny", metavar="P", help="with --data: whose intensities hold (default tiny)"
    )
    options.add_settings(parser)
    options.add_seed(parser)


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.evaluate`, or of `tf_medsynth.train_features`."""
    features = arguments.features
    if arguments.train_features is not None:
        check(
            "--train-features makes the extractor that --features would name",
            features is None,
            features=str(features),
        )
        made = tf_medsynth.train_features(
            run=arguments.run,
            data=arguments.data,
            data_dir=arguments.data_dir,
            out=arguments.train_features,
            seed=arguments.seed,
            preset=arguments.preset,
            overrides=options.overrides(arguments),
        )
        if arguments.synthetic is None:
            return made
        features = made.file
    return tf_medsynth.evaluate(
        run=arguments.run,
        data=arguments.data,
        data_dir=arguments.data_dir,
        synthetic=arguments.synthetic,
        judge=arguments.judge,
        metrics=arguments.metrics,
        features=features,
        feature_range=arguments.feature_range,
        feature_architecture=arguments.feature_architecture,
        seed=arguments.seed,
        preset=arguments.preset,
        overrides=options.overrides(arguments),
    )
