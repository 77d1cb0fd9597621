"""What can be odd about a patient's images: grid, values, background, alignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.data.doctor.report import Finding
from tf_medsynth.imaging.registration import subpixel_shift
from tf_medsynth.imaging.volumes import Header, geometry_differences
from tf_medsynth.types import MODALITIES

MISALIGNED_VOXELS = 1.5
"""Shift between modalities from which it is told: 15 real BraTS patients reach 0.3 along any axis."""

CLIPPED_SHARE = 1e-3
SAME_BRAIN_DICE = 0.9
INT16 = np.iinfo(np.int16)

_FACES = (("lowest", "highest", "slice"), ("front", "back", "row"), ("right", "left", "column"))
_PLANES = (0.4, 0.5, 0.6)

Arrays = Mapping[str, NDArray[Any]]


def header_findings(headers: Mapping[str, Header], arrays: Arrays | None = None) -> list[Finding]:
    """Modalities whose grid differs from T1's: in the header only, or in the voxels too."""
    found = []
    for modality in MODALITIES[1:]:
        if modality not in headers:
            continue
        differences = geometry_differences(headers["T1"], headers[modality])
        if not differences:
            continue
        text = ", ".join(f"{name} {what}" for name, what in differences.items())
        found.append(
            Finding(
                "error",
                "grid",
                f"{modality} lies on another grid than T1: {text}{_verdict(modality, arrays)}",
            )
        )
    return found


def findings(headers: Mapping[str, Header], arrays: Arrays, facts: dict[str, Any]) -> list[Finding]:
    """Everything about the images; measurements go into `facts`."""
    found = header_findings(headers, arrays)
    facts["intensities"] = {}
    sound: dict[str, NDArray[Any]] = {}
    for modality in MODALITIES:
        if modality not in arrays:
            continue
        wrong = _value_findings(modality, arrays[modality])
        found += wrong
        if not any(finding.severity == "error" for finding in wrong):
            sound[modality] = arrays[modality]
            facts["intensities"][modality] = _intensities(arrays[modality])
    sound = {str(m): a for m, a in sound.items() if a.shape == headers["T1"].shape}
    return found + _edge_findings(sound) + _shift_findings(sound, facts)


def brain_of(arrays: Arrays) -> NDArray[np.bool_]:
    """True where any modality is not 0."""
    first, *others = arrays.values()
    brain = first != 0
    for other in others:
        brain |= other != 0
    return np.asarray(brain)


def _verdict(modality: str, arrays: Arrays | None) -> str:
    """Whether only the header differs, as far as the voxels tell."""
    if arrays is None or not {"T1", modality} <= set(arrays):
        return ""
    first, other = arrays["T1"], arrays[modality]
    if first.shape != other.shape:
        return "; the voxels differ too"
    a, b = first != 0, other != 0
    dice = 2 * float((a & b).sum()) / max(float(a.sum() + b.sum()), 1.0)
    if dice >= SAME_BRAIN_DICE:
        return f"; in the header only, the voxels align (brains overlap, Dice {dice:.2f}): copy T1's header"
    return f"; the voxels differ too (brains overlap with Dice {dice:.2f}): resample onto T1"


def _value_findings(modality: str, array: NDArray[Any]) -> list[Finding]:
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        count = int((~np.isfinite(array)).sum())
        return [Finding("error", "not_finite", f"{modality} holds {count} NaN or infinite voxels")]
    if low == high:
        return [Finding("error", "constant", f"{modality} is {low:g} everywhere")]
    found = []
    if high <= 0:
        found.append(Finding("error", "nothing_positive", f"{modality} has no value above 0"))
    if low < INT16.min or high > INT16.max:
        text = f"{modality} ranges over {low:g}..{high:g}, beyond 16 bits: rescale it"
        found.append(Finding("error", "range", text))
    elif array.dtype.kind == "f" and np.abs(array - np.rint(array)).max() > 1e-3:
        text = f"{modality} holds fractions ({array.dtype}): multiply and round a normalised volume"
        found.append(Finding("error", "fractions", text))
    if low < 0:
        text = f"{modality} has {int((array < 0).sum())} negative voxels, down to {low:g}"
        found.append(Finding("warning", "negative", text))
    top = float((array == high).sum() / max(int((array > 0).sum()), 1))
    if top > CLIPPED_SHARE:
        text = (
            f"{modality} looks clipped: {100 * top:.1f} % of what is above 0 has the largest value, {high:g}"
        )
        found.append(Finding("warning", "clipped", text))
    background = _background(array)
    if background != 0:
        text = f"{modality} has background {background:g}, not 0: it is not skull-stripped, or shifted"
        found.append(Finding("warning", "background", text))
    return found


def _background(array: NDArray[Any]) -> float:
    """The commonest value in the volume's eight corners."""
    ends = [(slice(0, 3), slice(-3, None))] * 3
    corners = [array[z, y, x].ravel() for z in ends[0] for y in ends[1] for x in ends[2]]
    values, counts = np.unique(np.concatenate(corners), return_counts=True)
    return float(values[counts.argmax()])


def _intensities(array: NDArray[Any]) -> dict[str, float]:
    inside = array[array > 0]
    return {
        "min": float(array.min()),
        "max": float(array.max()),
        "p995": float(np.percentile(inside, 99.5)),
        "mean": float(inside.mean(dtype=np.float64)),
    }


def _edge_findings(arrays: Arrays) -> list[Finding]:
    if not arrays:
        return []
    brain = brain_of(arrays)
    faces = []
    for axis, (first, last, name) in enumerate(_FACES):
        for side, word in ((0, first), (-1, last)):
            if count := int(brain.take(side, axis=axis).sum()):
                faces.append(f"{word} {name} ({count} voxels)")
    if not faces:
        return []
    return [Finding("warning", "brain_at_edge", f"the brain touches the volume's edge: {', '.join(faces)}")]


def _shift_findings(arrays: Arrays, facts: dict[str, Any]) -> list[Finding]:
    """Measured displacement of each modality against T1, in voxels along z, y and x."""
    if "T1" not in arrays:
        return []
    facts["shift_against_T1"] = {}
    found = []
    for modality in [m for m in MODALITIES[1:] if m in arrays]:
        shift = _shift(arrays["T1"], arrays[modality])
        facts["shift_against_T1"][modality] = [None if np.isnan(s) else round(s, 2) for s in shift]
        if any(abs(s) > MISALIGNED_VOXELS for s in shift):  # NaN, unknown, is not
            text = ", ".join(f"{axis} {value:+.2f}" for axis, value in zip("zyx", shift, strict=True))
            found.append(
                Finding("warning", "misaligned", f"{modality} is displaced against T1, in voxels: {text}")
            )
    return found


def _shift(fixed: NDArray[Any], moving: NDArray[Any]) -> tuple[float, float, float]:
    """Median over three axial planes (y, x), and over three sagittal ones (z); NaN where unknown."""
    depth, _, columns = fixed.shape
    axial = [subpixel_shift(fixed[z], moving[z]) for z in (int(p * depth) for p in _PLANES)]
    sagittal = [subpixel_shift(fixed[:, :, x], moving[:, :, x]) for x in (int(p * columns) for p in _PLANES)]
    return _median(sagittal, 0), _median(axial, 0), _median(axial, 1)


def _median(shifts: list[tuple[float, ...]], axis: int) -> float:
    values = [shift[axis] for shift in shifts if np.isfinite(shift[axis])]
    return float(np.median(values)) if values else float("nan")
