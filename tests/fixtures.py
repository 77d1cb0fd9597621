"""Fixtures that several rooms share; `conftest.py` registers them."""

from __future__ import annotations

import contextlib
import dataclasses
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.patients import write_patient


@dataclasses.dataclass(frozen=True)
class TinyDataset:
    """A prepared TFDS dataset: three patients in train, one in test, eight 32x32 slices each."""

    name: str
    data_dir: Path
    manual_dir: Path
    patients: Mapping[str, list[str]]

    @property
    def where(self) -> dict[str, Any]:
        """The arguments that name it to `open_slices` and `train`."""
        return {"data": self.name, "data_dir": self.data_dir}


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory) -> TinyDataset:
    """Made by the real reader and builder from volumes on disk."""
    from tf_medsynth.runs.prepare import prepare

    folder = tmp_path_factory.mktemp("tiny_dataset")
    for number in (1, 2, 3, 90002):
        write_patient(folder / "in", f"BraTS2021_{number:05d}", seed=number, shape=(12, 40, 40))
    changes = {"size": (32, 32), "slice_range": (26, 129)}
    made = prepare(
        "brats/slices_64",
        manual_dir=folder / "in",
        data_dir=folder / "data",
        overrides=changes,
        config_name="tiny",
    )
    return TinyDataset(made.dataset, folder / "data", folder / "in", made.patients)


@pytest.fixture(scope="session")
def tiny_run(tiny_dataset, tmp_path_factory) -> Path:
    """A run with every stage finished: untrained weights, real records, labels of `tiny_dataset`."""
    from tests import tiny

    run = tmp_path_factory.mktemp("tiny_run") / "run"
    for name in ("structure", "lesion", "translation", "multimodal"):
        tiny.leave_finished(run, name, origin=tiny_dataset)
    return run


@pytest.fixture(scope="session")
def tiny_model(tiny_run, tmp_path_factory) -> Path:
    """Version 1 of `tiny_run` as a SavedModel, in a folder ``tiny``."""
    from tf_medsynth.runs.export import export

    return export(run=tiny_run, to=tmp_path_factory.mktemp("saved_models") / "tiny").path


@pytest.fixture
def small_files():
    """Context manager in which no file may grow beyond so many bytes: to its writer, a full disk."""

    @contextlib.contextmanager
    def limited(most: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited
