"""Do the modalities of a sample lie on one another? The measured shift of every pair."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.imaging.registration import subpixel_shift
from tf_medsynth.metrics.arrays import as_images
from tf_medsynth.types import MODALITIES

UPSAMPLE_FACTOR = 20


def pair_shifts(images: ArrayLike, upsample_factor: int = UPSAMPLE_FACTOR) -> NDArray[np.float64]:
    """Length in px of the shift between each pair of modalities, `(n, M (M - 1) / 2)`.

    Pairs in the order of ``itertools.combinations``; NaN where a modality is constant.

    Args:
        images: `(n, H, W, M)` in [0, 1], M at least 2.
        upsample_factor: resolution is ``1 / upsample_factor`` px.
    """
    images = as_images(images)
    check("a shift needs two modalities", images.shape[3] > 1, shape=images.shape)
    pairs = list(itertools.combinations(range(images.shape[3]), 2))
    return np.array(
        [
            [math.hypot(*subpixel_shift(sample[..., a], sample[..., b], upsample_factor)) for a, b in pairs]
            for sample in images
        ]
    )


def registration_shifts(
    images: ArrayLike,
    modalities: Sequence[str] = MODALITIES,
    upsample_factor: int = UPSAMPLE_FACTOR,
) -> dict[str, Any]:
    """Median and 95th percentile of the shift between modalities, px: over all pairs and per pair.

    The estimator reads some shift between real, registered contrasts too: set a synthetic set
    beside a real one of the same pixel size, never beside 0.

    Args:
        images: `(n, H, W, M)` in [0, 1].
        modalities: names of the M channels.
        upsample_factor: resolution is ``1 / upsample_factor`` px.

    Returns:
        ``{"median", "p95", "maximum", "pairs": {"T1-T2": {"median", "p95", "unmeasured"}},
        "images", "unmeasured"}``; the last counts pairs with a constant image, which enter nothing.
    """
    shifts = pair_shifts(images, upsample_factor)
    check(
        "each modality needs its name", np.shape(images)[3] == len(modalities), modalities=tuple(modalities)
    )
    pairs = itertools.combinations(modalities, 2)
    return {
        **_spread(shifts),
        "maximum": float(np.max(_known(shifts), initial=-np.inf)) if _known(shifts).size else float("nan"),
        "pairs": {f"{a}-{b}": _spread(column) for (a, b), column in zip(pairs, shifts.T, strict=True)},
        "images": len(shifts),
    }


def _known(shifts: NDArray[np.float64]) -> NDArray[np.float64]:
    return shifts[~np.isnan(shifts)]


def _spread(shifts: NDArray[np.float64]) -> dict[str, Any]:
    known = _known(shifts)
    median, p95 = np.quantile(known, [0.5, 0.95]) if known.size else (np.nan, np.nan)
    return {"median": float(median), "p95": float(p95), "unmeasured": int(shifts.size - known.size)}
