"""Accepted structure maps drawn by stage S, for stage M to train on."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import ContourConfig
from tf_medsynth.imaging.contour import contour_error

_CHUNK = 32
_LEAST_SHARE = 0.02

DrawMaps = Callable[[int, np.ndarray], tuple[np.ndarray, np.ndarray]]


def accepted_maps(
    draw_maps: DrawMaps, count: int, seed: int, contour: ContourConfig
) -> tuple[np.ndarray, np.ndarray, float]:
    """The first `count` maps and masks of (seed, 0), (seed, 1), ... that pass algorithm 3.

    Returns:
        Maps and masks ``(count, H, W, 1)`` bool, and the share of drawn maps that passed.

    Raises:
        MedSynthError: fewer than 2 % pass: stage S draws no closed outlines.
    """
    maps: list[np.ndarray] = []
    masks: list[np.ndarray] = []
    drawn = 0
    for _ in runtime.progress(itertools.count(), label="structure maps", unit="batch"):
        if len(maps) >= count:
            break
        index = np.arange(drawn, drawn + _CHUNK, dtype=np.int64)
        lines, mask = draw_maps(seed, index)
        good = contour_error(lines, mask, blur=contour.blur) <= contour.max_mae
        maps.extend(lines[good] > 0.5)
        masks.extend(mask[good] > 0.5)
        drawn += _CHUNK
        check(
            "too few drawn structure maps are closed to train on them",
            drawn < 10 * _CHUNK or len(maps) >= _LEAST_SHARE * drawn,
            "Train stage S longer, or look at its samples.",
            closed=len(maps),
            drawn=drawn,
        )
    share = sum(1 for _ in maps) / drawn
    runtime.log.info("structure maps: %d drawn, %.0f %% closed", drawn, 100 * share)
    return np.stack(maps[:count]), np.stack(masks[:count]), share
