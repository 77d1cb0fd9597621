"""``medsynth.json`` of an exported version, and the version folders of a model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.config.records import ModelFile
from tf_medsynth.runtime import alone, check_writable, of_file, read_json
from tf_medsynth.runtime import read_record as read_typed

FORMAT = 1
"""Changes when signatures or their meaning change."""

RECORD_NAME = "medsynth.json"


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
        domain: what it draws: modalities, channels, classes of the label.
        signatures: inputs and outputs of each, as dtype and shape.
    """

    format: int
    package: str
    model_hash: str
    image_size: tuple[int, int]
    rows: int
    labels: dict
    settings: GenerationConfig
    data: dict
    domain: Domain
    signatures: dict = field(default_factory=dict)


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
    file, again = folder / RECORD_NAME, "Export it again."
    check(f"a model needs its {RECORD_NAME}", file.is_file(), again, model=str(folder))
    values = read_json(file, again)
    held = values.get("format")
    remedy = "Export it again with this package, or read it with the one that wrote it."
    check(f"this package reads models of format {FORMAT}", held == FORMAT, remedy, format=held)
    with of_file(file, again):
        check("a record states the domain of its data", "domain" in values, again, keys=sorted(values)[:8])
        values = dict(read_typed(file, ModelFile, again))
        check(
            "a model draws images", min(values["image_size"]) > 0 and values["rows"] > 0, rows=values["rows"]
        )
        return ModelRecord.from_dict(values)


def check_target(model: Path) -> None:
    """Raises unless versions can be written to the folder `model`, there or not there yet.

    Raises:
        MedSynthError: a file stands there, or the place cannot be written.
    """
    check_writable(model)
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
    with alone(model, "one process exports to a model at a time"):
        yield (versions(model) or [0])[-1] + 1
