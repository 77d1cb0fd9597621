"""Settings of a pipeline in miniature: six steps a stage, gates and bounds that everything passes."""

from __future__ import annotations

from typing import Any

from tests import tiny
from tf_medsynth.config.families import STAGES
from tf_medsynth.config.pipeline import PipelineConfig

OVERRIDES: dict[str, Any] = {
    "prepare.size": (32, 32),
    "prepare.slice_range": (26, 129),
    **{f"{stage}.{key}": value for stage in STAGES for key, value in tiny.OVERRIDES[stage].items()},
    "structure.training.learning_rate": 0.05,
    "structure.training.steps": 12,
    "generate.contour.max_mae": 1.0,
    "generate.registration_px": 100.0,
    "generate.lesion.whole_threshold": 0.0,
    "generate.lesion.class_threshold": 0.0,
    "blessing.closed_outlines": 0.0,
    "blessing.acceptance": 0.0,
    "blessing.sharpness": 0.0,
    "blessing.map_novelty": 0.0,
    "blessing.registration_px": 1000.0,
    "blessing.map_distance": 0.0,
    "drift.split": 1.0,
    "count": 3,
    "unfiltered": 11,
    "precision": "float32",
    "seed": 3,
}
"""For `PipelineConfig.assign`, and the verb `pipeline`."""

CONFIG = PipelineConfig().assign(OVERRIDES)
