"""``medsynth study lesion-guidance`` and ``ablation``: stage M trained again with one thing changed.

Each row's generator draws unfiltered samples of the same seed and numbers, so rows are compared sample by
sample; they are drawn for this study alone, so none is one that a generator was trained on. Baselines'
images are calibrated as those of stage M are. The judge is trained on the run's test patients, whom no
stage of any generator saw.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.base import Config, check, fingerprint
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.families import NEEDS, STAGES
from tf_medsynth.config.families.lesion import LesionSettings
from tf_medsynth.config.presets import Preset
from tf_medsynth.config.presets import preset as preset_named
from tf_medsynth.config.records import domain_of
from tf_medsynth.config.studies import POST_PROCESSING, AvailabilitySettings, StudyRow
from tf_medsynth.config.study_records import ScoredResult
from tf_medsynth.config.terms import check_terms
from tf_medsynth.data.slices import READ_IN_ORDER
from tf_medsynth.generation.gates import registration_scores
from tf_medsynth.metrics.arrays import known_mean
from tf_medsynth.metrics.ms_ssim import multiscale_similarity
from tf_medsynth.runs import restore
from tf_medsynth.runs.generate import generate
from tf_medsynth.runs.judges import IMAGES_AT_ONCE
from tf_medsynth.runs.published import open_published
from tf_medsynth.runs.run_directory import StageDirectory, stage_directory
from tf_medsynth.stages.guides import LesionStage
from tf_medsynth.studies import baselines, downstream
from tf_medsynth.studies.availability import Request, open_cohort
from tf_medsynth.studies.real_slices import Images, partners
from tf_medsynth.studies.runner import Unit, Work, units_of
from tf_medsynth.studies.training import copy_stage, finished_hashes, train_stage

GATES = ("contour_mae", "registration_shift_px")
"""Scores that every generated sample carries."""

_SAID = ("whole_lesion", "registration_shift_px", "ms_ssim")


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
    hashes = finished_hashes(request.run, STAGES[:-1])
    config = configs["multimodal"]
    runtime.configure(precision=request.precision)  # type: ignore[arg-type]
    cohort = open_cohort(config)
    settings = {row.name: _settings(configs, request, row) for row in rows}
    common = {
        "study": kind,
        "post_processing": POST_PROCESSING,
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
        return {"settings": settings[row.name].to_dict(), "reused": reused, "baseline": row.baseline}

    def work(unit: Unit) -> dict[str, Any]:
        twin = _result_of_twin(unit)
        if twin is not None:
            return twin
        real = partners(cohort.train, settings[unit.row.name].count, unit.seed)
        if unit.row.baseline:
            return _score_baseline(kind, request, config, settings[unit.row.name], unit, real)
        return _draw_and_score(kind, request, configs, settings[unit.row.name], unit, judged, real)

    return units_of(request.out, request.seeds, rows, common, own), work


def _reused(row: StudyRow) -> list[str]:
    """Stages before M that the row leaves as they are; of a baseline, those that it is drawn with."""
    if row.baseline:
        return list(NEEDS.get(row.baseline, ()))
    changed = {key.partition(".")[0] for key in row.overrides}
    return [name for name in STAGES[:-1] if name not in changed]


def _settings(configs: Mapping[str, Mapping[str, Any]], request: Request, row: StudyRow) -> GeneratorSettings:
    """The run's own settings, what the user changed, and what the row changes."""
    own = {name: config["settings"] for name, config in configs.items()}
    last = configs["multimodal"]
    own |= baselines.baseline_settings(request, last)
    stages = Preset.from_dict({**own, "data": last["data_settings"], "operators": last["operators"]})
    lesion = (
        preset_named(request.preset or str(last["preset"])).lesion if last.get("preset") else stages.lesion
    )
    judge = lesion.override({"scheme": "stacked", "folds": 1, "fold": 0, "held_out": 0.0})
    given = {
        (k if k.split(".")[0] in ("judge", "count") else f"stages.{k}"): v
        for k, v in baselines.said_of_each(request.overrides).items()
    }
    changed = {f"stages.{key}": value for key, value in row.overrides.items()}
    settings = GeneratorSettings(stages, judge).override({**given, **changed})
    for name in [row.baseline] if row.baseline else [n for n in STAGES if n not in _reused(row)]:
        check_terms(getattr(settings.stages, name))
    return settings


