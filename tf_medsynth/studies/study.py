"""The verb `study`: a table of rows is run from several seeds, compared, and judged in words."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.studies import StudyRow, chosen_rows, study_rows
from tf_medsynth.studies import availability, generator, pooled, quality, summary
from tf_medsynth.studies.availability import Request
from tf_medsynth.studies.runner import Unit, Work, check_units, run_units

__all__ = ["StudyResult", "pool_studies", "study"]

Preparation = Callable[[Request, Sequence[StudyRow]], tuple[list[Unit], Work]]

_PREPARE: Mapping[str, Preparation] = {
    "availability": availability.prepare_units,
    "lesion-guidance": functools.partial(generator.prepare_units, "lesion-guidance"),
    "ablation": functools.partial(generator.prepare_units, "ablation"),
    "quality": quality.prepare_units,
}


@dataclasses.dataclass(frozen=True)
class StudyResult:
    """A finished study: ``OUT/study.json``, ``OUT/table.md`` and ``OUT/plot.png``."""

    out: Path
    facts: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"out": str(self.out), **self.facts}

    def render(self) -> str:
        """The table and the verdicts."""
        return f"{(self.out / summary.TABLE).read_text(encoding='utf-8')}\n{self.out / summary.RECORD}"


def study(
    kind: str,
    *,
    rows: Sequence[str],
    run: Path | str,
    out: Path | str,
    seeds: int = 1,
    seed: int = 0,
    synthetic: Path | str | None = None,
    preset: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    augment: bool = False,
    precision: str = "auto",
    resume: bool = False,
) -> StudyResult:
    """Runs rows of a study and says what held; what `out` holds already is not run again.

    Args:
        kind: availability, lesion-guidance, ablation or quality.
        rows: names of rows, or ``["all"]``.
        run: the run that the data, and the synthetic samples, are of.
        out: the study's folder.
        seeds: trainings of each row, from `seed` on.
        synthetic: data_dir of `generate`; none takes ``RUN/synthetic``.
        preset: whose lesion stage is the segmentor; none takes that of the run.
        overrides: settings by dotted key, e.g. ``segmentor.training.steps``.
        augment: classical augmentation of every batch, in every row alike.
        precision: as in `train`.
        resume: go on with a study, or add rows and seeds to it.

    Raises:
        MedSynthError: before any work: unknown rows, data that do not fit, too few samples, a patient
            in train and test, a folder that holds a study of another config.
    """
    watch = runtime.Stopwatch()
    out, run = Path(out), Path(run)
    study_rows(kind)
    check("--seeds must be positive", seeds > 0, seeds=seeds)
    check("seed lies in 0 .. 2^32 - 1", 0 <= seed <= 2**32 - seeds, seed=seed)
    asked = chosen_rows(kind, rows)
    runtime.check_writable(out)
    request = Request(
        run, out, (seed, seeds), Path(synthetic) if synthetic else None, preset,
        dict(overrides or {}), precision, augment,
    )  # fmt: skip
    units, work = _PREPARE[kind](request, asked)
    check_units(units, out, resume)
    with runtime.disk_errors(out, "What is finished is kept: make room and go on with --resume."):
        done = run_units(units, work, watch)
        if kind == "quality":
            facts = summary.summarise_quality(asked, units, done, out)
        else:
            facts = summary.summarise(kind, asked, units, done, out)
    return StudyResult(out, facts)


def pool_studies(studies: Sequence[Path | str], *, out: Path | str) -> StudyResult:
    """Studies of availability on several splits as one, whose test patients are those of all of them.

    Args:
        studies: folders of finished studies, alike but for data, run and synthetic set.
        out: the pooled study's folder.

    Raises:
        MedSynthError: studies that cannot stand together, e.g. with a test patient in common.
    """
    runtime.check_writable(out)
    return StudyResult(Path(out), pooled.pool([Path(folder) for folder in studies], Path(out)))
