"""Peak memory of every verb that reads a cohort, at 15 and at 150 patients: none may grow with the cohort.

    python benchmarks/memory.py [--patients 15 150]

Copies of two phantom patients stand for the cohort. Each verb is a process of its own; whole volumes are
prepared as 128 x 128 slices, so that ten times the patients are hundreds of MiB of records, and more
examples than a training holds to shuffle. For `generate` see `generate_throughput.py --memory`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SIZE, CONFIG = 64, "brats/slices_128"
SMALL = ("scheme=stacked", "training.batch_size=8", "training.log_every=5", "training.checkpoint_every=5")


def write_cohort(folder: Path, patients: int) -> Path:
    """`patients` folders, copies of two phantoms under names of their own."""
    from tf_medsynth.phantoms import phantom

    templates = phantom(patients=2, size=SIZE, seed=0, out=folder / "templates")
    for number in range(patients):
        shutil.copytree(templates[number % 2], folder / "cohort" / f"brats_copy_pat{number:04d}_1")
    return folder / "cohort"


def measure(verb: str, *words: object) -> tuple[float, float]:
    """Peak resident memory in MiB and seconds of one `medsynth` command."""
    command = [sys.executable, "-m", "tf_medsynth.cli.main", verb, *map(str, words)]
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ((0, 1) if verb == "doctor" else (0,)):
        raise SystemExit(f"{' '.join(command)} left with {process.returncode}")
    return usage.ru_maxrss / 1024, time.perf_counter() - start


def measure_all(patients: int) -> dict[str, tuple[float, float]]:
    """`measure` of each verb on a cohort of so many patients."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cohort, data_dir, run = write_cohort(folder, patients), folder / "data", folder / "run"
        ranges = ("--set", "slice_range=0,155")
        found = {"doctor": measure("doctor", cohort)}
        found["prepare"] = measure("prepare", CONFIG, "--manual-dir", cohort, "--data-dir", data_dir, *ranges)
        (config,) = (path.name for path in (data_dir / "brats").iterdir() if not path.name.startswith("."))
        data = ("--data", f"brats/{config}", "--data-dir", data_dir, "--run", run)
        found["train"] = measure("train", "lesion", *data, "--steps", 10, "--set", *SMALL)
        found["report"] = measure("report", "--run", run, "--out", folder / "report.html")
    return found


def main() -> None:
    """Prints a line for each verb: its peak at each number of patients, and how far they are apart."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, nargs="+", default=[15, 150])
    counts = parser.parse_args().patients
    found = [measure_all(patients) for patients in counts]
    print(f"{'peak, MiB':10s}" + "".join(f"{count:>8d}" for count in counts) + "   patients")
    for verb in found[0]:
        peaks = [figures[verb][0] for figures in found]
        seconds = ", ".join(f"{figures[verb][1]:.0f}" for figures in found)
        row = "".join(f"{peak:8.0f}" for peak in peaks)
        print(f"{verb:10s}{row}   ratio {peaks[-1] / peaks[0]:.3f}   seconds {seconds}")


if __name__ == "__main__":
    main()
