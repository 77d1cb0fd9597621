"""What can be odd about a patient's lesion label: grid, type, codes, place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.layouts import LABEL, LAYOUTS
from tf_medsynth.data.doctor.images import Arrays, brain_of
from tf_medsynth.data.doctor.report import Finding
from tf_medsynth.imaging.volumes import Header, geometry_differences
from tf_medsynth.types import LESION_CLASSES

FOREIGN_SHARE = 0.5
"""A label that lies outside the brain by more than this is another patient's."""


def header_findings(headers: Mapping[str, Header]) -> list[Finding]:
    """What the label's header alone says: its grid and its type."""
    if LABEL not in headers:
        return []
    differences = geometry_differences(headers["T1"], headers[LABEL])
    text = ", ".join(f"{name} {what}" for name, what in differences.items())
    found = []
    if list(differences) == ["origin"]:
        found.append(
            Finding("warning", "label_origin", f"the label has another origin than the images: {text}")
        )
    elif differences:
        text = f"the label lies on another grid than the images: {text}; is it another patient's?"
        found.append(Finding("error", "label_grid", text))
    dtype = np.dtype(headers[LABEL].dtype)
    if dtype.kind not in "iu":
        found.append(Finding("warning", "label_dtype", f"the label is stored as {dtype}, not as integers"))
    return found


def findings(
    headers: Mapping[str, Header], label: NDArray[Any], arrays: Arrays, layout: str, facts: dict[str, Any]
) -> list[Finding]:
    """Everything about the label; measurements go into `facts`."""
    found = header_findings(headers)
    facts["label_dtype"] = str(label.dtype)
    finite = bool(np.isfinite(label).all())
    codes = np.rint(label) if label.dtype.kind == "f" and finite else label
    if not finite or np.abs(label - codes).max(initial=0) > 1e-3:
        return [*found, Finding("error", "label_values", "the label holds values that are no whole numbers")]
    present = {
        int(code): int(count) for code, count in zip(*np.unique(codes, return_counts=True), strict=True)
    }
    facts["label_codes"] = present
    found += _code_findings(present, layout)
    fitting = {m: a for m, a in arrays.items() if a.shape == label.shape and np.isfinite(a.max())}
    if fitting and any(present.get(code) for code in present if code):
        found = _place_findings(found, label > 0, brain_of(fitting), facts)
    return found


def _code_findings(present: Mapping[int, int], layout: str) -> list[Finding]:
    known = LAYOUTS[layout].codes
    if unknown := sorted(set(present) - set(known)):
        text = f"codes {unknown} are unknown in {layout}, which has {list(known)}"
        return [Finding("error", "label_code", text)]
    if not set(present) - {0}:
        return [Finding("warning", "label_empty", "the label is empty")]
    found = []
    absent = [LESION_CLASSES[known[code]] for code in known if code and code not in present]
    if absent:
        text = f"the label holds codes {sorted(set(present) - {0})}: no {', no '.join(absent)}"
        found.append(Finding("warning", "class_absent", text))
    other = [code for code in present if known[code] != code]
    if other:
        meaning = ", ".join(f"{code} is {LESION_CLASSES[known[code]]}" for code in other)
        text = f"the label holds the codes of {layout}, {sorted(set(present) - {0})}: {meaning}"
        found.append(Finding("warning", "label_year", text))
    return found


def _place_findings(
    found: list[Finding], lesion: NDArray[np.bool_], brain: NDArray[np.bool_], facts: dict[str, Any]
) -> list[Finding]:
    """`found`, with what the place of the lesion says, also about an origin that differs."""
    count = int((lesion & ~brain).sum())
    share = count / int(lesion.sum())
    facts["lesion_outside_brain"] = round(share, 6)
    kept = []
    for finding in found:
        if finding.code == "label_origin":
            foreign = share > FOREIGN_SHARE
            end = (
                "the voxels differ too: is it another patient's?"
                if foreign
                else "header only, the voxels align"
            )
            text = f"{finding.message}; {100 * share:.2f} % of the lesion lie outside the brain: {end}"
            finding = Finding("error" if foreign else "warning", finding.code, text)
        kept.append(finding)
    if count:
        text = f"{count} lesion voxels ({100 * share:.2g} %) lie where every image is 0"
        foreign = share > FOREIGN_SHARE
        text += "; is it another patient's label?" if foreign else ""
        kept.append(Finding("error" if foreign else "warning", "label_outside", text))
    return kept
