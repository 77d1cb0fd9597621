"""An exported model against the Keras networks it was exported from, in one process.

    python benchmarks/saved_model.py RUN saved_models/NAME [--rows 8 64] [--runs 15]

RUN is the run that the model was exported from. Both forms draw a map and render four modalities with the
same label for the same names: the networks of the run in compiled calls, and the signature ``synthesize``.
They take turns, so a busy machine slows both; figures are medians, and the answers are compared bit by bit.
``cold`` is the whole command ``medsynth sample``, from an empty process to the picture.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from generate_throughput import load, take_turns

from tf_medsynth.generation.functions import names_of
from tf_medsynth.saved_model.loading import SavedModel, open_model

GOAL, COLD_GOAL = 0.95, 10.0


def keras_form(functions: Any, rows: int, label: np.ndarray) -> Callable[[], np.ndarray]:
    """Images of `rows` samples by the networks of the run."""
    seed, index = names_of(0, np.arange(rows))

    def call() -> np.ndarray:
        maps = functions.draw_structure(seed, index)
        return functions.render(maps["structure_map"], maps["background_mask"], label, seed, index).numpy()

    return call


def saved_form(model: SavedModel, rows: int, label: np.ndarray) -> Callable[[], np.ndarray]:
    """The same by the exported signature."""
    names = np.stack([np.zeros(rows), np.arange(rows)], 1).astype(np.int64)
    return lambda: model.call("synthesize", seed=names, lesion_label=label)["images"].numpy()


def cold_start(model: Path, runs: int) -> list[float]:
    """Seconds of `medsynth sample`, each in a process of its own."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        words = ["sample", "--model", str(model), "--out", str(Path(folder) / "patient.png")]
        for _ in range(runs):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "tf_medsynth.cli.main", *words], check=True, capture_output=True
            )
            seconds.append(time.perf_counter() - start)
    return seconds


def main() -> None:
    """Prints a line a batch size, and the cold start."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    synthesiser, pool = load(arguments.run)
    model = open_model(arguments.model, ["synthesize"])
    for rows in arguments.rows:
        label = np.stack([pool[k % len(pool)] for k in range(rows)]).astype(np.int32)
        label = label.reshape(rows, *synthesiser.image_size, 1)
        forms = {
            "keras": keras_form(synthesiser.functions, rows, label),
            "saved": saved_form(model, rows, label),
        }
        same = np.array_equal(forms["keras"](), forms["saved"]())
        seconds = take_turns(forms, arguments.runs)
        ratio = statistics.median(k / s for k, s in zip(seconds["keras"], seconds["saved"], strict=True))
        speed = rows / statistics.median(seconds["saved"])
        print(f"{rows} rows: {speed:.1f} samples/s, {ratio:.3f} of Keras (goal {GOAL}), same bits: {same}")
    cold = statistics.median(cold_start(arguments.model, 3))
    print(f"medsynth sample, cold: {cold:.1f} s (goal {COLD_GOAL:.0f})")


if __name__ == "__main__":
    main()
