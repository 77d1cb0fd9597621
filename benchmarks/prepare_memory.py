"""Peak memory of `prepare` at 15 and at 150 patients: it must not grow with the cohort.

    python benchmarks/prepare_memory.py [--patients 15 150] [--unbounded]

Copies of two phantom patients stand for the cohort. Each cohort is prepared in a process of its own
(whole volumes as 128 x 128 slices, so that ten times the patients are hundreds of MiB of records).
``--unbounded`` prepares the larger one once more with TFDS's own shuffle buffer of 1 GiB, to show what the
builder's bound is for.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SIZE = 64

CHILD = """
import json, sys
from tf_medsynth.experiments.prepare import prepare
from tf_medsynth.runtime import Stopwatch, peak_memory_mib
from tfds_builders.brats import brats_dataset_builder as builder
import tensorflow, tensorflow_datasets
tensorflow.constant(0) + 1
start = peak_memory_mib()
if sys.argv[3] == "unbounded":
    builder.SHUFFLE_BYTES = 1000 << 20
watch = Stopwatch()
result = prepare("brats/slices_128", manual_dir=sys.argv[1], data_dir=sys.argv[2],
                 overrides={"slice_range": "0,155"}, config_name="memory")
size = sum(p.stat().st_size for p in __import__("pathlib").Path(result.directory).iterdir())
print(json.dumps({"patients": sum(map(len, result.patients.values())), "records_mib": round(size / 2**20),
                  "imports_mib": round(start), "peak_mib": round(peak_memory_mib()),
                  "seconds": round(watch.seconds)}))
"""


def write_cohort(folder: Path, patients: int) -> None:
    """`patients` folders, copies of two phantoms under names of their own."""
    from tf_medsynth.data.phantom import phantom

    templates = phantom(patients=2, size=SIZE, seed=0, out=folder / "templates")
    for number in range(patients):
        shutil.copytree(templates[number % 2], folder / "cohort" / f"brats_copy_pat{number:04d}_1")


def measure(patients: int, unbounded: bool = False) -> dict[str, int]:
    """Peak resident memory and time of one run in a fresh process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_cohort(folder, patients)
        words = [str(folder / "cohort"), str(folder / "data"), "unbounded" if unbounded else "bounded"]
        run = subprocess.run(
            [sys.executable, "-c", CHILD, *words],
            cwd=REPOSITORY,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    figures: dict[str, int] = json.loads(run.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Prints a line for each cohort, and how far they are apart."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, nargs="+", default=[15, 150])
    parser.add_argument("--unbounded", action="store_true")
    arguments = parser.parse_args()
    figures = [measure(patients) for patients in arguments.patients]
    for line in figures:
        print(line)
    peaks = [line["peak_mib"] for line in figures]
    print(f"peak at {arguments.patients[-1]} / {arguments.patients[0]} patients: {peaks[-1] / peaks[0]:.3f}")
    if arguments.unbounded:
        print("with TFDS's own shuffle buffer:", measure(arguments.patients[-1], unbounded=True))


if __name__ == "__main__":
    main()
