"""``medsynth study lesion-guidance`` and ``ablation``: stage M trained again with one thing changed.

Each row's generator draws unfiltered samples of the same seed and numbers, so rows are compared sample by
sample. The judge is trained on the run's test patients, whom no stage of any generator saw.
"""

from __future__ import annotations

import dataclasses
import functools
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.base import Config, check, fingerprint
from tf_medsynth.config.presets import STAGES, Preset
from tf_medsynth.config.presets import preset as preset_named
from tf_medsynth.config.stages import LesionSettings
from tf_medsynth.config.studies import AvailabilitySettings, StudyRow
from tf_medsynth.data.slices import READ_IN_ORDER
from tf_medsynth.experiments import restore
from tf_medsynth.experiments.generate import generate
from tf_medsynth.experiments.published import open_published
from tf_medsynth.experiments.run_directory import StageDirectory, stage_directory
from tf_medsynth.experiments.study import downstream
from tf_medsynth.experiments.study.availability import Request, open_cohort
from tf_medsynth.experiments.study.runner import Unit, Work, units_of
from tf_medsynth.experiments.train import train
from tf_medsynth.generation.rows import ROWS
from tf_medsynth.metrics.arrays import known_mean
from tf_medsynth.stages.guides import LesionStage

GATES = ("contour_mae", "registration_shift_px")
"""Scores that every generated sample carries."""


@dataclasses.dataclass(frozen=True)
class GeneratorSettings(Config):
    """One row of a study of generators: all stages, how many samples, and who judges them."""

    stages: Preset
    judge: LesionSettings
    count: int = 300

    def __post_init__(self) -> None:
        check("count must be positive", self.count > 0, count=self.count)


def prepare_units(kind: str, request: Request, rows: Sequence[StudyRow]) -> tuple[list[Unit], Work]:
    """The study's units, all checked, and what runs one of them.

    Raises:
        MedSynthError: an unfinished run, or settings and data that do not fit.
    """
    configs = {name: stage_directory(request.run, name).config() for name in STAGES}
    hashes = {name: _hash(request.run, name) for name in STAGES[:-1]}
    config = configs["multimodal"]
    runtime.configure(precision=request.precision)  # type: ignore[arg-type]
    cohort = open_cohort(config)
    settings = {row.name: _settings(configs, request, row) for row in rows}
    common = {
        "study": kind,
        "data": config["data"],
        "data_fingerprint": cohort.train.fingerprint,
        "test_fingerprint": cohort.test.fingerprint,
        "patients": list(cohort.train.patients),
        "judge_patients": list(cohort.test.patients),
        "image_size": config["image_size"],
        "precision": request.precision,
    }
    judged = functools.partial(_judge, request, cohort)

    def own(row: StudyRow) -> dict[str, Any]:
        reused = {name: hashes[name] for name in _reused(row)}
        return {"settings": settings[row.name].to_dict(), "reused": reused}

    def work(unit: Unit) -> dict[str, Any]:
        twin = _result_of_twin(unit)
        return twin or _draw_and_score(request, configs, settings[unit.row.name], unit, judged)

    return units_of(request.out, request.seeds, rows, common, own), work


def _hash(run: Path, name: str) -> str:
    stage_directory(run, name).require_finished()
    return restore.weights_hash(stage_directory(run, name))


def _reused(row: StudyRow) -> list[str]:
    """Stages before M that the row leaves as they are."""
    changed = {key.partition(".")[0] for key in row.overrides}
    return [name for name in STAGES[:-1] if name not in changed]


def _settings(configs: Mapping[str, Mapping[str, Any]], request: Request, row: StudyRow) -> GeneratorSettings:
    """The run's own settings, what the user changed, and what the row changes."""
    own = {name: config["settings"] for name, config in configs.items()}
    last = configs["multimodal"]
    stages = Preset.from_dict({**own, "data": last["data_settings"], "operators": last["operators"]})
    lesion = (
        preset_named(request.preset or str(last["preset"])).lesion if last.get("preset") else stages.lesion
    )
    judge = lesion.override({"scheme": "stacked", "folds": 1, "fold": 0})
    given = {
        (k if k.split(".")[0] in ("judge", "count") else f"stages.{k}"): v
        for k, v in request.overrides.items()
    }
    changed = {f"stages.{key}": value for key, value in row.overrides.items()}
    return GeneratorSettings(stages, judge).override({**given, **changed})


