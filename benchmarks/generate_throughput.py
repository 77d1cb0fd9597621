"""`generate` against the bare generator: samples a second, and the share that everything else leaves.

    python benchmarks/generate_throughput.py RUN [--samples 64] [--runs 5] [--memory 100 1000]

RUN is a directory whose stages are trained. "bare" calls the networks alone, from noise to map to images, on
labels that are ready; "stage M alone" has its maps ready too. "gates off" draws maps, fits augmented labels,
renders and writes the spool; "published" writes the TFDS records as well; "measured" also segments and
registers, rejecting nothing. They take turns, so a busy machine slows all; figures are medians. ``--memory``
runs "published" at each of these counts in a process of its own and prints the peaks, which must not grow
with the count.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# Threads of its own cost a matrix product of this size fifty times what they save.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.generation import LabelPool, Synthesiser, publish, stream
from tf_medsynth.generation.fitting import fit_labels
from tf_medsynth.imaging.labels import label_kind
from tf_medsynth.runs.generate import label_pool
from tf_medsynth.runs.run_directory import stage_directory
from tf_medsynth.runs.synthesiser import load_synthesiser

GOAL = 0.7
GATES_OFF = GenerationConfig(filter=False, measure=False)
MEASURED = GenerationConfig(filter=False)


def bare(synthesiser: Synthesiser, labels: LabelPool, samples: int, from_noise: bool) -> Callable[[], None]:
    """A call that renders `samples` samples, in the chunks `generate` uses, on labels drawn before.

    Maps and masks are drawn in the call as well with `from_noise`, and were drawn before without.
    """
    inputs = []
    for start in range(0, samples, GATES_OFF.chunk):
        index = np.arange(start, start + GATES_OFF.chunk)
        maps, masks = synthesiser.draw_maps(0, index)
        wanted = np.ones(len(index), bool)
        fitted = fit_labels(labels, label_kind(synthesiser.domain), masks, wanted, GATES_OFF, 0, index)
        inputs.append((maps, masks, fitted.labels, 0, index))

    def call() -> None:
        for maps, masks, *rest in inputs:
            if from_noise:
                maps, masks = synthesiser.draw_maps(rest[1], rest[2])
            synthesiser.render(maps, masks, *rest)

    return call


def generated(
    synthesiser: Synthesiser, labels: LabelPool, samples: int, settings: GenerationConfig, published: bool
) -> Callable[[], None]:
    """A call that generates `samples` samples into a folder of its own, which is removed again."""

    def call() -> None:
        with tempfile.TemporaryDirectory() as folder:
            spool = stream(synthesiser, labels, settings, 0, samples, Path(folder) / "spool")
            if published:
                publish(spool, Path(folder) / "out", "tfds", samples)

    return call


def take_turns(calls: dict[str, Callable[[], None]], runs: int) -> dict[str, list[float]]:
    """Seconds of `runs` interleaved calls of each, after one to compile."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(runs + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def compare(synthesiser: Synthesiser, labels: LabelPool, samples: int, runs: int) -> None:
    """Prints a line a form."""
    calls = {
        "bare": bare(synthesiser, labels, samples, from_noise=True),
        "stage M alone": bare(synthesiser, labels, samples, from_noise=False),
        "gates off": generated(synthesiser, labels, samples, GATES_OFF, published=False),
        "published": generated(synthesiser, labels, samples, GATES_OFF, published=True),
        "measured": generated(synthesiser, labels, samples, MEASURED, published=False),
    }
    seconds = take_turns(calls, runs)
    print(f"{'form':12} {'samples/s':>10} {'of bare':>8} {'goal':>5}  range of shares")
    for name, taken in seconds.items():
        shares = [base / own for base, own in zip(seconds["bare"], taken, strict=True)]
        goal = f"{GOAL:.2f}" if name == "gates off" else ""
        speed, share = samples / statistics.median(taken), statistics.median(shares)
        print(f"{name:12} {speed:10.1f} {share:8.2f} {goal:>5}  {min(shares):.2f}-{max(shares):.2f}")


def load(run: Path) -> tuple[Synthesiser, LabelPool]:
    """The run's networks and its training labels."""
    runtime.configure(seed=0, precision="float32")
    synthesiser = load_synthesiser(run)
    return synthesiser, label_pool(run, stage_directory(run, "multimodal").config())


def peak(run: Path, samples: int) -> dict[str, float]:
    """Peak memory in MiB of loading, and of generating and publishing `samples` samples; call it once."""
    synthesiser, labels = load(run)
    generated(synthesiser, labels, GATES_OFF.chunk, GATES_OFF, published=True)()
    loaded = runtime.peak_memory_mib()
    generated(synthesiser, labels, samples, GATES_OFF, published=True)()
    return {"samples": samples, "loaded_mib": loaded, "peak_mib": runtime.peak_memory_mib()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--memory", type=int, nargs="*", default=[], metavar="COUNT")
    parser.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak_of:
        print(json.dumps(peak(arguments.run, arguments.peak_of)))
        return
    compare(*load(arguments.run), arguments.samples, arguments.runs)
    for count in arguments.memory:
        command = [sys.executable, __file__, str(arguments.run), "--peak-of", str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        facts = json.loads(done.stdout.splitlines()[-1])
        print(f"{count:8d} samples: {facts['loaded_mib']:.0f} MiB loaded, {facts['peak_mib']:.0f} MiB peak")


if __name__ == "__main__":
    main()
