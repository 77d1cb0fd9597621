"""What came out of a generation: counts, reasons, scores, coverage."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from tf_medsynth.generation.gates import reasons_for
from tf_medsynth.generation.spool import Spool
from tf_medsynth.metrics.coverage import Coverage

DATASET = "medsynth_synthetic"
_SCORES = ("contour_mae", "lesion_dice", "registration_shift_px", "training_distance")


class _Spread:
    """Count, mean, least and largest of a score, one value at a time."""

    def __init__(self) -> None:
        self.count, self.total, self.low, self.high = 0, 0.0, math.inf, -math.inf

    def add(self, value: float | None) -> None:
        if value is None:
            return
        self.count += 1
        self.total += value
        self.low, self.high = min(self.low, value), max(self.high, value)

    def to_dict(self) -> dict[str, Any]:
        if not self.count:
            return {"measured": 0}
        mean = round(self.total / self.count, 6)
        return {"measured": self.count, "mean": mean, "min": self.low, "max": self.high}


def summarise(spool: Spool, count: int) -> dict[str, Any]:
    """Summary of the first `count` accepted samples and of every candidate up to the last of them.

    Returns:
        JSON values: ``count``, ``candidates``, ``acceptance_rate``; ``rejected`` (reason: number);
        ``failed`` (gate: candidates that failed it, accepted or not) with ``passed_all`` and its
        share; ``scores`` (of candidates and of accepted: measured, mean, min, max); ``label_tries``;
        ``lesion_free``: share of samples without a lesion in the training labels, in candidates that
        got a label, and in what was accepted;
        ``coverage`` of the label pool, of the candidates that got a label (before the gates) and of
        the accepted (after); and the spool's identity,
        of which ``memorisation`` says what copies were told by, or that nobody looked for any.
    """
    candidates = labelled = passed = tries = 0
    empty: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    spreads = {group: {name: _Spread() for name in _SCORES} for group in ("candidates", "accepted")}
    domain = spool.domain
    reasons = reasons_for(domain.modalities)
    tables = {group: Coverage(spool.image_size, domain.label.classes) for group in ("before", "after")}
    for record in spool.records_through(count):
        candidates += 1
        passed += not record["failed"]
        tries = max(tries, record["label_tries"])
        failed.update(record["failed"])
        rejected.update([record["reason"]] if record["reason"] else [])
        groups = ("candidates", "accepted") if record["accepted"] else ("candidates",)
        if record["label_source"] is not None:
            empty.update(groups if not any(record["lesion_pixels"].values()) else ())
            labelled += 1
        for group in groups:
            for name in _SCORES:
                spreads[group][name].add(record["scores"][name])
        for group in ("before", "after") if record["accepted"] else ("before",):
            tables[group].add(record)
    return {
        "dataset": DATASET,
        "count": count,
        "candidates": candidates,
        "acceptance_rate": round(count / candidates, 6),
        "rejected": {reason: rejected[reason] for reason in reasons},
        "failed": {reason: failed[reason] for reason in reasons},
        "passed_all": passed,
        "pass_rate": round(passed / candidates, 6),
        "scores": {g: {n: s.to_dict() for n, s in group.items()} for g, group in spreads.items()},
        "most_label_tries": tries,
        "lesion_free": {
            "training": spool.identity["labels"].get("lesion_free"),
            "candidates": round(empty["candidates"] / labelled, 6),
            "accepted": round(empty["accepted"] / count, 6),
        },
        "coverage": _coverage(spool, tables["before"], tables["after"]),
        **spool.identity,
    }


def _coverage(spool: Spool, before: Coverage, after: Coverage) -> dict[str, Any]:
    pool = Coverage.from_dict(spool.image_size, spool.label_coverage, before.classes)
    return {
        "cells": {"pool": pool.occupied(), "before": before.occupied(), "after": after.occupied()},
        "share_of_pool_after": after.share_of(pool),
        "share_of_before_after": after.share_of(before),
        "pool": pool.to_dict(),
        "before": before.to_dict(),
        "after": after.to_dict(),
    }
