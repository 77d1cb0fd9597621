"""``medsynth.json`` of an exported version, and the version folders of a model."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.types import LESION_CLASSES, MODALITIES, MedSynthError

FORMAT = 1
"""Changes when signatures or their meaning change."""

RECORD_NAME = "medsynth.json"
_AGAIN = "Export it again."
_PARTS: dict[str, dict[str, type]] = {
    "labels": {"count": int, "fingerprint": str},
    "data": {"name": str, "patients": int, "fingerprint": str},
}
"""What is read of the parts of a record that are plain dictionaries."""


@dataclass(frozen=True)
class ModelRecord(Config):
    """What an exported version is.

    Attributes:
        format: see `FORMAT`.
        package: version of this package.
        model_hash: names the weights; with a seed and a number it names a sample.
        image_size: (H, W).
        rows: rows of every call of a network inside the graph.
        labels: size and fingerprint of the pool of labels.
        settings: how ``generate`` draws and judges, lesion thresholds included.
        data: name, fingerprint, number of patients and their hashes, and settings of the training data.
        signatures: inputs and outputs of each, as dtype and shape.
        modalities: names of an image's channels.
        lesion_classes: names of a label's codes.
    """

    format: int
    package: str
    model_hash: str
    image_size: tuple[int, int]
    rows: int
    labels: dict
    settings: GenerationConfig
    data: dict
    signatures: dict = field(default_factory=dict)
    modalities: tuple[str, ...] = MODALITIES
    lesion_classes: tuple[str, ...] = LESION_CLASSES

    def __post_init__(self) -> None:
        """Checks what the two plain dictionaries must hold."""
        for part, kinds in _PARTS.items():
            held = getattr(self, part)
            wrong = [name for name, kind in kinds.items() if type(held.get(name)) is not kind]
            check(f"{part} of a model's record must hold {', '.join(kinds)}", not wrong, _AGAIN, wrong=wrong)


def versions(model: Path) -> list[int]:
    """Version numbers in a model's folder, ascending."""
    if not model.is_dir():
        return []
    return sorted(int(path.name) for path in model.iterdir() if path.name.isdecimal() and path.is_dir())


def version_folder(model: Path) -> Path:
    """The version `model` is, or the newest in it.

    Raises:
        MedSynthError: there is none.
    """
    if (model / "saved_model.pb").is_file():
        return model
    found = versions(model)
    remedy = "Export one first: medsynth export --run RUN --to saved_models/NAME."
    check("no exported model stands here", bool(found), remedy, model=str(model))
    return model / str(found[-1])


def read_record(folder: Path) -> ModelRecord:
    """The record of a version.

    Raises:
        MedSynthError: none, unreadable, or of a format that this package does not read.
    """
    try:
        values: Any = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise MedSynthError(
            f"a model needs its {RECORD_NAME}. Received: model={str(folder)!r}, "
            f"error={type(error).__name__}. Export it again."
        ) from None
    held = values.get("format") if isinstance(values, dict) else None
    remedy = "Export it again with this package, or read it with the one that wrote it."
    check(f"this package reads models of format {FORMAT}", held == FORMAT, remedy, format=held)
    try:
        return ModelRecord.from_dict(values)
    except (TypeError, ValueError, AttributeError) as error:
        if isinstance(error, MedSynthError):
            raise
        check("the record of a model must be whole", False, _AGAIN, model=str(folder), error=str(error))
        raise


def check_target(model: Path) -> None:
    """Raises unless versions can be written to the folder `model`, there or not there yet.

    Raises:
        MedSynthError: a file stands there, or the place cannot be written.
    """
    there = next(path for path in (model.absolute(), *model.absolute().parents) if path.exists())
    check(
        "--to must be a folder that can be written to",
        there.is_dir() and os.access(there, os.W_OK | os.X_OK),
        "Choose another, or change its rights.",
        to=str(model),
    )
    check(
        "--to is the folder of a model's versions, not a version",
        not (model / "saved_model.pb").exists(),
        "Leave the number out: it is counted up.",
        to=str(model),
    )


@contextlib.contextmanager
def next_version(model: Path) -> Iterator[int]:
    """Context with the next free version number, which no other process takes meanwhile.

    Raises:
        MedSynthError: the folder cannot be written, or another process is at it.
    """
    check_target(model)
    model.mkdir(parents=True, exist_ok=True)
    with (model / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            check("one process exports to a model at a time", False, "Wait for the other.", to=str(model))
        yield (versions(model) or [0])[-1] + 1
