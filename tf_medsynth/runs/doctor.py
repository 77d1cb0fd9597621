"""The verb `doctor`, of any data set: volumes of patients, or what another builder reads."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any

from tf_medsynth.cohorts import doctor as volumes
from tf_medsynth.cohorts.report import DoctorReport
from tf_medsynth.config.base import check
from tf_medsynth.runs.prepare import datasets

VOLUMES = "brats"


def doctor(
    folder: str | os.PathLike[str],
    *,
    dataset: str = VOLUMES,
    voxels: bool = True,
    overrides: Mapping[str, Any] | None = None,
    proposal: str | os.PathLike[str] | None = None,
) -> DoctorReport:
    """What is odd in a folder of patients; `voxels` and `proposal` are of volumes, see `cohorts.doctor`.

    Raises:
        MedSynthError: unknown data set, no such folder, unknown setting.
    """
    if dataset == VOLUMES:
        return volumes.doctor(folder, voxels=voxels, overrides=overrides, proposal=proposal)
    known = datasets()
    check(
        "a doctor is known of some data sets",
        dataset in known,
        f"Known: {', '.join(known)}.",
        dataset=dataset,
    )
    rules = importlib.import_module(f"tfds_builders.{dataset}.cohort")
    report: DoctorReport = rules.doctor(folder, overrides)
    return report
