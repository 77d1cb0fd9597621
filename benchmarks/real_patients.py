"""The main job on real BraTS patients, measured: one command from scans to the table of figures.

    python benchmarks/real_patients.py --scans DIR --out DIR [--seeds 0 1 2] [--samples 1000]

Trains guides on one half of the training patients and a judge, with another seed, on the other;
then, for each seed, structure, translation and multimodal; draws unfiltered and gated samples;
measures them beside the held-out patients. Every step is a verb of its own process, so that time
and peak memory are its own, and finished steps are skipped when the command is run again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.metrics.intervals import seed_interval

DATA = "brats/slices_96"
PRESET = "brats96"
GUIDES = ("folds=2", "fold=0")
JUDGE = ("folds=2", "fold=1", "scheme=stacked")


def main() -> None:
    """Runs and prints everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scans", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--accepted", type=int, default=200)
    arguments = parser.parse_args()
    data_dir = arguments.out / "data"
    verb("prepare", DATA, "--manual-dir", arguments.scans, "--data-dir", data_dir)
    train("lesion", arguments.out / "judge", data_dir, 101, JUDGE)
    answers = []
    for seed in arguments.seeds:
        run = arguments.out / f"seed{seed}"
        share_guides(run, arguments.out / f"seed{arguments.seeds[0]}")
        for stage in ("structure", "lesion", "translation", "multimodal"):
            own = stage in ("structure", "multimodal")
            train(stage, run, data_dir, seed if own else arguments.seeds[0], GUIDES)
        answers.append(measure(run, arguments, seed))
    show(answers)


def train(stage: str, run: Path, data_dir: Path, seed: int, lesion_settings: tuple[str, ...]) -> None:
    """One training; the lesion stage also takes its fold."""
    words = ["--set", *lesion_settings] if stage == "lesion" else []
    place = ["--data", DATA, "--data-dir", data_dir, "--run", run]
    verb("train", stage, *place, "--preset", PRESET, "--seed", seed, "--resume", *words)


def share_guides(run: Path, first: Path) -> None:
    """The guides and the translator are trained once; every seed uses the same."""
    for stage in ("lesion", "translation"):
        if first != run and (first / stage).exists() and not (run / stage).exists():
            shutil.copytree(first / stage, run / stage)


def measure(run: Path, arguments: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Unfiltered samples, their evaluation, and the gates' acceptance."""
    unfiltered, gated = run / "unfiltered", run / "gated"
    if not unfiltered.exists():
        verb("generate", "--run", run, "--count", arguments.samples, "--seed", seed, "--out", unfiltered,
             "--no-filter", "--resume")  # fmt: skip
    if not gated.exists():
        verb(
            "generate",
            "--run",
            run,
            "--count",
            arguments.accepted,
            "--seed",
            seed,
            "--out",
            gated,
            "--resume",
        )
    judge = arguments.out / "judge" / "lesion"
    code = (
        "from tf_medsynth.audits.evaluate import evaluate; import sys;"
        "evaluate(run=sys.argv[1], synthetic=sys.argv[2], judge=sys.argv[3], seed=int(sys.argv[4]))"
    )
    subprocess.run([sys.executable, "-c", code, str(run), str(unfiltered), str(judge), str(seed)], check=True)
    verb("report", "--run", run, "--out", run / "report.html")
    answer: dict[str, Any] = json.loads((run / "evaluation.json").read_text())
    answer["gates"] = json.loads((gated / "summary.json").read_text())
    answer["steps"] = [json.loads(line) for line in (run / "steps.jsonl").read_text().splitlines()]
    return answer


def verb(*words: object) -> None:
    """One `medsynth` command in a process of its own."""
    command = [sys.executable, "-m", "tf_medsynth.cli.main", *map(str, words)]
    print("$ medsynth", *words, flush=True)
    subprocess.run(command, check=True)


def show(answers: list[dict[str, Any]]) -> None:
    """Prints each figure as mean and, over several seeds, 95 % interval."""
    for title, values in rows(answers):
        known = [v for v in values if v is not None]
        if not known:
            print(f"{title:55s} not measurable")
            continue
        text = f"{np.mean(known):.3f}"
        if len(known) > 1:
            interval = seed_interval(known)
            text += f"  [{interval.low:.3f}, {interval.high:.3f}]"
        print(f"{title:55s} {text}")
    for step in answers[0]["steps"]:
        print(f"{step['verb']:30s} {step['seconds']:8.0f} s {step['peak_memory_mib']:8.0f} MiB")


def rows(answers: list[dict[str, Any]]) -> list[tuple[str, list[float | None]]]:
    """(figure, a value a seed), in the order in which they are printed."""
    table: list[tuple[str, list[float | None]]] = []

    def add(title: str, *path: str) -> None:
        values = []
        for answer in answers:
            value: Any = answer
            for key in path:
                value = value[key]
            values.append(value)
        table.append((title, values))

    for part in ("structure", "structure_all_patients"):
        for source in ("generated", "real"):
            add(f"{part}: closed contours, {source}", part, "contour_pass_rate", source)
            add(f"{part}: line share in organ, {source}", part, "line_share", source)
            add(f"{part}: line share off the rim, {source}", part, "interior_line_share", source)
            add(f"{part}: distance of two maps, {source}", part, "mean_pairwise_distance", source)
            add(f"{part}: nearest training map, {source}", part, "nearest_training_distance", source)
    for who in ("synthetic", "own_maps", "real"):
        add(f"judge, whole lesion, per slice, {who}", "lesion", who, "whole_lesion", "per_slice")
        for name in ("necrosis", "oedema", "enhancing"):
            for scope in ("per_slice", "pooled"):
                add(f"judge, {name}, {scope}, {who}", "lesion", who, "classes", name, scope)
    for part in ("quality", "quality_all_patients"):
        for m in BRAIN_MRI.modalities:
            add(f"{part}: sharpness {m}, of real", part, "laplacian_ratio", m)
            add(f"{part}: sharpness {m} on real maps, of real", part, "laplacian_ratio_same_maps", m)
            add(f"{part}: mean {m}, difference", part, "intensity_mean", "relative_difference", m)
            add(f"{part}: spread {m}, difference", part, "intensity_std", "relative_difference", m)
            add(f"{part}: SSIM {m}, own map and label", part, "ssim", m)
    for who in ("synthetic", "real"):
        add(f"shift median, px, {who}", "registration", who, "median")
        add(f"shift 95 %, px, {who}", "registration", who, "p95")
    add("real-or-synthetic AUC, held out", "realism", "auc")
    add("acceptance rate of the gates", "gates", "acceptance_rate")
    return table


if __name__ == "__main__":
    main()
