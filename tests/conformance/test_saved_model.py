"""An exported network gives the same numbers in a process that knows nothing of this package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.registry import NETWORKS, arrays, inputs_for, randomise

LOAD = """
import sys
import numpy as np
import tensorflow as tf
folder, *names = sys.argv[1:]
module = tf.saved_model.load(folder)
stored = np.load(folder + "/cases.npz")
for name in names:
    cases = {key.split("/")[1]: stored[key] for key in stored if key.startswith(name + "/")}
    inputs = [tf.constant(cases[key]) for key in sorted(cases) if key.startswith("input")]
    outputs = tf.nest.flatten(getattr(module, name)(inputs if len(inputs) > 1 else inputs[0]))
    for i, output in enumerate(outputs):
        error = float(np.abs(output - cases[f"output{i}"]).max())
        assert error < 1e-5, (name, i, error)
    print(name)
assert "tf_medsynth" not in sys.modules
"""


@pytest.mark.slow
def test_fresh_process_gives_the_same_numbers(tmp_path: Path) -> None:
    archive = keras.export.ExportArchive()
    stored: dict[str, np.ndarray] = {}
    for name, build in NETWORKS.items():
        model = build()
        randomise(model)
        archive.track(model)
        archive.add_endpoint(name, model.__call__, input_signature=[_signature(model)])
        inputs = inputs_for(model, batch=2)
        stored |= {f"{name}/input{i}": array for i, array in enumerate(arrays(inputs))}
        stored |= {f"{name}/output{i}": array for i, array in enumerate(arrays(model(inputs)))}
    archive.write_out(tmp_path, verbose=False)
    np.savez(tmp_path / "cases.npz", **stored)
    done = subprocess.run(
        [sys.executable, "-I", "-c", LOAD, str(tmp_path), *NETWORKS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == list(NETWORKS)


def _signature(model: keras.Model) -> tf.TensorSpec | list[tf.TensorSpec]:
    return keras.tree.map_structure(lambda t: tf.TensorSpec(t.shape, tf.float32), model.input)
