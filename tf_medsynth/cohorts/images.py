"""What is odd about a patient's images beside each other: copies, edges, displacement, skulls."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.cohorts.report import Finding, Severity
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.layouts import LABEL
from tf_medsynth.imaging.orientation import canonical_header
from tf_medsynth.imaging.registration import subpixel_shift
from tf_medsynth.imaging.surroundings import unstripped
from tf_medsynth.imaging.volumes import Header, geometry_differences

MISALIGNED_VOXELS = 1.5
"""Shift between modalities from which it is told: 15 real BraTS patients reach 0.3 along any axis."""

COPY_CORRELATION = 0.9995
"""Of voxels that are not 0, from which two modalities are one scan: those of real patients reach 0.80."""

COPY_STEP, FEWEST_VOXELS = 3, 2000
"""Every third voxel along an axis is compared, if that leaves so many."""

_FACES = (("lowest", "highest", "slice"), ("front", "back", "row"), ("right", "left", "column"))
_PLANES = (0.4, 0.5, 0.6)

Arrays = Mapping[str, NDArray[Any]]


def header_findings(headers: Mapping[str, Header]) -> Iterator[tuple[str, Finding]]:
    """Files whose header names another grid than T1's; the voxels decide what that means."""
    own = {kind: canonical_header(header) for kind, header in headers.items() if header.placed}
    if "T1" not in own:
        return
    for kind in [kind for kind in own if kind != "T1"]:
        if differences := geometry_differences(own["T1"], own[kind]):
            text = ", ".join(f"{name} {what}" for name, what in differences.items())
            subject = "the label" if kind == LABEL else kind
            code = "label_grid" if kind == LABEL else "grid"
            severity: Severity = "error" if "shape" in differences else "warning"
            message = f"{subject} lies on another grid than T1: {text}; the voxels decide"
            yield kind, Finding(severity, code, message)


def copies(arrays: Arrays, allowed: bool) -> Iterator[tuple[str, Finding]]:
    """Modalities that hold the voxels of another one."""
    for first, second in itertools.combinations([m for m in BRAIN_MRI.modalities if m in arrays], 2):
        if arrays[first].shape == arrays[second].shape and _is_copy(arrays[first], arrays[second]):
            text = f"{first} and {second} hold the same image: one scan stands for two modalities"
            remedy = "" if allowed else "Find the missing scan, or take it so: --set copied_modalities=true"
            yield second, Finding("warning" if allowed else "error", "copied_modality", text, remedy)


def _is_copy(first: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two images are equal up to brightness and contrast."""
    if np.array_equal(first, other):
        return True
    few = (slice(None, None, COPY_STEP),) * 3
    a, b = first[few].astype(np.float64), other[few].astype(np.float64)
    inside = (a != 0) & (b != 0)
    a, b = a[inside], b[inside]
    if a.size < FEWEST_VOXELS or not (np.isfinite(a).all() and np.isfinite(b).all()) or not a.std() * b.std():
        return False
    return bool(np.corrcoef(a, b)[0, 1] > COPY_CORRELATION)


def findings(arrays: Arrays, facts: dict[str, Any]) -> list[Finding]:
    """Everything about images on one grid, in their canonical orientation; measurements go into `facts`."""
    if not arrays:
        return []
    found = _edge_findings(arrays)
    if what := unstripped(arrays):
        remedy = "Strip the skull first, e.g. with HD-BET or SynthStrip"
        found.append(Finding("warning", "not_stripped", what, remedy))
    return found + _shift_findings(arrays, facts)


def brain_of(arrays: Arrays) -> NDArray[np.bool_]:
    """True where any modality is not 0."""
    first, *others = arrays.values()
    brain = first != 0
    for other in others:
        brain |= other != 0
    return np.asarray(brain)


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
    for modality in [m for m in BRAIN_MRI.modalities[1:] if m in arrays]:
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
