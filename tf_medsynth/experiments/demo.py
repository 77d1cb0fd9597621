"""The main job from nothing: an embedded cohort, every stage, a synthetic dataset, a report."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.presets import STAGES
from tf_medsynth.data.doctor import doctor
from tf_medsynth.data.phantom import phantom
from tf_medsynth.experiments.generate import generate
from tf_medsynth.experiments.prepare import prepare
from tf_medsynth.experiments.report import report
from tf_medsynth.experiments.train import train

_PATIENTS, _VOLUME_SIZE, _DATA, _SAMPLES = 12, 80, "brats/slices_64", 200


@dataclasses.dataclass(frozen=True)
class DemoResult:
    """Where the demo's parts lie."""

    out: Path
    report: Path
    samples: int
    candidates: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**dataclasses.asdict(self), "out": str(self.out), "report": str(self.report)}

    def render(self) -> str:
        """A few lines for a person."""
        return (
            f"{self.samples} synthetic patients ({self.candidates} candidates) in {self.seconds:.0f} s.\n"
            f"Open {self.report}\n"
            f"Load with: import tfds_builders, tensorflow_datasets as tfds; "
            f'tfds.load("medsynth_synthetic", data_dir="{self.out / "synthetic"}")'
        )


def demo(*, out: Path | str, seed: int = 0) -> DemoResult:
    """Runs every verb on the phantom cohort; finished steps of an earlier call are skipped.

    Args:
        out: the demo's folder: ``cohort``, ``data``, ``run``, ``synthetic``, ``report.html``.
        seed: of the cohort, the trainings and the samples.
    """
    out, watch = Path(out), runtime.Stopwatch()
    run, data_dir, synthetic = out / "run", out / "data", out / "synthetic"
    with runtime.record_step(run, "phantom", {"patients": _PATIENTS, "size": _VOLUME_SIZE}):
        phantom(patients=_PATIENTS, size=_VOLUME_SIZE, seed=seed, out=out / "cohort")
    with runtime.record_step(run, "doctor"):
        diagnosis = doctor(out / "cohort")
    check("the phantom cohort must be usable", diagnosis.exit_status < 2, status=diagnosis.exit_status)
    with runtime.record_step(run, "prepare", {"data": _DATA}):
        prepare(_DATA, manual_dir=out / "cohort", data_dir=data_dir)
    for stage in STAGES:
        train(stage, data=_DATA, data_dir=data_dir, run=run, preset="tiny", seed=seed, resume=True)
    generate(run=run, count=_SAMPLES, seed=seed, out=synthetic, resume=True)
    with runtime.record_step(run, "tfds.load"):
        loaded, candidates = _load(synthetic)
    page = report(run=run, out=out / "report.html")
    return DemoResult(out, page.out, loaded, candidates, watch.seconds)


def _load(data_dir: Path) -> tuple[int, int]:
    """Number of samples that `tfds.load` gives, and of the candidates they were chosen from."""
    import tfds_builders  # noqa: F401  (registers medsynth_synthetic)

    dataset = tfds.load("medsynth_synthetic", split="train", data_dir=str(data_dir))
    indices = [int(e["sample_index"]) for e in dataset.as_numpy_iterator()]
    return len(indices), max(indices) + 1
