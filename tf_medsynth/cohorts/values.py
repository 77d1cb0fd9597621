"""The voxels of one modality: what is odd about them, and how they become 16-bit integers.

Whole numbers that fit are stored as they are. Fractions, slopes and numbers beyond 16 bits are
multiplied by one factor a volume, which is kept in the record; 0, the background, stays 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.cohorts.report import Finding
from tf_medsynth.imaging.surroundings import corner_value

INT16 = np.iinfo(np.int16)
WHOLE_NUMBER_TOLERANCE = 1e-3

CLIPPED_SHARE = 1e-3
NEGATIVE_LEVEL, NEGATIVE_SHARE = 0.05, 0.2
"""Voxels further below 0 than this part of the 99.5 % point count as negative; where they are more than this
share of all so far from 0, a volume is normalised or shifted. Interpolation leaves less: at most 2.9 % of 16
real volumes resampled with splines, at least 43.5 % of the same z-scored."""

FAINT_STEPS = 64
"""Grey levels that must remain up to the 99.5 % point when a volume is scaled by its largest value."""

_SHIFT_REMEDY = (
    "Take the images from before normalising; or add a constant inside the brain (v[v != 0] -= v.min() - 1 "
    "for an array v), so that the brain is above 0 and the background stays 0"
)


def findings(modality: str, array: NDArray[Any]) -> list[Finding]:
    """What is odd about the voxels of a modality; ``"error"`` where `as_int16` would do harm.

    Args:
        modality: for the messages.
        array: `(z, y, x)`, any real type.
    """
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        count = int((~np.isfinite(array)).sum())
        text = f"{modality} holds {count} NaN or infinite voxels"
        return [Finding("error", "not_finite", text, "Replace them, by 0 in the background")]
    if low == high:
        return [Finding("error", "constant", f"{modality} is {low:g} everywhere", "Fetch the file again")]
    found = _below_zero(modality, array, float(low), float(high))
    if not found and scale_of(array) != 1.0:
        found += _scaled(modality, array, float(low), float(high))
    top = float((array == high).sum() / max(int((array > 0).sum()), 1))
    if top > CLIPPED_SHARE:
        text = (
            f"{modality} looks clipped: {100 * top:.1f} % of what is above 0 has the largest value, {high:g}"
        )
        found.append(Finding("warning", "clipped", text))
    if (background := corner_value(array)) != 0:
        text = f"{modality} has background {background:g}, not 0: it is not skull-stripped, or shifted"
        found.append(Finding("warning", "background", text))
    return found


def scale_of(array: NDArray[Any]) -> float:
    """The factor by which `as_int16` multiplies: 1 for whole numbers of 16 bits, else to the full range."""
    low, high = float(array.min()), float(array.max())
    fits = INT16.min <= low and high <= INT16.max
    if fits and (array.dtype.kind in "iub" or np.abs(array - np.rint(array)).max() <= WHOLE_NUMBER_TOLERANCE):
        return 1.0
    return INT16.max / max(high, -low)


def as_int16(array: NDArray[Any], scale: float) -> NDArray[np.int16]:
    """`array` times `scale`, rounded; the very array where it is int16 and the scale is 1."""
    if scale != 1.0:
        array = np.multiply(array, scale, dtype=np.float64 if array.dtype.itemsize > 4 else np.float32)
    if array.dtype.kind == "f":
        array = np.rint(array)
    return array.astype(np.int16, copy=False)


def intensities(array: NDArray[Any]) -> dict[str, float]:
    """Extremes of a volume; mean and 99.5 % point of what is above 0."""
    inside = array[array > 0]
    return {
        "min": float(array.min()),
        "max": float(array.max()),
        "p995": float(np.percentile(inside, 99.5)),
        "mean": float(inside.mean(dtype=np.float64)),
    }


def _below_zero(modality: str, array: NDArray[Any], low: float, high: float) -> list[Finding]:
    if low >= 0:
        return []
    count = int((array < 0).sum())
    text = f"{modality} has {count} negative voxels, down to {low:g}"
    if high <= 0:
        text = f"{modality} has no value above 0"
        return [Finding("error", "nothing_positive", text, "Shift the volume: 0 is background")]
    least = NEGATIVE_LEVEL * float(np.percentile(array[array > 0], 99.5))
    share = float((array < -least).sum() / max(int((np.abs(array) > least).sum()), 1))
    if share <= NEGATIVE_SHARE:
        return [Finding("warning", "negative", f"{text}: {100 * share:.2g} % of what is far from 0")]
    text += f": {100 * share:.0f} % of what is far from 0, as in a z-scored or shifted volume"
    return [Finding("error", "negative", text, _SHIFT_REMEDY)]


def _scaled(modality: str, array: NDArray[Any], low: float, high: float) -> list[Finding]:
    scale = scale_of(array)
    inside = array[array > 0]
    typical = float(np.percentile(inside, 99.5))
    what = f"fractions ({array.dtype})" if high <= INT16.max else f"values up to {high:g}, beyond 16 bits"
    if typical * scale < FAINT_STEPS:
        text = f"{modality} holds {what}, and {high:g} dwarfs all else (99.5 % lie below {typical:g})"
        return [Finding("error", "range", text, "Clip the volume at a sensible largest value")]
    return [Finding("warning", "scaled", f"{modality} holds {what}: stored times {scale:.6g}")]
