"""A certificate and a study as their JSON files hold them, with every kind of value."""

from __future__ import annotations

from typing import Any

CERTIFICATE: dict[str, Any] = {
    "kind": "lesion",
    "target": "run",
    "against": "brats/slices_32",
    "seed": 4,
    "size": [32, 32],
    "samples": 3,
    "samples_in_target": 40,
    "verdict": "below_real",
    "counts": {"judges": 3, "real_patients": 6},
    "groups": {
        "whole_lesion": {
            "dice": {"synthetic": [0.61, 0.55, 0.66, 3], "real": [0.8, 0.7, 0.9, 6]},
            "centroid_px": {"synthetic": [2.0, None, None, 1], "real": [1.5, 1.0, 2.5, 6]},
        }
    },
    "by_judge": [{"judge": n, "dice": 0.6 + n / 100} for n in range(14)],
    "settings": {"least_pixels": 5, "resamples": 2000},
    "rows": [{"dice": 0.5, "centroid_px": 1.0}, {"dice": 0.7, "centroid_px": None}],
    "real_rows": [{"dice": 0.8, "centroid_px": 1.5}],
}


def _interval(estimate: float, low: float, high: float) -> dict[str, float]:
    return {"estimate": estimate, "low": low, "high": high}


STUDY: dict[str, Any] = {
    "study": "availability",
    "fingerprint": "9999aaaa",
    "config": {"data": "brats/slices_32", "patients": ["a", "b", "c"]},
    "seeds": [0, 1],
    "cases": ["d", "e"],
    "cases_are": "test patients",
    "rows": {
        "1": {
            "about": "real ×1",
            "overrides": {"mix.mixing": "random"},
            "reference": {"legacy_dice": 0.915},
            "mean": {"whole_lesion": _interval(0.7, 0.6, 0.8), "legacy_dice": _interval(0.8, 0.7, 0.9)},
        },
        "25": {
            "about": "real ×1 + synthetic ×1, synthetic first",
            "overrides": {"mix.mixing": "synthetic_first"},
            "reference": {},
            "mean": {"whole_lesion": _interval(0.65, 0.6, 0.7), "legacy_dice": _interval(0.75, 0.7, 0.8)},
        },
    },
    "skipped": {"E": "not run in every study that was pooled"},
    "against_row_1": {"whole_lesion": {"25": _interval(-0.05, -0.08, -0.02)}},
    "verdicts": {
        "whole_lesion": [
            {"claim": "two is more than one", "verdict": "held", "gap": 1.0, "low": 0.5, "high": 2.0},
            {
                "claim": "synthetic first beats real alone",
                "origin": "papers",
                "verdict": "not held",
                "gap": -0.05,
                "low": -0.08,
                "high": -0.02,
                "words": "not held: means 25: 0.650, 1: 0.700",
            },
        ],
        "legacy_dice": [{"claim": "it does", "verdict": "undecided", "gap": 0.01, "low": -0.1, "high": 0.2}],
    },
    "learning_curve": {
        "worth": {"25": {"patients": 2.5, "words": "row 25 scores as 2.5 real patients alone"}}
    },
}
