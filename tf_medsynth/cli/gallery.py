"""``medsynth gallery``: a page in the browser over an exported model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options

SUMMARY = "look at the patients of an exported model in a browser"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument(
        "model",
        type=Path,
        nargs="?",
        metavar="MODEL",
        help=options.MODEL_HELP,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=8600, metavar="N", help="to listen on, 0 for any free one (default 8600)"
    )
    parser.add_argument(
        "--allow-host",
        dest="allow_hosts",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="names by which the page may be asked for as well, as a proxy has them",
    )
    parser.add_argument(
        "--no-browser", dest="browser", action="store_false", help="only print where the page is"
    )


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.gallery`."""
    return tf_medsynth.gallery(
        model=arguments.model,
        host=arguments.host,
        port=arguments.port,
        browser=arguments.browser,
        allow_hosts=arguments.allow_hosts,
    )
