"""``medsynth audit``: measures a certificate of a set of images."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options

SUMMARY = "measure a certificate of a set of images: registration, lesion, memorisation"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument("kind", metavar="registration|lesion|memorisation", help="what is certified")
    parser.add_argument(
        "target",
        metavar="TARGET",
        help="a generated set, a run, anyone's folder of patients (NIfTI, MHA), or a prepared dataset such "
        "as brats/slices_96, or brats/slices_96:test for one split, with --data-dir",
    )
    parser.add_argument(
        "--against",
        metavar="TARGET",
        help="another set: real beside synthetic; for memorisation the data set trained on, its training "
        "patients against its test patients",
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where TFDS data sets are kept")
    parser.add_argument(
        "--size",
        type=_size,
        metavar="N|H,W",
        help="of the images, for folders of volumes",
    )
    parser.add_argument("--most", type=int, metavar="N", help="samples looked at, evenly spread over the set")
    options.add_features(parser)
    options.add_seed(parser)
    parser.add_argument(
        "--out", type=Path, metavar="FILE.json", help="of the certificate (default: beside a generated set)"
    )


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.audit`."""
    return tf_medsynth.audit(
        arguments.kind,
        arguments.target,
        arguments.against,
        data_dir=arguments.data_dir,
        size=arguments.size,
        most=arguments.most,
        seed=arguments.seed,
        out=arguments.out,
        features=arguments.features,
        feature_range=arguments.feature_range,
        feature_architecture=arguments.feature_architecture,
    )


def _size(word: str) -> tuple[int, int]:
    numbers = [int(part) for part in word.split(",")]
    rows, columns = numbers * 2 if len(numbers) == 1 else numbers
    if min(rows, columns) < 1:
        raise ValueError(word)
    return rows, columns
