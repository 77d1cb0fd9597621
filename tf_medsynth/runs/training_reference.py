"""A run's training slices as the reference that its samples may not copy, made once and kept in the run.

How near two different persons lie is measured among the training patients alone: each slice against the
slices of every other person. So no test patient, on whom samples are judged later, decides which samples
there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.persons import split_group
from tf_medsynth.data.mapped import mapped_array
from tf_medsynth.data.slices import SliceSource
from tf_medsynth.generation.gates import DECIMALS, rounded
from tf_medsynth.generation.memorisation import TrainingReference
from tf_medsynth.metrics import descriptors, nearest
from tf_medsynth.metrics.membership import copy_threshold

_BATCH = 32
_MOST = 1000
"""Slices whose distance to other persons is measured: enough for a share of one in a hundred."""
_AGAIN = "Remove it: it is made again."
_FORMAT = (
    3,
    descriptors.FINE,
    descriptors.LEAST_WIDTH,
    descriptors.BAND,
    descriptors.CELLS,
    nearest.SHIFT,
    nearest.CANDIDATES,
)
"""Raised, or changed by a constant, whenever the same slices give other distances."""


def training_reference(run: Path, training: SliceSource, false_alarm: float) -> TrainingReference:
    """The reference of `run`, read where it stands there already.

    Args:
        run: its folder holds ``training-NAME.npy`` and ``training-NAME.json``, both whole or absent.
        training: the slices that the generator saw.
        false_alarm: see `copy_threshold`.

    Raises:
        MedSynthError: all training slices are one person's.
    """
    name = fingerprint("training reference", _FORMAT, training.fingerprint)
    file, note = run.absolute() / f"training-{name}.npy", run.absolute() / f"training-{name}.json"
    if not (file.exists() and note.exists()):
        runtime.log.info("generate: %d training slices are described, once a run", training.count)
        _write_descriptors(file, training)
        runtime.write_json(note, _between_persons(file, training.owners()))
    by_patient = runtime.read_record(note, dict[str, list[float]], _AGAIN)
    with runtime.of_file(note, _AGAIN):
        check("held-out patients have distances", bool(by_patient) and all(by_patient.values()))
    runtime.read_array(file, "int8", (training.count, *training.image_size, None), _AGAIN)
    distances = np.concatenate(list(by_patient.values()))
    names = np.repeat(list(by_patient), [len(values) for values in by_patient.values()])
    return TrainingReference(
        file,
        fingerprint(name, by_patient),
        false_alarm,
        round(copy_threshold(distances, names, false_alarm), DECIMALS),
        training.count,
        len(distances),
    )


def _between_persons(file: Path, owners: np.ndarray) -> dict[str, list[float | None]]:
    """Distances of a person's slices, of all at most `_MOST`, to the nearest slice of another person."""
    persons = np.array([split_group(str(owner)) for owner in owners])
    index = nearest.ImageIndex(np.load(file, mmap_mode="r"))
    rows = np.unique(np.linspace(0, len(persons) - 1, min(_MOST, len(persons))).astype(int))
    near = index.nearest_described(
        index.fine[rows], progress=runtime.progress, apart=(persons[rows], persons)
    )
    found: dict[str, list[float | None]] = {}
    for person, distance in zip(persons[rows].tolist(), near.distance, strict=True):
        found.setdefault(person, []).append(rounded(float(distance)))
    return found


def _write_descriptors(file: Path, source: SliceSource) -> None:
    """All of a split, a batch in memory at a time."""
    shape: tuple[int, ...] = source.builder.info.features["images"].shape
    with runtime.atomic_path(file, shared=True) as partial:
        kept = mapped_array(partial, np.int8, (source.count, *shape))
        start = 0
        for batch in _batches(source, "training descriptors"):
            images = batch["images"]
            kept[start : start + len(images)] = descriptors.describe(images).fine
            start += len(images)
        del kept  # unmapped: `atomic_path` flushes the file


def _batches(source: SliceSource, label: str) -> Iterator[Any]:
    batches = source.examples(names=True).batch(_BATCH).as_numpy_iterator()
    yield from runtime.progress(batches, total=-(-source.count // _BATCH), label=label, unit="batch")
