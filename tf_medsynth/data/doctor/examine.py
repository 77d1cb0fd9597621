"""Goes through a folder, one patient in memory at a time, and collects what is odd."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.config.layouts import ANY_LAYOUT, LABEL, LAYOUTS, PatientFiles, Survey, survey
from tf_medsynth.data.doctor import cohort, images, labels
from tf_medsynth.data.doctor.report import DoctorReport, Finding, PatientReport
from tf_medsynth.imaging.volumes import Header, read_header, read_volume, volume_suffix
from tf_medsynth.runtime import progress
from tf_medsynth.types import MODALITIES, MedSynthError


def doctor(
    folder: str | os.PathLike[str],
    *,
    voxels: bool = True,
    layout: str = ANY_LAYOUT,
    aliases: Sequence[str] = (),
) -> DoctorReport:
    """What is odd in a folder of patients: by patient, and between patients.

    Args:
        folder: any published layout, searched to any depth; only read.
        voxels: read the voxels as well; without them only names and headers are looked at.
        layout: look for one layout only.
        aliases: ``"A=B"``: two names of one person, who then are no suspected doubles.

    Raises:
        MedSynthError: no such folder, unknown layout.
    """
    check("folder must be a folder", Path(folder).is_dir(), folder=str(folder))
    found = survey(folder, layout, aliases)
    reports = {patient.name: PatientReport(patient.name, patient.layout) for patient in found.patients}
    _add_problems(reports, found)
    portraits: dict[str, cohort.Portrait] = {}
    for patient in progress(found.patients, label="doctor", unit="patient"):
        portrait = _examine(patient, reports[patient.name], voxels)
        if portrait is not None:
            portraits[patient.name] = portrait
    ordered = sorted(reports.values(), key=lambda report: report.name)
    between = [*cohort.folder_findings(found, ordered), *cohort.findings(ordered, found.patients, portraits)]
    return DoctorReport(str(folder), ordered, between)


def _add_problems(reports: dict[str, PatientReport], found: Survey) -> None:
    """Layout problems, with a report of its own for a patient that cannot be read."""
    for problem in found.problems:
        report = reports.setdefault(problem.patient, PatientReport(problem.patient, "incomplete"))
        report.findings.append(Finding("error", problem.code, problem.message))


def _examine(patient: PatientFiles, report: PatientReport, voxels: bool) -> cohort.Portrait | None:
    """Adds everything about one patient to its report; the portrait is what comparisons need."""
    _check_names(patient, report)
    headers = _headers(patient, report)
    if "T1" not in headers:
        return None
    grid = headers["T1"]
    report.facts["shape"], report.facts["spacing"] = list(grid.shape), list(grid.spacing)
    if not voxels:
        report.findings += images.header_findings(headers)
        report.findings += labels.header_findings(headers)
        return None
    arrays = _arrays(patient, headers, report)
    label = arrays.pop(LABEL, None)
    report.findings += images.findings(headers, arrays, report.facts)
    if label is not None:
        report.findings += labels.findings(headers, label, arrays, patient.layout, report.facts)
    whole = {m: a for m, a in arrays.items() if a.shape == grid.shape and np.isfinite(a.max())}
    return cohort.portrait(whole) if len(whole) == len(MODALITIES) else None


def _check_names(patient: PatientFiles, report: PatientReport) -> None:
    if patient.label is None:
        report.findings.append(Finding("error", "missing_label", "there is no lesion label"))
    layout = LAYOUTS[patient.layout]
    files = {**{str(m): path for m, path in patient.images.items()}, LABEL: patient.label}
    for kind, path in files.items():
        stem = path.name[: -len(volume_suffix(path) or "")] if path else None
        if stem and not re.fullmatch(layout.files[kind].pattern, stem):
            text = f"{path.name if path else ''} is not in the letter case of the release ({patient.layout})"
            report.findings.append(Finding("warning", "letter_case", text))


def _headers(patient: PatientFiles, report: PatientReport) -> dict[str, Header]:
    """Headers of the files that can be read, T1 first; the rest become findings."""
    files: dict[str, Path] = {str(modality): path for modality, path in patient.images.items()}
    headers = {}
    for kind, path in (files | ({LABEL: patient.label} if patient.label else {})).items():
        try:
            headers[kind] = read_header(path)
        except MedSynthError as error:
            report.findings.append(Finding("error", "unreadable", _bare(error)))
    return headers


def _arrays(
    patient: PatientFiles, headers: dict[str, Header], report: PatientReport
) -> dict[str, NDArray[Any]]:
    arrays = {}
    for kind in headers:
        path = patient.label if kind == LABEL else patient.images[kind]  # type: ignore[index]
        try:
            arrays[kind] = read_volume(path).array  # type: ignore[arg-type]
        except MedSynthError as error:
            report.findings.append(Finding("error", "unreadable", _bare(error)))
    return arrays


def _bare(error: MedSynthError) -> str:
    return str(error).rstrip(".")
