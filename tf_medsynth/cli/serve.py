"""``medsynth serve``: how to serve an exported model, or a server here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options
from tf_medsynth.config.serving import ServingConfig

SUMMARY = "print how TensorFlow Serving serves a model; with --local, serve it here"

_OPTIONS = {
    "host": "address to listen on",
    "port": "of REST, 0 for any free one",
    "grpc_port": "of gRPC, 0 for any free one",
    "batch_limit": "most rows computed at once, and of one request",
    "batch_wait_ms": "milliseconds that a request waits for others to be computed with",
    "queue_limit": "requests that may wait; the next is refused at once",
    "body_seconds": "in which a request must arrive over REST",
}
"""Settings of a server that have an option of their own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument(
        "model",
        type=Path,
        nargs="?",
        metavar="MODEL",
        help=options.MODEL_HELP,
    )
    parser.add_argument("--local", action="store_true", help="run a server in this environment")
    for name, meaning in _OPTIONS.items():
        default = getattr(ServingConfig, name)
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=type(default),
            default=default,
            metavar=name.rpartition("_")[2].upper(),
            help=f"{meaning} (default {default})",
        )


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.serve`."""
    return tf_medsynth.serve(
        arguments.model,
        local=arguments.local,
        overrides={name: getattr(arguments, name) for name in _OPTIONS},
    )
