"""A run's training slices as the reference that its samples may not copy, made once and kept in the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.data.slices import SliceSource
from tf_medsynth.generation.gates import DECIMALS, rounded
from tf_medsynth.generation.memorisation import TrainingReference
from tf_medsynth.metrics import descriptors, nearest
from tf_medsynth.metrics.membership import copy_threshold

_BATCH = 32
_AGAIN = "Remove it: it is made again."
_FORMAT = (
    2,
    descriptors.FINE,
    descriptors.LEAST_WIDTH,
    descriptors.BAND,
    descriptors.CELLS,
    nearest.SHIFT,
    nearest.CANDIDATES,
)
"""Raised, or changed by a constant, whenever the same slices give other distances."""


def training_reference(
    run: Path, training: SliceSource, heldout: SliceSource, false_alarm: float
) -> TrainingReference:
    """The reference of `run`, read where it stands there already.

    Args:
        run: its folder holds ``training-NAME.npy`` and ``training-NAME.json``, both whole or absent.
        training: the slices that the generator saw.
        heldout: slices of other patients.
        false_alarm: see `copy_threshold`.
    """
    name = fingerprint("training reference", _FORMAT, training.fingerprint, heldout.fingerprint)
    file, note = run.absolute() / f"training-{name}.npy", run.absolute() / f"training-{name}.json"
    if not (file.exists() and note.exists()):
        runtime.log.info("generate: %d training slices are described, once a run", training.count)
        _write_descriptors(file, training)
        index = nearest.ImageIndex(np.load(file, mmap_mode="r"))
        found: dict[str, list[float | None]] = {}
        for batch in _batches(heldout, "held-out distances"):
            for patient, apart in zip(batch["patient"], index.nearest(batch["images"]).distance, strict=True):
                found.setdefault(patient.decode(), []).append(rounded(float(apart)))
        runtime.write_json(note, found)
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


def _write_descriptors(file: Path, source: SliceSource) -> None:
    """All of a split, a batch in memory at a time."""
    shape: tuple[int, ...] = source.builder.info.features["images"].shape
    with runtime.atomic_path(file, shared=True) as partial:
        kept = np.lib.format.open_memmap(partial, "w+", np.int8, (source.count, *shape))
        start = 0
        for batch in _batches(source, "training descriptors"):
            images = batch["images"]
            kept[start : start + len(images)] = descriptors.describe(images).fine
            start += len(images)
        kept.flush()


def _batches(source: SliceSource, label: str) -> Iterator[Any]:
    batches = source.examples(names=True).batch(_BATCH).as_numpy_iterator()
    yield from runtime.progress(batches, total=-(-source.count // _BATCH), label=label, unit="batch")