def _result_of_twin(unit: Unit) -> dict[str, Any] | None:
    """What a finished row of this seed found that differs from `unit` in name alone; None without one."""
    for file in sorted(unit.directory.path.parent.glob(f"*/{unit.result_file.name}")):
        found = dict(runtime.read_record(file, ScoredResult, "Remove the row's folder."))
        row = found.pop("row")
        held = StageDirectory(file.parent).claimed()["fingerprint"]
        if found.pop("seed") == unit.seed and held == fingerprint({**unit.config, "row": row}):
            no_time = {"training": 0.0, "evaluation": 0.0}
            return {**found, "as_row": row, "seconds": no_time, "words": f"as row {row}, {found['words']}"}
    return None


def _draw_and_score(
    kind: str,
    request: Request,
    configs: Mapping[str, Mapping[str, Any]],
    settings: GeneratorSettings,
    unit: Unit,
    judged: Any,
    real: Images,
) -> dict[str, Any]:
    watch = runtime.Stopwatch()
    run = unit.directory.path / "run"
    reused = _reused(unit.row)
    for name in reused:
        copy_stage(request.run / name, run / name)
    for name in [name for name in STAGES if name not in reused]:
        train_stage(name, run, configs["multimodal"], settings.stages, unit.seed, request.precision)
    judge, seconds = judged(settings.judge, unit.seed)
    trained = watch.seconds - seconds["evaluation"]
    out = unit.directory.path / "synthetic"
    generate(
        run=run,
        count=settings.count,
        seed=unit.seed,
        out=out,
        filter=False,
        resume=True,
        overrides={"label_place": settings.stages.multimodal.label_place, "purpose": kind},
    )
    cases = _score(judge, out, real, domain_of(configs["multimodal"], "Train the run again."))
    return _result(cases, settings.stages.multimodal, trained, watch.seconds)


def _score_baseline(
    kind: str,
    request: Request,
    held: Mapping[str, Any],
    settings: GeneratorSettings,
    unit: Unit,
    real: Images,
) -> dict[str, Any]:
    """A baseline has no label and no map of its own: only what asks for neither is scored."""
    watch = runtime.Stopwatch()
    images, trained = baselines.trained_images(kind, request, held, settings.stages, unit, settings.count)
    modalities = domain_of(held, "Train the run again.").modalities
    alike = multiscale_similarity(images, real).mean(axis=-1)
    cases = {
        f"{number:08d}": {
            "registration_shift_px": registration_scores(image, modalities)["registration_shift_px"],
            "ms_ssim": float(alike[number]),
        }
        for number, image in enumerate(images)
    }
    return _result(cases, getattr(settings.stages, unit.row.baseline), trained, watch.seconds)


def _result(
    cases: Mapping[str, Mapping[str, Any]], drawer: Any, trained: float, wall: float
) -> dict[str, Any]:
    """What a unit answers: scores of each sample, their means, and how what drew them was trained."""
    known = {
        case: {n: np.nan if v is None else v for n, v in scores.items()} for case, scores in cases.items()
    }
    names = list(next(iter(cases.values())))
    mean = {name: known_mean([scores[name] for scores in known.values()]) for name in names}
    return {
        "patients": cases,
        "mean": mean,
        "steps": drawer.training.steps,
        "batch_size": drawer.training.batch_size,
        "seconds": {"training": trained, "evaluation": wall - trained},
        "words": ", ".join(f"{name} {mean[name]:.3f}" for name in _SAID if name in mean),
    }


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
        "domain": cohort.test.domain.to_dict(),
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


def _score(judge: LesionStage, folder: Path, real: Images, domain: Domain) -> dict[str, dict[str, float]]:
    """Scores of each sample of a generated set, by its number.

    Args:
        real: a real image for each sample, which it is compared with.
    """
    builder = open_published(folder)
    samples = builder.as_dataset(split="train", shuffle_files=False, read_config=READ_IN_ORDER)
    cases: dict[str, dict[str, float]] = {}
    for batch in samples.batch(IMAGES_AT_ONCE).as_numpy_iterator():
        found, probability = (np.asarray(part) for part in judge.segment_surely(batch["images"]))
        first = len(cases)
        alike = multiscale_similarity(batch["images"], real[first : first + len(found)]).mean(axis=-1)
        for k, number in enumerate(batch["sample_index"]):
            label = batch["lesion_label"][k : k + 1, ..., 0].astype(np.int32)
            scores = downstream.mean_scores(
                found[k : k + 1], probability[k : k + 1], label, domain.label.classes
            )
            gates = {gate: float(batch[gate][k]) for gate in GATES}
            cases[f"{int(number):08d}"] = {**scores, **gates, "ms_ssim": float(alike[k])}
    return cases
