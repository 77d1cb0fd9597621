"""``medsynth study availability``: what is a synthetic set worth to a segmentor of real patients?"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.families import STAGES
from tf_medsynth.config.imaging import OperatorConfig, TrainAugmentConfig
from tf_medsynth.config.presets import preset
from tf_medsynth.config.studies import AvailabilitySettings, StudyRow
from tf_medsynth.config.terms import check_terms
from tf_medsynth.data.mixing import amount
from tf_medsynth.data.slices import SliceSource
from tf_medsynth.runs import restore
from tf_medsynth.runs.generate import source_of
from tf_medsynth.runs.published import open_published
from tf_medsynth.runs.run_directory import stage_directory
from tf_medsynth.studies import downstream
from tf_medsynth.studies.downstream import Cohort
from tf_medsynth.studies.runner import Unit, Work, units_of

STEPS_A_LINE, STEPS_A_CHECKPOINT = 100, 200


@dataclasses.dataclass(frozen=True)
class Request:
    """What the user asks of a study of segmentors.

    Attributes:
        run: whose data the rows are of, and whose samples.
        seeds: first seed and number of seeds.
        synthetic: data_dir of the generated set.
        preset: whose lesion stage is the segmentor; none takes the run's own.
        augment: light augmentation of every batch, in every row alike.
    """

    run: Path
    out: Path
    seeds: tuple[int, int]
    synthetic: Path | None = None
    preset: str | None = None
    overrides: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    precision: str = "auto"
    augment: bool = False


def prepare_units(request: Request, rows: Sequence[StudyRow]) -> tuple[list[Unit], Work]:
    """The study's units, all checked, and what runs one of them.

    Raises:
        MedSynthError: settings, data or synthetic set that do not fit; a patient in train and test.
    """
    config = trained_on(request.run)
    policy = runtime.configure(precision=request.precision)  # type: ignore[arg-type]
    settings = {row.name: row_settings(request, config, row) for row in rows}
    cohort = open_cohort(config)
    taken = {name: _synthetic_needed(own, cohort.train.count) for name, own in settings.items()}
    facts = None
    if any(taken.values()):
        cohort, facts = _with_synthetic(request, cohort, max(taken.values()))
    common = {
        "study": "availability",
        "precision": policy,
        "data": cohort.train.name,
        "data_fingerprint": cohort.train.fingerprint,
        "test_fingerprint": cohort.test.fingerprint,
        "image_size": list(cohort.train.image_size),
        "patients": list(cohort.train.patients),
        "test_patients": list(cohort.test.patients),
        "slices": cohort.train.count,
    }

    def own(row: StudyRow) -> dict[str, Any]:
        return {"settings": settings[row.name].to_dict(), "synthetic": facts if taken[row.name] else None}

    def work(unit: Unit) -> dict[str, Any]:
        result = downstream.train_and_score(
            cohort, settings[unit.row.name], unit.seed, request.precision, unit.directory
        )
        mean = result["mean"]
        words = f"whole-lesion Dice {mean['whole_lesion']:.3f}, legacy Dice {mean['legacy_dice']:.3f}"
        return {**result, "words": words}

    return units_of(request.out, request.seeds, rows, common, own), work


def trained_on(run: Path) -> dict[str, Any]:
    """Config of the last stage of `run` that was begun, which says what data the run is of.

    Raises:
        MedSynthError: nothing was trained there.
    """
    for name in reversed(STAGES):
        if (run / name / "config.json").exists():
            return stage_directory(run, name).config()
    check("a study needs a run", False, "Train one first: medsynth train structure --run ...", run=str(run))
    raise AssertionError


def row_settings(request: Request, config: Mapping[str, Any], row: StudyRow) -> AvailabilitySettings:
    """Settings of a row: the preset's segmentor, what the user changed, and what the row changes."""
    chosen = preset(request.preset or str(config["preset"])).lesion
    every = {"training.log_every": STEPS_A_LINE, "training.checkpoint_every": STEPS_A_CHECKPOINT}
    segmentor = chosen.override({"scheme": "stacked", "folds": 1, "fold": 0, "held_out": 0.0, **every})
    light = (chosen.training.augment or TrainAugmentConfig()) if request.augment else None
    segmentor = segmentor.override({"training.augment": light})
    base = AvailabilitySettings(segmentor=segmentor)
    given = {key: value for key, value in request.overrides.items() if not key.startswith("mix.")}
    check(
        "the row says what is mixed, but for the share of a first phase",
        set(request.overrides) - set(given) <= {"mix.first_share"},
        "Choose other rows.",
        settings=sorted(set(request.overrides) - set(given)),
    )
    if "mix.first_share" in row.overrides or row.overrides.get("mix.mixing", "random") != "random":
        given |= {k: v for k, v in request.overrides.items() if k == "mix.first_share"}
    settings = base.override({**row.overrides, **given})
    check_terms(settings.segmentor)
    return settings


def open_cohort(config: Mapping[str, Any]) -> Cohort:
    """Training and test slices of a run, in which no patient may be twice.

    Raises:
        MedSynthError: no test slices, a patient that was trained on and is tested on, or labels of
            other classes.
    """
    train, test = source_of(config, "train"), source_of(config, "test")
    check_patients(set(train.patients) | set(config["patients"]), test)
    downstream.check_label(test.domain, train.domain, test.split)
    operators = OperatorConfig.from_dict(config["operators"])
    return Cohort(train, test, train.owners().tolist(), operators)


def check_patients(trained: set[str], test: SliceSource) -> None:
    """Raises where `test` is empty, or a patient of it was trained on.

    Args:
        trained: patients of the training slices and of the run's generator.
    """
    check("the test set is empty", test.count > 0, "Prepare with a test split.", data=test.name)
    shared = sorted(trained & set(test.patients))
    check(
        "no patient may be trained on and tested on",
        not shared,
        "Split by patient: medsynth prepare does.",
        patients=shared,
    )


def _synthetic_needed(settings: AvailabilitySettings, count: int) -> int:
    return amount(settings.mix.synthetic, count) if settings.mix.synthetic else 0


def _with_synthetic(request: Request, cohort: Cohort, needed: int) -> tuple[Cohort, dict[str, Any]]:
    folder = request.synthetic or request.run / "synthetic"
    command = f"medsynth generate --run {request.run} --count {needed} --out DIR, then --synthetic DIR"
    check("these rows need a synthetic set", folder.is_dir(), command, synthetic=str(folder), needed=needed)
    builder = open_published(folder)
    model = restore.model_hash(request.run)
    facts = downstream.check_synthetic(builder, cohort, model, needed, command)
    return dataclasses.replace(cohort, synthetic=builder), facts
