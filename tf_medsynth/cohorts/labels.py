"""What can be odd about a patient's lesion label: type, codes, what they mean, place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.cohorts.report import Finding, Severity
from tf_medsynth.cohorts.survey import PatientFiles
from tf_medsynth.config.base import check
from tf_medsynth.config.cohorts import CohortSettings
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.layouts import STUDIES
from tf_medsynth.imaging.lesion_anatomy import CodeAnatomy, contradiction, lesion_anatomy, likely_studies

FOREIGN_SHARE = 0.5
"""A label that lies outside the brain by more than this is another patient's."""

WHOLE_NUMBER_TOLERANCE = 1e-3

LARGEST_CODE = 255

MOST_CODES = 20
"""A file of more values is an image in the place of a label, or a map of organs."""

_HINTS = {
    3: "enhancing tumour from 2023 on (codes=brats2023), or one of another study (codes=decathlon, ...)",
    4: "the resection cavity in BraTS 2024 (codes=brats2024), oedema in BraTS-PED (codes=brats_ped2024)",
}


def whole_numbers(label: NDArray[Any]) -> NDArray[Any]:
    """A label as whole numbers.

    Raises:
        MedSynthError: a value that is none, to `WHOLE_NUMBER_TOLERANCE`.
    """
    label = label.astype(np.uint8) if label.dtype.kind == "b" else label
    codes = np.rint(label) if label.dtype.kind == "f" else label
    whole = bool(np.isfinite(label).all() and np.abs(label - codes).max(initial=0) <= WHOLE_NUMBER_TOLERANCE)
    check(
        "a label holds whole numbers",
        whole,
        "Export it again, without interpolation.",
        dtype=str(label.dtype),
    )
    return codes


def classes_of(codes: NDArray[Any], table: Mapping[int, int]) -> NDArray[np.uint8]:
    """Indices into `BRAIN_MRI.label.classes`, uint8, of a label whose codes are all in `table`."""
    meanings = np.zeros(LARGEST_CODE + 1, np.uint8)
    for code, index in table.items():
        meanings[code] = index
    return meanings[codes.astype(np.uint8, copy=False)]


def count_codes(codes: NDArray[Any]) -> dict[int, int]:
    """Voxels of every code that occurs."""
    low, high = (float(codes.min()), float(codes.max())) if codes.size else (0.0, 0.0)
    if low >= 0 and high <= LARGEST_CODE:  # as nearly always; a sort of all voxels takes longer
        counts = np.bincount(codes.astype(np.uint8, copy=False).ravel())
        return {code: int(count) for code, count in enumerate(counts) if count}
    present, numbers = np.unique(codes, return_counts=True)
    return {int(code): int(count) for code, count in zip(present, numbers, strict=True)}


def unknown_codes(codes: NDArray[Any], table: Mapping[int, int]) -> list[int]:
    """Codes of a label that `table` does not hold."""
    return sorted(set(count_codes(codes)) - set(table))


def type_findings(label: NDArray[Any]) -> list[Finding]:
    """A label that is not stored as integers."""
    if label.dtype.kind in "iu":
        return []
    return [Finding("warning", "label_dtype", f"the label is stored as {label.dtype}, not as integers")]


def findings(
    codes: NDArray[Any],
    images: Mapping[str, NDArray[Any]],
    brain: NDArray[np.bool_],
    files: PatientFiles,
    settings: CohortSettings,
    facts: dict[str, Any],
) -> tuple[list[Finding], dict[int, CodeAnatomy]]:
    """Everything about a label on its patient's grid, and the anatomy of its codes.

    Measurements go into `facts`.
    """
    counts = count_codes(codes)
    facts["label_codes"] = counts
    few = 1 < len(counts) + (0 not in counts) <= MOST_CODES  # else it is no lesion, or no label
    anatomy = lesion_anatomy(images, codes) if few and images else {}
    found = _code_findings(counts, anatomy, files)
    if anatomy:
        found += _place_findings(codes != 0, brain, facts)
        if not any(finding.severity == "error" for finding in found):
            found += anatomy_findings(anatomy, files.codes, settings.trusts(files.name))
    return found, anatomy


def anatomy_findings(
    anatomy: Mapping[int, CodeAnatomy], table: Mapping[int, int], trusted: bool
) -> list[Finding]:
    """Codes that anatomy contradicts, with the studies whose codes it fits."""
    text = contradiction(anatomy, table)
    if text is None:
        return []
    likely = likely_studies(anatomy, STUDIES)
    fits = f"the anatomy fits the codes of {' or '.join(likely)}" if likely else "no known study fits"
    remedy = (
        f"Name the right codes, e.g. --set codes={likely[0] if likely else '1=oedema,2=enhancing'}, "
        "or the patient in `trusted`, or leave it out"
    )
    severity: Severity = "warning" if trusted else "error"
    return [Finding(severity, "label_anatomy", f"{text}; {fits}", "" if trusted else remedy)]


def _code_findings(
    present: Mapping[int, int], anatomy: Mapping[int, CodeAnatomy], files: PatientFiles
) -> list[Finding]:
    known, layout = files.codes, files.layout
    if unknown := sorted(set(present) - set(known)):
        hints = [f"code {code} may be {_HINTS[code]}" for code in unknown if code in _HINTS]
        shown = f"{unknown[:5]}" + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        text = f"the label holds codes {shown}, which are unknown in {layout}: it has {sorted(known)}"
        if likely := likely_studies(anatomy, STUDIES):
            hints.append(f"the anatomy fits the codes of {' or '.join(likely)}")
        remedy = f"{'; '.join(hints)}. " if hints else ""
        remedy += "Say what the codes mean: --set codes=STUDY, or codes=1=oedema,2=enhancing"
        return [Finding("error", "label_code", text, remedy)]
    if not set(present) - {0}:
        return [Finding("warning", "label_empty", "the label is empty")]
    found = []
    lesion = {code: known[code] for code in sorted(present) if code}
    absent = sorted({known[code] for code in known if known[code]} - set(lesion.values()))
    if absent:
        names = ", no ".join(BRAIN_MRI.label.classes[index] for index in absent)
        found.append(Finding("warning", "class_absent", f"the label holds codes {list(lesion)}: no {names}"))
    if other := [code for code, index in lesion.items() if index != code]:
        meaning = ", ".join(f"{code} is {BRAIN_MRI.label.classes[lesion[code]]}" for code in other)
        text = f"the label holds the codes of {layout}, {list(lesion)}: {meaning}"
        found.append(Finding("warning", "label_year", text))
    for code, note in files.notes.items():
        if code in present:
            found.append(Finding("warning", "label_note", f"code {code} is {note}"))
    return found


def _place_findings(
    lesion: NDArray[np.bool_], brain: NDArray[np.bool_], facts: dict[str, Any]
) -> list[Finding]:
    """What the place of the lesion says."""
    count = int((lesion & ~brain).sum())
    share = count / int(lesion.sum())
    facts["lesion_outside_brain"] = round(share, 6)
    if not count:
        return []
    text = f"{count} lesion voxels ({100 * share:.2g} %) lie where every image is 0"
    if share > FOREIGN_SHARE:
        return [Finding("error", "label_outside", text, "Is it another patient's label?")]
    return [Finding("warning", "label_outside", text)]
