"""Another Keras backend computes the same numbers: the mathematics is not TensorFlow's."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conformance.registry import EVERYTHING, arrays, inputs_for, randomise

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = [name for name in ("jax", "torch") if importlib.util.find_spec(name)]

COMPARE = """
import sys
import numpy as np
from tests.conformance.registry import EVERYTHING, arrays, inputs_for
stored = np.load(sys.argv[1])
for name, build in EVERYTHING.items():
    model = build()
    weights = [weight for weight in model.weights if weight.dtype == "float32"]
    for i, weight in enumerate(weights):
        weight.assign(stored[f"{name}/weight_{i}"])
    for i, output in enumerate(arrays(model(inputs_for(model)))):
        error = float(np.abs(output - stored[f"{name}/output_{i}"]).max())
        assert error < 1e-4, (name, i, error)
    print(name)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", INSTALLED or ["none"])
def test_forward_parity(backend: str, tmp_path: Path) -> None:
    if backend == "none":
        pytest.skip("neither jax nor torch is installed (Keras' numpy backend needs jax too)")
    stored: dict[str, np.ndarray] = {}
    for name, build in EVERYTHING.items():
        model = build()
        randomise(model)
        weights = [weight for weight in model.weights if weight.dtype == "float32"]
        stored |= {f"{name}/weight_{i}": np.asarray(weight) for i, weight in enumerate(weights)}
        outputs = arrays(model(inputs_for(model)))
        stored |= {f"{name}/output_{i}": output for i, output in enumerate(outputs)}
    np.savez(tmp_path / "stored.npz", **stored)
    done = subprocess.run(
        [sys.executable, "-c", COMPARE, str(tmp_path / "stored.npz")],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == list(EVERYTHING)
