"""The verb `train`: settings and data are checked, the run's place is claimed, the stage is trained."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.families import FAMILIES, TRAINABLE
from tf_medsynth.config.presets import Preset
from tf_medsynth.config.presets import preset as preset_named
from tf_medsynth.config.terms import check_terms
from tf_medsynth.config.training import TrainingSettings
from tf_medsynth.data.patients import left_out_patients
from tf_medsynth.data.slices import open_slices, with_unlabelled
from tf_medsynth.runs import restore
from tf_medsynth.runs.fit import fit_stage, stage_to_fit
from tf_medsynth.runs.preflight import check_training_memory
from tf_medsynth.runs.run_directory import StageDirectory, stage_directory

_KEPT = "What is trained is kept: make room and go on with --resume."


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """What a training left behind."""

    stage: str
    run: Path
    steps: int
    seconds: float
    skipped: bool
    losses: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**dataclasses.asdict(self), "run": str(self.run)}

    def render(self) -> str:
        """One line for a person."""
        if self.skipped:
            return f"{self.stage}: finished before with the same settings and data, skipped ({self.run})"
        return f"{self.stage}: {self.steps} steps in {self.seconds:.0f} s -> {self.run / self.stage}"


def train(
    stage: str,
    *,
    data: str,
    data_dir: Path | str,
    run: Path | str,
    preset: str = "tiny",
    overrides: Mapping[str, Any] | None = None,
    steps: int | None = None,
    seed: int = 0,
    precision: str = "auto",
    resume: bool = False,
    devices: Sequence[str] | None = None,
    folder: str | None = None,
    split: str = "train",
    patients: Sequence[str] | None = None,
) -> TrainResult:
    """Trains one stage of a run; a finished stage is recognised and skipped.

    Where ``TF_CONFIG`` makes this process a worker of several, they train together, to the numbers
    of one process with the same batch. All must see the same data and run directory, in which the
    chief alone writes.

    Args:
        stage: a family of `config.families`; what it needs must be finished in the run.
        data: prepared dataset, e.g. ``brats/slices_96``.
        data_dir: where it was prepared.
        run: the run directory, which holds all stages.
        preset: named settings.
        overrides: settings of the stage by dotted key; ``data.`` and ``operators.`` reach the
            run's own.
        steps: overrides the preset's number of steps; the first phase keeps its share.
        seed: of initialisation and of every draw.
        precision: float32, bfloat16, float16, or what suits the machine.
        resume: go on with an unfinished training, to the same bits as one that never stopped.
        devices: e.g. two GPUs; none takes every GPU, or the CPU. Not for workers of several.
        folder: name of the stage's folder, where it is not the stage's own (a judge).
        split: of the dataset, another than ``train`` for a judge of patients the generator never saw.
        patients: train on these of the split alone; None for all.

    Raises:
        MedSynthError: before any work starts: unknown names, data that do not fit, a missing
            earlier stage, a directory held by other settings, a batch that replicas cannot share.
            Later: a worker of several was lost.
    """
    check("unknown stage", stage in TRAINABLE, f"Stages: {', '.join(TRAINABLE)}.", stage=stage)
    check("seed lies in 0 .. 2^32 - 1", 0 <= seed < 2**32, seed=seed)
    return train_by(
        stage,
        _settings(stage, preset, overrides, steps),
        named=preset,
        data=data,
        data_dir=data_dir,
        run=run,
        seed=seed,
        precision=precision,
        resume=resume,
        devices=devices,
        folder=folder,
        split=split,
        patients=patients,
    )


def train_by(
    stage: str,
    settings: Preset,
    *,
    named: str | None = None,
    data: str,
    data_dir: Path | str,
    run: Path | str,
    seed: int = 0,
    precision: str = "auto",
    resume: bool = False,
    devices: Sequence[str] | None = None,
    folder: str | None = None,
    split: str = "train",
    patients: Sequence[str] | None = None,
) -> TrainResult:
    """Trains one stage of a run by settings that are at hand, as `train` does by words.

    Args:
        settings: of the stage, of its data and its operators.
        named: the preset that they come of, for the record; None where they come of none.

    The others, and what is raised, are those of `train`.
    """
    own, run = getattr(settings, stage), runtime.local_path(run, "run", literal=True)
    data_dir = runtime.local_path(data_dir, "data_dir", literal=True)
    runtime.check_writable(run)
    _check_shares(own.training, runtime.cluster().workers)
    policy = runtime.configure(seed=seed, precision=precision)  # type: ignore[arg-type]
    with runtime.together("Start all workers again, with --resume."):
        strategy = runtime.strategy(devices)
        _check_shares(own.training, strategy.num_replicas_in_sync)
        family = FAMILIES[stage]
        folds, fold = (own.folds, own.fold) if family.holds_out else (1, 0)
        if family.label_free and patients is None:
            split = with_unlabelled(data, data_dir, split)
        source = open_slices(data, data_dir, split, settings.data, folds, fold, patients)
        if family.holds_out and patients is None:
            left_out = left_out_patients(source.patients, own.override({"folds": 1, "fold": 0}))
            seen = [name for name in source.patients if name not in left_out]
            source = open_slices(data, data_dir, split, settings.data, patients=seen)
        check(
            "a batch cannot be larger than the dataset",
            own.training.batch_size <= source.count,
            batch_size=own.training.batch_size,
            slices=source.count,
        )
        operators = settings.operators or source.domain.operators_at(*source.image_size)
        upstream = restore.upstream(run, stage, source, operators)
        directory = StageDirectory(run / folder) if folder else stage_directory(run, stage)
        config = {
            "stage": stage,
            **({} if named is None else {"preset": named}),
            "settings": own.to_dict(),
            "data_settings": settings.data.to_dict(),
            "operators": operators.to_dict(),
            "domain": source.domain.to_dict(),
            "seed": seed,
            "precision": policy,
            "data": source.name,
            "data_fingerprint": source.fingerprint,
            "patients": list(source.patients),
            "image_size": list(source.image_size),
            "upstream": upstream,
        }
        whereabouts = {"data_dir": str(Path(data_dir).resolve()), "workers": runtime.cluster().workers}
        if directory.finished_by(config, whereabouts, resume):
            runtime.forget_dead(directory.path)
            return _skipped(stage, run, own.training.steps)
        check_training_memory(stage, settings, source.domain, source.image_size)
        watch = runtime.Stopwatch()
        built = stage_to_fit(stage, settings, operators, source, directory, seed, strategy)
        detail = {"steps": own.training.steps, "fingerprint": fingerprint(config)}
        with contextlib.ExitStack() as place:
            with runtime.chief_first(strategy):
                if runtime.cluster().is_chief:
                    place.enter_context(_claimed(directory))
                check("every worker must see the chief's run directory", run.is_dir(), run=str(run))
                if directory.open(config, whereabouts, resume):  # by another process, meanwhile
                    return _skipped(stage, run, own.training.steps)
            kept = place.enter_context(_recorded(directory))
            step = runtime.record_step(kept.path.parent, f"train {kept.name}", detail, once=True)
            with runtime.disk_errors(kept.path, _KEPT), step:
                losses = fit_stage(stage, built, settings, operators, source, directory, kept, seed, strategy)
            record = {"steps": own.training.steps, "seconds": round(watch.seconds, 1), "losses": losses}
            with runtime.disk_errors(kept.path, _KEPT), runtime.chief_first(strategy):
                runtime.write_json(kept.path / "finished.json", record)
    return TrainResult(stage, run, own.training.steps, watch.seconds, False, losses)


def _skipped(stage: str, run: Path, steps: int) -> TrainResult:
    runtime.log.info("%s: finished before with the same settings and data, skipped", stage)
    return TrainResult(stage, run, steps, 0.0, True, {})


@contextlib.contextmanager
def _claimed(directory: StageDirectory) -> Iterator[None]:
    """Context in which this process alone trains at `directory`.

    What an error ends before the first checkpoint has claimed nothing: a folder made for it goes.
    """
    new = not directory.path.exists()
    with directory.alone():
        try:
            yield
        except Exception:
            if new and not any(directory.checkpoints.glob("*.index")):
                shutil.rmtree(directory.path, ignore_errors=True)
            raise


@contextlib.contextmanager
def _recorded(directory: StageDirectory) -> Iterator[StageDirectory]:
    """Context with where this process records: the stage's place in the run, for the chief.

    The other workers take every step of the recording as well, since measurements are read and
    checkpoints written together; theirs goes to a scratch place that is removed.
    """
    if runtime.cluster().is_chief:
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="medsynth-worker-") as scratch:
        kept = StageDirectory(Path(scratch) / directory.name)
        kept.path.mkdir()
        yield kept


def _check_shares(training: TrainingSettings, replicas: int) -> None:
    """Raises where `replicas`, or the workers that hold them, cannot take equal parts of a batch."""
    check(
        "replicas take equal parts of a batch",
        training.batch_size % replicas == 0,
        "Set training.batch_size to a multiple of their number.",
        batch_size=training.batch_size,
        replicas=replicas,
    )


def _settings(stage: str, name: str, overrides: Mapping[str, Any] | None, steps: int | None) -> Preset:
    settings = preset_named(name)
    shared = {"data", "operators"}
    changes = {
        key if key.partition(".")[0] in shared else f"{stage}.{key}": value
        for key, value in (overrides or {}).items()
    }
    settings = settings.override(changes)
    check_terms(getattr(settings, stage))
    if steps is None:
        return settings
    check("--steps must be positive", steps > 0, steps=steps)
    training: TrainingSettings = getattr(settings, stage).training
    return settings.override({f"{stage}.training": training.lasting(steps)})