def _result_of_twin(unit: Unit) -> dict[str, Any] | None:
    """What a finished row of this seed found that differs from `unit` in name alone; None without one."""
    for file in sorted(unit.directory.path.parent.glob(f"*/{unit.result_file.name}")):
        found = runtime.read_json(file, "Remove the row's folder.")
        row = found.pop("row")
        held = StageDirectory(file.parent).config()["fingerprint"]
        if found.pop("seed") == unit.seed and held == fingerprint({**unit.config, "row": row}):
            no_time = {"training": 0.0, "evaluation": 0.0}
            return {**found, "as_row": row, "seconds": no_time, "words": f"as row {row}, {found['words']}"}
    return None


def _draw_and_score(
    request: Request,
    configs: Mapping[str, Mapping[str, Any]],
    settings: GeneratorSettings,
    unit: Unit,
    judged: Any,
) -> dict[str, Any]:
    watch = runtime.Stopwatch()
    run = unit.directory.path / "run"
    reused = _reused(unit.row)
    for name in reused:
        _copy(request.run / name, run / name)
    for name in [name for name in STAGES if name not in reused]:
        _train(name, run, configs["multimodal"], settings.stages, unit.seed, request.precision)
    judge, seconds = judged(settings.judge, unit.seed)
    trained = watch.seconds - seconds["evaluation"]
    out = unit.directory.path / "synthetic"
    place = {"label_place": settings.stages.multimodal.label_place}
    generate(
        run=run,
        count=settings.count,
        seed=unit.seed,
        out=out,
        filter=False,
        resume=True,
        overrides=place,
    )
    cases = _score(judge, out)
    names = list(next(iter(cases.values())))
    mean = {name: known_mean([scores[name] for scores in cases.values()]) for name in names}
    return {
        "patients": cases,
        "mean": mean,
        "steps": settings.stages.multimodal.training.steps,
        "batch_size": settings.stages.multimodal.training.batch_size,
        "seconds": {"training": trained, "evaluation": watch.seconds - trained},
        "words": f"Dice {mean['whole_lesion']:.3f}, shift {mean['registration_shift_px']:.2f} px",
    }


def _train(name: str, run: Path, held: Mapping[str, Any], stages: Preset, seed: int, precision: str) -> None:
    """Stage `name` of `run` by `stages`, from where it stands."""
    own = getattr(stages, name)
    fields = {field.name: getattr(own, field.name) for field in dataclasses.fields(own)}
    runtime.forget_models()
    train(
        name,
        data=held["data"],
        data_dir=held["data_dir"],
        run=run,
        preset="tiny",
        overrides={**fields, "data": stages.data, "operators": stages.operators},
        seed=seed,
        precision=precision,
        resume=True,
    )


def _copy(stage: Path, to: Path) -> None:
    if not to.exists():
        with runtime.atomic_path(to) as partial:
            shutil.copytree(stage, partial, ignore=shutil.ignore_patterns("logs", "samples"))


def _judge(
    request: Request, cohort: downstream.Cohort, settings: LesionSettings, seed: int
) -> tuple[LesionStage, dict[str, float]]:
    """A segmentor trained on the test patients, once a study and seed; its score on the others is kept."""
    swapped = dataclasses.replace(
        cohort, train=cohort.test, test=cohort.train, owners=cohort.test.owners().tolist()
    )
    own = AvailabilitySettings(segmentor=settings)
    directory = StageDirectory(request.out / f"judge_seed_{seed}")
    config = {
        "stage": "lesion",
        "settings": settings.to_dict(),
        "data_settings": cohort.test.settings.to_dict(),
        "operators": cohort.operators.to_dict(),
        "data_fingerprint": cohort.test.fingerprint,
        "image_size": list(cohort.test.image_size),
        "seed": seed,
        "name": fingerprint(settings.to_dict(), seed),
    }
    seconds = {"training": 0.0, "evaluation": 0.0}
    if not directory.open(config, {}, resume=True):
        result = downstream.train_and_score(swapped, own, seed, request.precision, directory)
        seconds = result["seconds"]
        runtime.write_json(directory.path / "finished.json", result)
    stage = restore.load_stage(directory)
    assert isinstance(stage, LesionStage)
    return stage, seconds


def _score(judge: LesionStage, folder: Path) -> dict[str, dict[str, float]]:
    """Scores of each sample of a generated set, by its number."""
    builder = open_published(folder)
    samples = builder.as_dataset(split="train", shuffle_files=False, read_config=READ_IN_ORDER)
    cases = {}
    for batch in samples.batch(ROWS).as_numpy_iterator():
        found, probability = (np.asarray(part) for part in judge.segment_surely(batch["images"]))
        for k, number in enumerate(batch["sample_index"]):
            label = batch["lesion_label"][k : k + 1, ..., 0].astype(np.int32)
            scores = downstream.mean_scores(found[k : k + 1], probability[k : k + 1], label)
            cases[f"{int(number):08d}"] = {**scores, **{gate: float(batch[gate][k]) for gate in GATES}}
    return cases
