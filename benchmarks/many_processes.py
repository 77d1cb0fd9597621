"""Generation by several processes of this machine against generation by one: sharding must cost nothing.

    python benchmarks/many_processes.py RUN [--workers 2] [--samples 128 512] [--runs 3]

RUN is a directory whose stages are trained. Both forms draw the same chunks into a spool, gates off. Speed is
that between the two numbers of samples, (512 - 128) / (seconds of 512 - seconds of 128): the start of the
workers, who import TensorFlow and load the networks, is paid once a generation and printed apart. The forms
take turns; figures are medians.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import tempfile
import time
from pathlib import Path

from generate_throughput import GATES_OFF, load

from tf_medsynth import runtime
from tf_medsynth.generation import LabelPool, Synthesiser, fill, stream
from tf_medsynth.runs.generate import load_run

GOAL = 0.9


def seconds(synthesiser: Synthesiser, labels: LabelPool, run: Path, samples: int, workers: int) -> float:
    """Wall-clock time of `samples` samples into a new spool; 1 worker is this process."""
    by_workers = functools.partial(
        fill,
        beam=runtime.Beam(workers=workers),
        load=functools.partial(load_run, run, 0),
        settings=GATES_OFF,
        seed=0,
        count=samples,
    )
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        stream(
            synthesiser,
            labels,
            GATES_OFF,
            0,
            samples,
            Path(folder) / "spool",
            fill=by_workers if workers > 1 else None,
        )
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--samples", type=int, nargs=2, default=(128, 512))
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    root = str(Path(__file__).resolve().parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    run = arguments.run.resolve()
    few, many = arguments.samples
    parts = load(run)
    seconds(*parts, run, GATES_OFF.chunk, 1)  # compiles
    taken: dict[int, list[tuple[float, float]]] = {1: [], arguments.workers: []}
    for _ in range(arguments.runs):
        for workers, pairs in taken.items():
            pairs.append(tuple(seconds(*parts, run, samples, workers) for samples in (few, many)))
    speeds = {n: statistics.median((many - few) / (b - a) for a, b in pairs) for n, pairs in taken.items()}
    print(f"{'processes':>9} {'samples/s':>10} {'of one':>7} {'goal':>5} {'start, s':>9}")
    for workers, pairs in taken.items():
        speed = speeds[workers]
        start = statistics.median(a - few / speed for a, _ in pairs)
        goal = f"{GOAL:.2f}" if workers > 1 else ""
        print(f"{workers:9d} {speed:10.1f} {speed / speeds[1]:7.2f} {goal:>5} {start:9.1f}")


if __name__ == "__main__":
    main()
