"""Training of one stage: data, fit, checkpoints, resume to the same bits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import LabelAugmentConfig, OperatorConfig, measured_operators
from tf_medsynth.config.presets import STAGES, Preset
from tf_medsynth.config.presets import preset as preset_named
from tf_medsynth.config.stages import TrainingSettings
from tf_medsynth.data import batches
from tf_medsynth.data.slices import SliceSource, open_slices
from tf_medsynth.experiments import restore
from tf_medsynth.experiments.build import build_stage
from tf_medsynth.experiments.recorder import Recorder
from tf_medsynth.experiments.run_directory import StageDirectory, stage_directory
from tf_medsynth.stages.base import AdversarialStage

_CHECKPOINTS_KEPT = 2

Between = Callable[[int, int], tf.data.Dataset]


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
) -> TrainResult:
    """Trains one stage of a run; a finished stage is recognised and skipped.

    Args:
        stage: structure, lesion, translation or multimodal; the last needs the others.
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
        devices: e.g. two GPUs; none takes every GPU, or the CPU.
        folder: name of the stage's folder, where it is not the stage's own (a judge).

    Raises:
        MedSynthError: before any work starts: unknown names, data that do not fit, a missing
            earlier stage, a directory held by other settings.
    """
    check("unknown stage", stage in STAGES, f"Stages: {', '.join(STAGES)}.", stage=stage)
    check("seed lies in 0 .. 2^32 - 1", 0 <= seed < 2**32, seed=seed)
    settings = _settings(stage, preset, overrides, steps)
    run = Path(run)
    runtime.check_writable(run)
    policy = runtime.configure(seed=seed, precision=precision)  # type: ignore[arg-type]
    own = getattr(settings, stage)
    folds, fold = (own.folds, own.fold) if stage == "lesion" else (1, 0)
    source = open_slices(data, data_dir, "train", settings.data, folds, fold)
    training: TrainingSettings = own.training
    check(
        "a batch cannot be larger than the dataset",
        training.batch_size <= source.count,
        batch_size=training.batch_size,
        slices=source.count,
    )
    operators = settings.operators or measured_operators(*source.image_size)
    strategy = runtime.strategy(devices)
    check(
        "the batch must divide evenly among the devices",
        training.batch_size % strategy.num_replicas_in_sync == 0,
        "Change training.batch_size.",
        batch_size=training.batch_size,
        devices=strategy.num_replicas_in_sync,
    )
    upstream = restore.upstream(run, stage, source, operators)
    directory = StageDirectory(run / folder) if folder else stage_directory(run, stage)
    config = {
        "stage": stage,
        "preset": preset,
        "settings": own.to_dict(),
        "data_settings": settings.data.to_dict(),
        "operators": operators.to_dict(),
        "seed": seed,
        "precision": policy,
        "data": source.name,
        "data_fingerprint": source.fingerprint,
        "patients": list(source.patients),
        "image_size": list(source.image_size),
        "upstream": upstream,
    }
    if directory.open(config, {"data_dir": str(Path(data_dir).resolve())}, resume):
        runtime.log.info("%s: finished before with the same settings and data, skipped", stage)
        return TrainResult(stage, run, training.steps, 0.0, True, {})
    watch = runtime.Stopwatch()
    kept = "What is trained is kept: make room and go on with --resume."
    step = runtime.record_step(run, f"train {directory.name}", {"steps": training.steps})
    with runtime.disk_errors(directory.path, kept), step:
        losses = _run(stage, settings, operators, source, directory, seed, strategy)
    record = {"steps": training.steps, "seconds": round(watch.seconds, 1), "losses": losses}
    runtime.write_json(directory.path / "finished.json", record)
    return TrainResult(stage, run, training.steps, watch.seconds, False, losses)


def _settings(stage: str, name: str, overrides: Mapping[str, Any] | None, steps: int | None) -> Preset:
    settings = preset_named(name)
    shared = {"data", "operators"}
    changes = {
        key if key.partition(".")[0] in shared else f"{stage}.{key}": value
        for key, value in (overrides or {}).items()
    }
    settings = settings.override(changes)
    if steps is None:
        return settings
    check("--steps must be positive", steps > 0, steps=steps)
    training: TrainingSettings = getattr(settings, stage).training
    share = training.pretrain_steps / training.steps
    lengths = {"pretrain_steps": round(share * steps), "steps": steps}
    return settings.override({f"{stage}.training": training.override(lengths)})


def _run(
    name: str,
    settings: Preset,
    operators: OperatorConfig,
    source: SliceSource,
    directory: StageDirectory,
    seed: int,
    strategy: tf.distribute.Strategy,
) -> dict[str, float]:
    run, own = directory.path.parent, getattr(settings, name)
    with strategy.scope():
        frozen = restore.frozen_networks(run, name)
        stage = build_stage(name, settings, operators, source.image_size, seed, frozen)
        checkpoint = stage.checkpoint()
    # Of a weight a checkpoint holds itself, its two moments and its average, four bytes each.
    weights = sum(network.count_params() for network in stage.networks.values())
    runtime.check_room(directory.path, (_CHECKPOINTS_KEPT + 1) * 16 * weights)
    # After the stage: drawing maps builds stage S, which must not move the stage's initial weights.
    steps = _batch_steps(name, settings, operators, run, source, seed)
    manager = tf.train.CheckpointManager(checkpoint, str(directory.checkpoints), _CHECKPOINTS_KEPT)
    done = _restore(checkpoint, directory)

    def between(start: int, stop: int) -> tf.data.Dataset:
        return batches.training_batches(
            source, batch_size=own.training.batch_size, seed=seed, start=start, stop=stop, steps=steps
        )

    first = between(0, own.training.steps)
    shown = next(iter(first))
    recorder = Recorder(directory, stage, manager, own.training, shown, done)
    for phase, start, end in _phases(stage, own.training):
        if done >= end:
            continue
        stage.enter(phase)
        if done == start:
            stage.begin(phase, first)
        _fit(stage, recorder, own.training, between, done, end)
        done = end
        if end < own.training.steps:
            recorder.save(end)
    stage.finish(first)
    recorder.save(own.training.steps)
    return recorder.last


def _fit(
    stage: AdversarialStage,
    recorder: Recorder,
    training: TrainingSettings,
    between: Between,
    start: int,
    end: int,
) -> None:
    """Steps `start` to `end`; an epoch is `log_every` steps, counted from step 0."""
    every = training.log_every
    while start < end:
        length = min(every - start % every, end - start)
        epochs = (end - start) // every if length == every else 1
        recorder.begin(length)
        stage.fit(
            between(start, start + length * epochs),
            steps_per_epoch=length,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=[recorder],
        )
        start += length * epochs


def _phases(stage: AdversarialStage, training: TrainingSettings) -> list[tuple[str, int, int]]:
    """(phase, first step, step after the last): the first phase is the pre-training."""
    names = list(stage.phases)
    if len(names) == 1:
        return [(names[0], 0, training.steps)]
    first, second = names
    return [(first, 0, training.pretrain_steps), (second, training.pretrain_steps, training.steps)]


def _restore(checkpoint: tf.train.Checkpoint, directory: StageDirectory) -> int:
    """The step that `checkpoint` now stands at: that of the last one saved, or 0."""
    if tf.train.latest_checkpoint(str(directory.checkpoints)) is None:
        return 0
    with restore.whole_checkpoint(directory) as latest:
        checkpoint.restore(latest).assert_existing_objects_matched()
    step = int(latest.rsplit("-", 1)[1])
    runtime.log.info("going on from step %d", step)
    return step


def _batch_steps(
    name: str, settings: Preset, operators: OperatorConfig, run: Path, source: SliceSource, seed: int
) -> tuple[batches.Step, ...]:
    own = getattr(settings, name)
    augment = own.training.augment
    steps: list[batches.Step] = [batches.augmented(augment, seed)] if augment else []
    if name in ("structure", "multimodal"):
        steps.append(batches.with_structure(operators, seed))
    if name == "multimodal":
        drawn = restore.drawn_maps(run, own, operators, source, seed)
        steps.append(batches.with_drawn_maps(drawn, seed, LabelAugmentConfig()))
    return tuple(steps)
