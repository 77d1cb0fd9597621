"""One stage from its last checkpoint to its last step, on one machine or on several."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_medsynth import runtime
from tf_medsynth.config.families import FAMILIES
from tf_medsynth.config.imaging import LabelAugmentConfig, OperatorConfig
from tf_medsynth.config.presets import Preset
from tf_medsynth.config.training import TrainingSettings
from tf_medsynth.data import batches
from tf_medsynth.data.slices import SliceSource
from tf_medsynth.runs import restore
from tf_medsynth.runs.build import build_stage
from tf_medsynth.runs.recorder import Recorder
from tf_medsynth.runs.run_directory import StageDirectory
from tf_medsynth.stages.base import AdversarialStage
from tf_medsynth.stages.preconditions import check_terms

_CHECKPOINTS_KEPT = 2

Epochs = Callable[[tf.data.Dataset, int, int, Recorder], Any]
"""Batches, steps an epoch, epochs, and who is told at the end of each."""

Between = Callable[..., tf.data.Dataset]
"""Batches of steps ``start`` (0 by default) to ``stop``; ``share`` as in `batches.training_batches`."""


def stage_to_fit(
    name: str,
    settings: Preset,
    operators: OperatorConfig,
    source: SliceSource,
    directory: StageDirectory,
    seed: int,
    strategy: tf.distribute.Strategy,
) -> AdversarialStage:
    """Stage `name`, untrained, for `fit_stage`; settings are refused here, before anything is written.

    Args:
        directory: the stage's place in the run, beside the stages that it needs.
    """
    with strategy.scope():
        frozen = restore.frozen_networks(directory.path.parent, name)
        stage = build_stage(name, settings, operators, source.domain, source.image_size, seed, frozen)
    check_checkpoint_room(stage, directory)
    return stage


def fit_stage(
    name: str,
    stage: AdversarialStage,
    settings: Preset,
    operators: OperatorConfig,
    source: SliceSource,
    directory: StageDirectory,
    kept: StageDirectory,
    seed: int,
    strategy: tf.distribute.Strategy,
) -> dict[str, float]:
    """Means of the last epoch's terms, by name, once stage `name` is trained.

    Args:
        stage: of `stage_to_fit`.
        directory: the stage's place in the run, from which it goes on.
        kept: where this process records; the same, but for the workers that are not the chief.
    """
    own = getattr(settings, name)
    # After the stage: drawing maps builds stage S, which must not move the stage's initial weights.
    with runtime.chief_first(strategy):
        steps = _batch_steps(name, settings, operators, directory.path.parent, source, seed)
    between = functools.partial(
        batches.training_batches, source, batch_size=own.training.batch_size, seed=seed, steps=steps
    )
    return fit(stage, own.training, between, directory, kept, strategy)


def check_checkpoint_room(stage: AdversarialStage, kept: StageDirectory) -> None:
    """Raises where the disk cannot hold the checkpoints of `stage`."""
    # Of a weight a checkpoint holds itself, its two moments and its average, four bytes each.
    weights = sum(network.count_params() for network in stage.networks.values())
    runtime.check_room(kept.path, (_CHECKPOINTS_KEPT + 1) * 16 * weights)


def fit(
    stage: AdversarialStage,
    training: TrainingSettings,
    between: Between,
    directory: StageDirectory,
    kept: StageDirectory,
    strategy: tf.distribute.Strategy,
) -> dict[str, float]:
    """Means of the last epoch's terms, by name, once `stage` is trained on the batches of `between`.

    Args:
        between: batches of steps ``start`` to ``stop``, whatever they are mixed of; a pure function.
        directory: the stage's place, from which it goes on.
        kept: where this process records.
    """
    with strategy.scope():
        checkpoint = stage.checkpoint()
    _clear_checkpoints(kept)
    manager = tf.train.CheckpointManager(checkpoint, str(kept.checkpoints), _CHECKPOINTS_KEPT)
    done = _restore(checkpoint, directory)
    first, spans = between(stop=training.steps), training.spans(list(stage.phases))
    if not done:
        with strategy.scope():
            lasting = [phase for phase, (start, end) in spans.items() if end > start]
            check_terms(stage, first.element_spec, lasting)
    recorder = Recorder(kept, stage, manager, training, next(iter(first)), done)
    for phase, (start, end) in spans.items():
        if done >= end:
            continue
        stage.enter(phase)
        if done == start:
            stage.begin(phase, first)
        _fit(_epochs(stage, strategy), recorder, training, between, done, end)
        done = end
        if end < training.steps:
            recorder.save(end)
    stage.finish(first)
    recorder.save(training.steps)
    return recorder.last


def _fit(
    run: Epochs,
    recorder: Recorder,
    training: TrainingSettings,
    between: Between,
    start: int,
    end: int,
) -> None:
    """Steps `start` to `end`; an epoch is `log_every` steps, counted from step 0."""
    job = runtime.cluster()
    every = training.log_every
    while start < end:
        length = min(every - start % every, end - start)
        epochs = (end - start) // every if length == every else 1
        stop = start + length * epochs
        recorder.begin(length)
        run(between(start=start, stop=stop, share=(job.rank, job.workers)), length, epochs, recorder)
        start = stop


def _epochs(stage: AdversarialStage, strategy: tf.distribute.Strategy) -> Epochs:
    """What runs epochs of the stage's phase: Keras's `fit`, or a plain loop on several workers.

    There `fit` of Keras 3.15 fails, since it takes what a worker holds for a tensor.
    """

    def fitted(rows: tf.data.Dataset, steps: int, epochs: int, recorder: Recorder) -> None:
        stage.fit(rows, steps_per_epoch=steps, epochs=epochs, shuffle=False, verbose=0, callbacks=[recorder])

    if runtime.cluster().workers == 1:
        return fitted

    @tf.function
    def step(rows: Any) -> None:
        strategy.run(stage.train_step, args=(rows,))

    def looped(rows: tf.data.Dataset, steps: int, epochs: int, recorder: Recorder) -> None:
        def by_replica(context: tf.distribute.InputContext) -> tf.data.Dataset:
            return rows.rebatch(recorder.training.batch_size // context.num_replicas_in_sync)

        stream = iter(strategy.distribute_datasets_from_function(by_replica))
        for epoch in range(epochs):
            stage.reset_metrics()
            for number in range(steps):
                step(next(stream))
                recorder.on_train_batch_end(number)
            recorder.on_epoch_end(epoch)

    return looped


def _clear_checkpoints(kept: StageDirectory) -> None:
    """Removes what a killed process left half-written, or had no time to remove, beside whole checkpoints."""
    state = tf.train.get_checkpoint_state(str(kept.checkpoints))
    names = {Path(path).name for path in state.all_model_checkpoint_paths} if state else set()
    for path in kept.checkpoints.iterdir() if kept.checkpoints.is_dir() else ():
        if path.name != "checkpoint" and path.name.partition(".")[0] not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _restore(checkpoint: tf.train.Checkpoint, directory: StageDirectory) -> int:
    """The step that `checkpoint` now stands at: that of the last one saved, or 0."""
    if restore.latest_checkpoint(directory) is None:
        return 0
    with restore.whole_checkpoint(directory) as latest:
        checkpoint.restore(latest).assert_existing_objects_matched()
    step = int(latest.rsplit("-", 1)[1])
    runtime.log.info("going on from step %d", step)
    return step


def _batch_steps(
    name: str, settings: Preset, operators: OperatorConfig, run: Path, source: SliceSource, seed: int
) -> tuple[batches.Step, ...]:
    own, purpose = getattr(settings, name), f"training of {name}"
    augment = own.training.augment
    steps: list[batches.Step] = [batches.augmented(augment, source.domain, seed, purpose)] if augment else []
    if "structure" in FAMILIES[name].batch:
        steps.append(batches.with_structure(operators, source.domain, seed, purpose))
    if "drawn_maps" in FAMILIES[name].batch:
        drawn = restore.drawn_maps(run, own, operators, source, seed)
        place, changed = own.label_place, LabelAugmentConfig()
        steps.append(batches.with_drawn_maps(drawn, source.domain, seed, changed, place, purpose))
    return tuple(steps)
