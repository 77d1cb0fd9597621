from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.generation.analytic import some_labels
from tf_medsynth.config.generation import GenerationConfig, LesionGate
from tf_medsynth.generation import LabelPool


@pytest.fixture
def pool() -> LabelPool:
    return LabelPool(np.stack(some_labels()).astype(np.uint8))


@pytest.fixture
def settings() -> GenerationConfig:
    return GenerationConfig(lesion=LesionGate(whole_threshold=0.7, class_threshold=0.5))


@pytest.fixture
def contents():
    """Files below a folder, by relative name, as bytes; the empty lock left out."""

    def read(folder: Path) -> dict[str, bytes]:
        files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}

    return read
