"""``medsynth study``: runs rows of a published experiment from several seeds and says what held."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.cli import options
from tf_medsynth.config.base import check
from tf_medsynth.config.studies import STUDIES, StudyRow, study_rows

SUMMARY = "run rows of a published experiment from several seeds, with intervals and verdicts"


@dataclasses.dataclass(frozen=True)
class Listing:
    """The rows of a study."""

    study: str
    rows: list[StudyRow]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dataclasses.asdict(self)

    def render(self) -> str:
        """A line a row."""
        return "\n".join(_line(row) for row in self.rows)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the verb."""
    parser.add_argument("study", choices=STUDIES, help="which experiment")
    parser.add_argument("--list", action="store_true", help="print the rows, run nothing")
    parser.add_argument("--rows", nargs="+", default=[], metavar="ROW", help="rows to run, or all")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="trainings a row (default 3)")
    parser.add_argument("--run", type=Path, metavar="DIR", help="the run that data and samples are of")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the study's folder")
    parser.add_argument(
        "--pool",
        nargs="+",
        default=[],
        type=Path,
        metavar="DIR",
        help="run nothing: put finished studies of availability on several splits together",
    )
    parser.add_argument(
        "--synthetic", type=Path, metavar="DIR", help="what generate wrote (default RUN/synthetic)"
    )
    parser.add_argument("--preset", metavar="P", help="whose lesion stage segments (default: the run's)")
    parser.add_argument(
        "--augment", action="store_true", help="classical augmentation of every batch, in every row"
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "float16"),
        default="auto",
        help="as in train (default auto)",
    )
    options.add_settings(parser)
    options.add_seed(parser)
    options.add_resume(parser)


def run(arguments: argparse.Namespace) -> Any:
    """Result of `tf_medsynth.study`, the rows for ``--list``, or studies put together for ``--pool``."""
    if arguments.list:
        return Listing(arguments.study, list(study_rows(arguments.study).values()))
    needed = ("out",) if arguments.pool else ("run", "out")
    for name in needed:
        check(f"a study needs --{name}", getattr(arguments, name) is not None, "Or --list.", **{name: None})
    if arguments.pool:
        only = arguments.study == "availability" and not (arguments.rows or arguments.run)
        check(
            "--pool takes finished studies of availability, and no --rows or --run",
            only,
            "medsynth study availability --pool DIR DIR --out DIR",
            study=arguments.study,
            rows=arguments.rows,
            run=arguments.run,
        )
        return tf_medsynth.pool_studies(arguments.pool, out=arguments.out)
    return tf_medsynth.study(
        arguments.study,
        rows=arguments.rows,
        run=arguments.run,
        out=arguments.out,
        seeds=arguments.seeds,
        seed=arguments.seed,
        synthetic=arguments.synthetic,
        preset=arguments.preset,
        overrides=options.overrides(arguments),
        augment=arguments.augment,
        precision=arguments.precision,
        resume=arguments.resume,
    )


def _line(row: StudyRow) -> str:
    published = ", ".join(f"{name} {value:g}" for name, value in row.reference.items())
    tail = f"; published {published}" if published else ""
    return f"{row.name:>14}  {row.about}{tail}"
