from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.patients import KINDS, write_patient

MARGIN = 6
"""Pixels of background that are left; the crop takes four of them."""


def fill(arrays: dict[str, np.ndarray]) -> None:
    """Makes the organ nearly as large as the image: a few steps learn masks that labels fit into."""
    rng = np.random.default_rng(0)
    for kind in KINDS[:4]:
        inner = arrays[kind][:, MARGIN:-MARGIN, MARGIN:-MARGIN]
        inner[inner == 0] = rng.integers(100, 300, int((inner == 0).sum()))


@pytest.fixture(scope="session")
def patients(tmp_path_factory) -> Path:
    """Three patients for train and one for test, with organs that fill their images."""
    folder = tmp_path_factory.mktemp("patients")
    for number in (1, 2, 3, 90002):
        write_patient(folder, f"BraTS2021_{number:05d}", seed=number, shape=(12, 40, 40), edit=fill)
    return folder
