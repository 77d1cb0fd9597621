"""Rows times seeds of a study, each in a folder of its own: checked first, then run, then left alone.

A unit is finished when its ``result.json`` stands; a killed study goes on with the unit it was in.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.studies import StudyRow
from tf_medsynth.config.study_records import QualityResult, ScoredResult
from tf_medsynth.runs.run_directory import StageDirectory

_REMEDY = "Remove the row's folder; the study runs it again with --resume."


@dataclasses.dataclass(frozen=True)
class Unit:
    """One row from one seed.

    Attributes:
        config: what decides its result.
    """

    row: StudyRow
    seed: int
    directory: StageDirectory
    config: Mapping[str, Any]

    @property
    def result_file(self) -> Path:
        """``result.json``."""
        return self.directory.path / "result.json"

    def result(self) -> dict[str, Any] | None:
        """What it found, or None where it is not finished.

        Raises:
            MedSynthError: a record of other types, or of another row or seed.
        """
        if not self.result_file.exists():
            return None
        schema = QualityResult if self.config.get("study") == "quality" else ScoredResult
        found: Mapping[str, Any] = runtime.read_record(self.result_file, schema, _REMEDY)
        with runtime.of_file(self.result_file, _REMEDY):
            own = found["row"] == self.row.name and found["seed"] == self.seed
            check("a result is of its folder's row and seed", own, row=found["row"], seed=found["seed"])
            check("a result has scores", bool(found.get("patients", found.get("mean"))))
        return dict(found)


Work = Callable[[Unit], dict[str, Any]]
"""Runs a unit; answers JSON values, with ``seconds`` = ``{"training", "evaluation"}``, and ``words``."""


@dataclasses.dataclass(frozen=True)
class Done:
    """What a study's units found, and what this call of it took.

    Attributes:
        training, evaluation: seconds of the units that this call ran.
        watch: started when the study was called.
    """

    results: list[dict[str, Any]]
    training: float
    evaluation: float
    watch: runtime.Stopwatch

    def time(self) -> dict[str, Any]:
        """Seconds until now, in training and in evaluation; ``wasted_share`` is of the rest.

        It is None where nothing was left to run. ``of_units`` sums up what every unit took, whenever
        it was run.
        """
        wall, useful = self.watch.seconds, self.training + self.evaluation
        names = ("total", "training", "evaluation")
        return {
            "wall": wall,
            "training": self.training,
            "evaluation": self.evaluation,
            "wasted_share": 1.0 - useful / wall if useful else None,
            "of_units": {name: sum(result["seconds"][name] for result in self.results) for name in names},
        }


def units_of(
    out: Path,
    seeds: tuple[int, int],
    rows: Sequence[StudyRow],
    common: Mapping[str, Any],
    own: Callable[[StudyRow], Mapping[str, Any]],
) -> list[Unit]:
    """A unit for each seed and row, seed by seed, in its folder below `out`.

    Args:
        seeds: first seed and number of seeds.
        common: what decides the result of every row.
        own: what else decides that of a row.
    """
    first, count = seeds
    return [
        Unit(
            row,
            seed,
            StageDirectory(out / "rows" / f"row_{row.name}_seed_{seed}"),
            {**common, **own(row), "row": row.name, "seed": seed},
        )
        for seed in range(first, first + count)
        for row in rows
    ]


def check_units(units: Sequence[Unit], out: Path, resume: bool) -> None:
    """Raises before any work where `out` holds something else, or a study to be gone on with.

    Raises:
        MedSynthError: a unit was run under another config, named with what differs; or units stand
            there and `resume` is False.
    """
    begun = []
    for unit in units:
        if not (unit.directory.path / "config.json").exists():
            continue
        begun.append(unit.directory.name)
        held = unit.directory.claimed()
        check(
            f"{unit.directory.name} of this study was run under another config",
            held.get("fingerprint") == fingerprint(unit.config),
            "Choose another --out, or the settings and data of before.",
            differing=sorted(key for key in unit.config if held.get(key) != _plain(unit.config[key])),
            out=str(out),
        )
    check("this study was begun", resume or not begun, "Pass --resume to go on.", begun=begun, out=str(out))


def run_units(units: Sequence[Unit], work: Work, watch: runtime.Stopwatch) -> Done:
    """Runs what is not finished, a line each when it ends, and reads what is.

    Args:
        watch: started when the study was called.
    """
    left = [unit for unit in units if unit.result() is None]
    seconds = {"training": 0.0, "evaluation": 0.0}
    begun = watch.seconds
    for number, unit in enumerate(left, 1):
        before = watch.seconds
        unit.directory.open(unit.config, {}, resume=True)
        result = work(unit)
        for name in seconds:
            seconds[name] += result["seconds"][name]
        result["seconds"]["total"] = watch.seconds - before
        runtime.write_json(unit.result_file, {"row": unit.row.name, "seed": unit.seed, **result})
        rest = (watch.seconds - begun) / number * (len(left) - number)
        runtime.log.info(
            "row %s, seed %d: %s, %.0f s; %d of %d done, %s left",
            unit.row.name, unit.seed, result["words"], watch.seconds - before,
            len(units) - len(left) + number, len(units), _minutes(rest),
        )  # fmt: skip
    results = [unit.result() for unit in units]
    found = [result for result in results if result is not None]
    return Done(found, seconds["training"], seconds["evaluation"], watch)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def _plain(value: Any) -> Any:
    return json.loads(runtime.json_text(value))
