"""Do the modalities of a sample lie on one another, and on the sample's structure map?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from tf_medsynth.config.base import check
from tf_medsynth.imaging.registration import pairwise_shifts, worst_local_shift
from tf_medsynth.metrics.arrays import as_images, as_mask
from tf_medsynth.runtime import progress

NOTHING = "one modality: nothing to register"

QUANTILES = {"p5": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}
WITHIN_PX = (0.5, 1.0, 2.0)
"""The share of samples whose worst pair is within so many px stands in a certificate."""

EDGE_SIGMA = 1.0


def pair_shifts(images: ArrayLike) -> NDArray[np.float64]:
    """Length in px of the shift between each pair of modalities, `(n, M (M - 1) / 2)`.

    Pairs in the order of ``itertools.combinations``; NaN where a modality is constant.

    Args:
        images: `(n, H, W, M)` in [0, 1], M at least 2.
    """
    images = as_images(images)
    check(NOTHING, images.shape[3] > 1, "Leave registration out.", shape=images.shape)
    return np.array([np.hypot(*pairwise_shifts(sample).T) for sample in images])


def local_shift(image: ArrayLike) -> float:
    """Px, the largest shift of any patch between any two modalities of an `(H, W, M)` image.

    Patches are a third of the shorter side and overlap by half; NaN where none holds enough edges.
    """
    channels = np.moveaxis(np.asarray(image), -1, 0)
    patch = max(8, min(channels.shape[1:]) // 3)
    pairs = itertools.combinations(channels, 2)
    found = [worst_local_shift(a, b, patch, patch // 2).magnitude for a, b in pairs]
    known = [length for length in found if not np.isnan(length)]
    return max(known, default=float("nan"))


def edge_overlap(images: ArrayLike, structure_map: ArrayLike) -> NDArray[np.float64]:
    """Share of a map's lines within 1 px of an edge of each modality, `(n, M)` in [0, 1].

    A modality's edges are its pixels of largest Gaussian gradient, as many as the map has line
    pixels. NaN where the map has none or the image is constant.

    Args:
        images: `(n, H, W, M)` in [0, 1].
        structure_map: `(n, H, W)` or `(n, H, W, 1)`, 0 or 1.
    """
    images = as_images(images)
    maps = as_mask(structure_map, images.shape, "structure_map")
    return np.array(
        [
            [_overlap(channel, lines) for channel in np.moveaxis(sample, -1, 0)]
            for sample, lines in zip(images, maps, strict=True)
        ]
    )


def registration_certificate(
    images: ArrayLike,
    modalities: Sequence[str],
    structure_map: ArrayLike | None = None,
    keys: Sequence[str] | None = None,
) -> dict[str, Any]:
    """How far the modalities of each sample lie apart, and the distributions.

    Args:
        images: `(n, H, W, M)` in [0, 1].
        modalities: names of the M channels.
        structure_map: `(n, H, W)`, 0 or 1; without it no edge overlap is measured.
        keys: a name for each sample; without them its number.

    Returns:
        ``shift_px`` (of the worst pair of each sample: quantiles, ``maximum``, ``within``: shares
        within `WITHIN_PX`, ``unmeasured``), ``pair_shift_px`` (the same by pair, and over ``all``),
        ``local_shift_px`` (of the worst patch), ``edge_overlap`` by modality, None without maps; and
        ``rows``, one of each sample.
    """
    images = as_images(images)
    names = [str(key) for key in (range(len(images)) if keys is None else keys)]
    _check_names(images, modalities, names)
    pairs = [f"{a}-{b}" for a, b in itertools.combinations(modalities, 2)]
    shifts = np.array(
        [pair_shifts(sample[None])[0] for sample in progress(images, label="shifts", unit="sample")]
    )
    local = np.array([local_shift(sample) for sample in progress(images, label="patches", unit="sample")])
    overlap = None if structure_map is None else edge_overlap(images, structure_map)
    # A pair that cannot be measured makes its sample's worst pair unknown.
    worst = shifts.max(axis=1)
    rows = [
        {
            "sample": name,
            "shift_px": float(worst[n]),
            "pair": pairs[int(np.argmax(np.where(np.isnan(shifts[n]), np.inf, shifts[n])))],
            "local_shift_px": float(local[n]),
            "edge_overlap": None
            if overlap is None
            else dict(zip(modalities, overlap[n].tolist(), strict=True)),
        }
        for n, name in enumerate(names)
    ]
    by_pair = {pair: distribution(column) for pair, column in zip(pairs, shifts.T, strict=True)}
    return {
        "shift_px": {**distribution(worst), "within": _within(worst)},
        "pair_shift_px": {"all": distribution(shifts), **by_pair},
        "local_shift_px": distribution(local),
        "edge_overlap": None
        if overlap is None
        else {name: distribution(column) for name, column in zip(modalities, overlap.T, strict=True)},
        "rows": rows,
    }


def registration_shifts(images: ArrayLike, modalities: Sequence[str]) -> dict[str, Any]:
    """Median and 95th percentile of the shift between modalities, px: over all pairs and per pair.

    The estimator reads some shift between real, registered contrasts too: set a synthetic set
    beside a real one of the same pixel size, never beside 0.

    Args:
        images: `(n, H, W, M)` in [0, 1].
        modalities: names of the M channels.

    Returns:
        ``{"median", "p95", "maximum", "pairs": {"T1-T2": {"median", "p95", "unmeasured"}},
        "images", "unmeasured"}``; the last counts pairs with a constant image, which enter nothing.
    """
    shifts = pair_shifts(images)
    check(
        "each modality needs its name", np.shape(images)[3] == len(modalities), modalities=tuple(modalities)
    )
    names, kept = itertools.combinations(modalities, 2), ("median", "p95", "unmeasured")
    by_pair = {f"{a}-{b}": distribution(column) for (a, b), column in zip(names, shifts.T, strict=True)}
    over_all = distribution(shifts)
    return {
        **{name: over_all[name] for name in (*kept, "maximum")},
        "pairs": {pair: {name: found[name] for name in kept} for pair, found in by_pair.items()},
        "images": len(shifts),
    }


def distribution(values: NDArray[np.float64]) -> dict[str, Any]:
    """`QUANTILES` and ``maximum`` of the values that are known, NaN if none is, and ``unmeasured``."""
    known = values[~np.isnan(values)]
    some = known if known.size else np.array([np.nan])
    points = np.quantile(some, list(QUANTILES.values()))
    return {
        **dict(zip(QUANTILES, points.tolist(), strict=True)),
        "maximum": float(some.max()),
        "unmeasured": int(values.size - known.size),
    }


def _within(worst: NDArray[np.float64]) -> dict[str, float]:
    return {f"{limit:g}": float((worst <= limit).mean()) for limit in WITHIN_PX}


def _overlap(image: NDArray[np.float32], lines: NDArray[np.bool_]) -> float:
    strength = ndimage.gaussian_gradient_magnitude(image.astype(np.float64), EDGE_SIGMA)
    count = int(lines.sum())
    if not count or strength.max() < 1e-9:
        return float("nan")
    edges = strength >= np.partition(strength.ravel(), -count)[-count]
    near = cv2.dilate(edges.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return float(near[lines].mean())


def _check_names(images: NDArray, modalities: Sequence[str], names: Sequence[str]) -> None:
    check(NOTHING, images.shape[3] > 1, "Leave registration out.", shape=images.shape)
    check("each modality needs its name", images.shape[3] == len(modalities), modalities=tuple(modalities))
    check("each sample needs its key", len(names) == len(images), keys=len(names), samples=len(images))
