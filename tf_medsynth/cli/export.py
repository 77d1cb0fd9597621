"""``medsynth export``: a finished run as a SavedModel for TensorFlow Serving."""

from __future__ import annotations

import argparse
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options

SUMMARY = "write a finished run as a SavedModel that any server repeats byte for byte"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    options.add_folder(parser, "--run", "run directory with all four stages trained")
    options.add_folder(parser, "--to", "the model's folder, saved_models/NAME; its next version is written")


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.export`."""
    return tf_medsynth.export(run=arguments.run, to=arguments.to)
