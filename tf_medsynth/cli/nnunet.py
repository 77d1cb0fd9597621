"""``medsynth nnunet``: a raw dataset for nnU-Net v2 of any mix of real, synthetic and augmented slices."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options

SUMMARY = "write any mix of real, synthetic and augmented slices as a raw dataset of nnU-Net v2"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument("--real", metavar="NAME", help="prepared dataset, e.g. brats/slices_96")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where it was prepared")
    parser.add_argument("--synthetic", type=Path, metavar="DIR", help="generated set, or its run")
    options.add_folder(parser, "--out", "nnU-Net's folder of raw datasets; DatasetNNN_NAME is made in it")
    parser.add_argument(
        "--row", metavar="ROW", help="of `study availability`: exactly the slices that it trains on"
    )
    options.add_seed(parser)
    parser.add_argument("--number", type=int, default=501, metavar="NNN", help="of the dataset (default 501)")
    parser.add_argument("--name", default="MedSynth", metavar="NAME", help="of the dataset")
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="of nnU-Net's cross-validation, by patient (default 5, or as many as there are patients)",
    )
    parser.add_argument("--most", type=int, metavar="N", help="synthetic samples, evenly spread over the set")
    parser.add_argument("--overwrite", action="store_true", help="replace a dataset of that name")


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.nnunet`."""
    return tf_medsynth.nnunet(
        out=arguments.out,
        real=arguments.real,
        data_dir=arguments.data_dir,
        synthetic=arguments.synthetic,
        row=arguments.row,
        seed=arguments.seed,
        number=arguments.number,
        name=arguments.name,
        folds=arguments.folds,
        most=arguments.most,
        overwrite=arguments.overwrite,
    )
