"""The pipeline against the same functions called in a row, from nothing to the verdict.

Both forms do the same work on the same phantom cohort, each in a new process and a new folder, taking
turns; figures are medians. The pipeline pays for a process a step that imports TensorFlow, which does not
grow with the trainings: the ratio at `--steps` as long as your own is the one that counts.

    python benchmarks/pipeline_overhead.py [--runs 3] [--steps 200] [--patients 12]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tf_medsynth
from tf_medsynth.config.families import STAGES
from tf_medsynth.config.pipeline import PipelineConfig

GOAL = 1.05
FORMS = ("functions", "pipeline")


def settings(steps: int, patients: int) -> dict[str, Any]:
    """A short pipeline: every gate passes, and the verdict, always against, ends both forms."""
    changes: dict[str, Any] = {
        "phantom.patients": patients,
        "count": 20,
        "unfiltered": 20,
        "multimodal.maps": "real",
        "generate.contour.max_mae": 1.0,
        "generate.registration_px": 100.0,
        "generate.lesion.whole_threshold": 0.0,
        "generate.lesion.class_threshold": 0.0,
        "drift.split": 1.0,
        "blessing.sharpness": 1e9,
    }
    for stage in STAGES:
        phase = steps // 2 if stage in ("structure", "multimodal") else 0
        changes |= {f"{stage}.training.steps": steps, f"{stage}.training.pretrain_steps": phase}
    return changes


def call_functions(out: Path, config: PipelineConfig) -> None:
    """What the pipeline does, without it."""
    from tf_medsynth.audits.bless import bless
    from tf_medsynth.runs.published import load_published
    from tf_medsynth.runs.statistics import statistics as describe
    from tf_medsynth.runs.transform import structure_transform, transform_overrides

    run, where = out / "run", {"data_dir": out / "data"}
    tf_medsynth.phantom(**config.phantom.to_dict(), seed=config.seed, out=out / "cohort")
    tf_medsynth.doctor(out / "cohort")
    data = tf_medsynth.prepare(config.data, manual_dir=out / "cohort", **where).dataset
    describe(data=data, **where, out=out / "statistics", drift=config.drift)
    settled = structure_transform(data=data, **where, out=out / "transform")
    for stage in STAGES:
        overrides = {**transform_overrides(settled.file), **config.overrides_of(stage)}
        tf_medsynth.train(stage, data=data, **where, run=run, overrides=overrides, seed=config.seed)
    common = {"run": run, "seed": config.seed, "overrides": config.generate}
    tf_medsynth.generate(count=config.unfiltered, out=out / "unfiltered", filter=False, **common)
    tf_medsynth.generate(count=config.count, out=out / "synthetic", **common)
    load_published(out / "synthetic", config.count)
    bless(run=run, synthetic=out / "synthetic", unfiltered=out / "unfiltered", config=config.blessing)
    tf_medsynth.report(run=run, out=out / "report.html")


def run_form(form: str, out: Path, steps: int, patients: int) -> None:
    """One run of one form, in this process."""
    changes = settings(steps, patients)
    if form == "functions":
        call_functions(out, PipelineConfig().assign(changes))
    else:
        tf_medsynth.pipeline("run", out=out, overrides=changes)


def measure(arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Wall seconds of each run of each form."""
    seconds: dict[str, list[float]] = {form: [] for form in FORMS}
    for _ in range(arguments.runs):
        for form in FORMS:
            with tempfile.TemporaryDirectory() as folder:
                words = ["--one", form, folder, "--steps", arguments.steps, "--patients", arguments.patients]
                command = [sys.executable, __file__, *map(str, words)]
                start = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                seconds[form].append(time.perf_counter() - start)
                print(f"{form}: {seconds[form][-1]:.1f} s", flush=True)
    return seconds


def main() -> None:
    """Prints the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200, help="of each of the four trainings")
    parser.add_argument("--patients", type=int, default=12)
    parser.add_argument("--one", nargs=2, metavar=("FORM", "DIR"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        run_form(arguments.one[0], Path(arguments.one[1]) / "out", arguments.steps, arguments.patients)
        return
    medians = {form: statistics.median(runs) for form, runs in measure(arguments).items()}
    ratio = medians["pipeline"] / medians["functions"]
    more = medians["pipeline"] - medians["functions"]
    print(
        f"functions {medians['functions']:.1f} s, pipeline {medians['pipeline']:.1f} s, "
        f"ratio {ratio:.3f} (goal {GOAL}), {more:.1f} s more, whatever the length"
    )


if __name__ == "__main__":
    main()
