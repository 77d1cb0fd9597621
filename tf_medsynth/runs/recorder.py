"""What a training tells while it runs: log lines, metrics.csv, TensorBoard, pictures, warnings."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_medsynth import runtime
from tf_medsynth.config.training import TrainingSettings
from tf_medsynth.runs.run_directory import StageDirectory
from tf_medsynth.runs.warnings import Watch
from tf_medsynth.stages.base import AdversarialStage

_PREVIEWS = 8


class Recorder(keras.callbacks.Callback):
    """Keras callback of one training; an epoch of `fit` is a line of the log.

    After a resume the lines of metrics.csv past the checkpoint are dropped, since they come again.
    """

    def __init__(
        self,
        directory: StageDirectory,
        stage: AdversarialStage,
        manager: tf.train.CheckpointManager,
        training: TrainingSettings,
        preview_batch: Mapping[str, Any],
        done: int,
    ):
        super().__init__()
        self.directory, self.stage, self.manager, self.training = directory, stage, manager, training
        self.preview_batch = preview_batch
        self.step, self.length = done, training.log_every
        self.last: dict[str, float] = {}
        self.watch = Watch(directory.path / "warnings.txt", stage, done)
        self.board = tf.summary.create_file_writer(str(directory.path / "logs"))
        self.csv = directory.path / "metrics.csv"
        self.columns = ["step", *stage.trackers]
        self._start_csv(done)
        self._begun, self._first = time.monotonic(), done
        self._bar = runtime.training_bar(training.steps, done, directory.name)

    def begin(self, length: int) -> None:
        """Announces that the next epochs of `fit` have `length` steps."""
        self.length = length

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Moves the bar on."""
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the epoch's means, and the checkpoint or pictures that are due."""
        self.step += self.length
        self.last = {name: float(value) for name, value in self.stage.logs().items()}
        with self.csv.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow([self.step, *(self.last[c] for c in self.columns[1:])])
        with self.board.as_default(step=self.step):
            for name, value in self.last.items():
                tf.summary.scalar(name, value)
        self._say()
        self.watch.look(self.step, self.last)
        if self.step % self.training.checkpoint_every == 0 and self.step < self.training.steps:
            self.save(self.step)

    def save(self, step: int) -> None:
        """Writes a checkpoint named by its step, and pictures of what the stage draws now."""
        pictures = {n: np.asarray(p) for n, p in self.stage.preview(self.preview_batch).items()}
        facts = self.stage.diagnose(self.preview_batch)
        self.watch.look_at(step, pictures)
        self.watch.look_into(step, facts)
        with self.board.as_default(step=step):
            for name, value in facts.items():
                tf.summary.scalar(name, value)
            for name, values in pictures.items():
                tf.summary.image(name, values[..., :1], max_outputs=_PREVIEWS)
        self.board.flush()
        self._write_grid(step, pictures)
        self.manager.save(checkpoint_number=step)

    def _write_grid(self, step: int, pictures: Mapping[str, np.ndarray]) -> None:
        if not pictures:
            return
        rows = [np.concatenate(list(values[:_PREVIEWS, ..., 0]), axis=1) for values in pictures.values()]
        width = max(row.shape[1] for row in rows)
        grid = np.concatenate([np.pad(r, ((0, 2), (0, width - r.shape[1]))) for r in rows], axis=0)
        encoded = tf.io.encode_png((np.clip(grid, 0.0, 1.0) * 255).astype("uint8")[..., None])
        with runtime.atomic_path(self.directory.path / "samples" / f"step_{step:07d}.png") as partial:
            partial.write_bytes(encoded.numpy())

    def _say(self) -> None:
        rate = (self.step - self._first) / max(time.monotonic() - self._begun, 1e-9)
        left = (self.training.steps - self.step) / max(rate, 1e-9)
        weights = self.stage.weights_now
        shown = ", ".join(f"{n} {v:.3g}" for n, v in self.last.items() if weights.get(n))
        self._bar.clear()  # the line stands above the bar
        runtime.log.info(
            "%s %d/%d, %.2f steps/s, %d s left: %s",
            self.directory.name, self.step, self.training.steps, rate, left, shown,
        )  # fmt: skip
        self._bar.refresh()
        if self.step == self.training.steps:
            self._bar.close()

    def _start_csv(self, done: int) -> None:
        kept: list[list[str]] = []
        if self.csv.exists():
            with self.csv.open(newline="", encoding="utf-8") as file:
                whole = [row for row in list(csv.reader(file))[1:] if len(row) == len(self.columns)]
            kept = [row for row in whole if int(row[0]) <= done]
        partial = self.csv.with_name(".partial-metrics.csv")
        with partial.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([self.columns, *kept])
        os.replace(partial, self.csv)
        if kept:
            self.last = dict(zip(self.columns[1:], map(float, kept[-1][1:]), strict=True))
