"""Prepared data, and a run with the records of finished stages and no weights, for cases to spoil."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from tests import tiny
from tests.fixtures import TinyDataset
from tests.patients import write_patient
from tf_medsynth.config.generation import GenerationConfig

STAGES = ("structure", "lesion", "translation", "multimodal")


def run_of(base: Path) -> Path:
    """``RUN`` below the shared inputs, beside ``data/``; made when it is first asked for, in a fork."""
    folder = base / "records"
    if not folder.exists():
        child = os.fork()
        if not child:
            status = 1
            try:
                _make(folder)
                status = 0
            finally:
                os._exit(status)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            shutil.rmtree(folder, ignore_errors=True)
            raise RuntimeError("the run that cases spoil could not be made")
    return folder / "run"


def _make(folder: Path) -> None:
    from tf_medsynth.data.slices import open_slices
    from tf_medsynth.runs.prepare import prepare

    for number in (1, 2, 90002):
        write_patient(folder / "in", f"BraTS2021_{number:05d}", seed=number, shape=(12, 40, 40))
    made = prepare(
        "brats/slices_64",
        manual_dir=folder / "in",
        data_dir=folder / "data",
        overrides={"size": (32, 32), "slice_range": (26, 129)},
        config_name="tiny",
    )
    origin = TinyDataset(made.dataset, folder / "data", folder / "in", made.patients)
    source = open_slices(**origin.where)
    known = {
        "data": source.name,
        "data_dir": str(origin.data_dir),
        "data_fingerprint": source.fingerprint,
        "patients": list(source.patients),
    }
    for name in STAGES:
        _write_stage(folder / "run" / name, name, known)
    step = {"verb": "train lesion", "seconds": 1.0, "peak_memory_mib": 1.0, "detail": {}}
    (folder / "run" / "steps.jsonl").write_text(json.dumps(step) + "\n")


def _write_stage(folder: Path, name: str, known: dict[str, Any]) -> None:
    """A stage's records; what stands for its checkpoint is no checkpoint."""
    settings = tiny.settings(name)
    config = {
        "stage": name,
        "preset": "tiny",
        "settings": getattr(settings, name).to_dict(),
        "data_settings": settings.data.to_dict(),
        "operators": tiny.OPERATORS.to_dict(),
        "domain": tiny.DOMAIN.to_dict(),
        "seed": 1,
        "precision": "float32",
        "image_size": list(tiny.SIZE),
        "upstream": {},
        "workers": 1,
        "fingerprint": "0123456789abcdef",
        **known,
    }
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "checkpoint").write_text('model_checkpoint_path: "ckpt-6"\n')
    (folder / "checkpoints" / "ckpt-6.index").write_bytes(b"no checkpoint")
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "finished.json").write_text(json.dumps({"steps": 6, "seconds": 1.0, "losses": {"loss": 0.5}}))
    (folder / "metrics.csv").write_text("step,loss\r\n2,0.5\r\n4,0.25\r\n")


def summary(**changes: Any) -> dict[str, Any]:
    """What `generate` says of a set."""
    spread = {"measured": 1, "mean": 0.1, "min": 0.1, "max": 0.1}
    scores = dict.fromkeys(("contour_mae", "registration_shift_px"), spread)
    return {
        "dataset": "medsynth_synthetic",
        "count": 2,
        "candidates": 4,
        "acceptance_rate": 0.5,
        "pass_rate": 0.5,
        "rejected": {"lesion": 2},
        "failed": {"lesion": 2},
        "scores": {"candidates": scores, "accepted": scores},
        "coverage": {"before": {}, "after": {}},
        "model_hash": "1234",
        "domain": tiny.DOMAIN.to_dict(),
        "seed": 0,
        "labels": {"fingerprint": "5678", "count": 3},
        "settings": GenerationConfig().identity(),
        "format": "tfds",
        **changes,
    }
