"""May this model be pushed? A verdict with its reasons, bound to the model by its hash."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.config.base import check
from tf_medsynth.config.bounds import BlessingConfig
from tf_medsynth.config.records import BlessingRecord
from tf_medsynth.evaluation.findings import Finding
from tf_medsynth.evaluation.likeness import closed_outlines, share_of, sharpness
from tf_medsynth.runtime import read_record


@dataclasses.dataclass(frozen=True)
class Blessing:
    """A verdict.

    Attributes:
        model_hash: whose it is.
        findings: the rules, each with the number that decides it.
    """

    model_hash: str
    findings: list[Finding]

    @property
    def blessed(self) -> bool:
        """Whether every rule holds; a number that could not be measured is against it."""
        return all(finding.held for finding in self.findings)

    @property
    def reasons(self) -> list[str]:
        """The rules that do not hold, a line each."""
        return [f"{f.claim}: {f.measured}, wanted {f.wanted}" for f in self.findings if not f.held]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `read_blessing` restores an equal object."""
        return {"blessed": self.blessed, "reasons": self.reasons, **dataclasses.asdict(self)}


def bless(
    evaluation: Mapping[str, Any], summary: Mapping[str, Any], config: BlessingConfig, model_hash: str
) -> Blessing:
    """The verdict on a model.

    Args:
        evaluation: of `audits.evaluate.evaluate`, of unfiltered samples.
        summary: of the filtered data set that was generated with the model.
        config: the bounds.
        model_hash: of the model.
    """
    structure, quality = evaluation["structure"], evaluation["quality"]
    distances = structure["nearest_training_distance"]
    findings = [
        closed_outlines(structure, config.closed_outlines),
        Finding.at_least("candidates that pass the gates", summary["pass_rate"], config.acceptance),
        *sharpness(quality, config.sharpness),
        Finding.at_most(
            "shift between modalities, 95th percentile (px)",
            evaluation["registration"]["synthetic"]["p95"],
            config.registration_px,
        ),
        Finding.at_least("distance to the nearest training map", distances["generated"], config.map_distance),
        Finding.alike(
            "distance to the nearest training map, of unseen real maps'",
            share_of(distances["generated"], distances["real"]),
            config.map_novelty,
        ),
    ]
    return Blessing(model_hash, findings)


def read_blessing(file: Path | str) -> Blessing:
    """The verdict in `file`.

    Raises:
        MedSynthError: unreadable, or no verdict.
    """
    held = read_record(file, BlessingRecord, "Evaluate the model first.")
    findings = [
        Finding(f["claim"], f["measured"], f["wanted"], f["held"], f.get("note", ""))
        for f in held["findings"]
    ]
    return Blessing(held["model_hash"], findings)


def require_blessing(file: Path | str, model_hash: str) -> Blessing:
    """The verdict in `file`, which blesses the model called `model_hash`.

    Raises:
        MedSynthError: it does not, it is of another model, or it is unreadable.
    """
    verdict = read_blessing(file)
    check(
        "a blessing holds for the model it was given to",
        verdict.model_hash == model_hash,
        "Evaluate this model.",
        blessed=verdict.model_hash,
        model=model_hash,
    )
    check(
        "only a blessed model is pushed",
        verdict.blessed,
        "Train longer, or change the blessing.… bounds.",
        reasons=verdict.reasons,
    )
    return verdict
