"""The verb `doctor`: reads anyone's folder of patients and says what is odd about it, file by file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.cohorts import comparison
from tf_medsynth.cohorts.patient import Examination, examine
from tf_medsynth.cohorts.proposal import propose
from tf_medsynth.cohorts.report import DoctorReport, Finding, PatientReport
from tf_medsynth.cohorts.survey import PatientFiles, Survey, survey
from tf_medsynth.config.base import check
from tf_medsynth.config.cohorts import CohortSettings, settings_of
from tf_medsynth.runtime import atomic_path, check_writable, log, progress
from tf_medsynth.types import MedSynthError


def doctor(
    folder: str | os.PathLike[str],
    *,
    voxels: bool = True,
    overrides: Mapping[str, Any] | None = None,
    proposal: str | os.PathLike[str] | None = None,
) -> DoctorReport:
    """What is odd in a folder of patients: by patient, and between patients.

    Args:
        folder: any known layout, searched to any depth; only read.
        voxels: read the voxels as well; without them only names and headers are looked at.
        overrides: how to read it, settings of `CohortSettings`, as ``{"layout": "brats2023"}``; a layout may
            be a TOML file, see `config.layout_files.read_layout`.
        proposal: where to write a layout file if the folder holds volumes of no known layout. What is
            there already is not replaced.

    Raises:
        MedSynthError: no such folder, unknown layout or setting.
    """
    check("folder must be a folder", Path(folder).is_dir(), folder=str(folder))
    settings = settings_of(CohortSettings(), overrides or {})
    found = survey(folder, settings)
    reports = {patient.name: PatientReport(patient.name, patient.layout) for patient in found.patients}
    _add_problems(reports, found)
    portraits = [
        _examine(patient, settings, voxels, reports[patient.name])
        for patient in progress(found.patients, label="doctor", unit="patient")
    ]
    together, outliers = comparison.findings(portraits, settings)
    for name, finding in outliers:
        reports[name].findings.append(finding)
    between = [*comparison.folder_findings(found), *together]
    report = DoctorReport(str(folder), sorted(reports.values(), key=lambda r: r.name), between)
    if not found.patients:
        _propose(report, Path(folder), found, Path(proposal) if proposal is not None else None)
    return report


def _add_problems(reports: dict[str, PatientReport], found: Survey) -> None:
    """Layout problems, with a report of its own for a patient that cannot be read."""
    for problem in found.problems:
        report = reports.setdefault(problem.patient, PatientReport(problem.patient, "incomplete"))
        report.findings.append(Finding("error", problem.code, problem.message))


def _examine(
    patient: PatientFiles, settings: CohortSettings, voxels: bool, report: PatientReport
) -> comparison.Portrait:
    """Adds everything about one patient to its report; the portrait is what comparisons need."""
    try:
        seen = examine(patient, settings, voxels)
    except Exception as error:  # the other patients are examined all the same
        log.debug("doctor: %s", patient.name, exc_info=True)
        seen = Examination(patient)
        text = f"the patient could not be examined: unexpected {type(error).__name__}: {error}"
        seen.add("", Finding("error", "unexamined", " ".join(text.split()).rstrip(".")))
    report.findings += seen.findings
    report.facts.update(seen.facts)
    return comparison.Portrait.of(seen)


def _propose(report: DoctorReport, folder: Path, found: Survey, file: Path | None) -> None:
    report.proposal = propose(folder, found.strangers, str(file or "layout.toml"))
    if report.proposal is None or file is None:
        return
    if file.exists():
        text = f"a layout was proposed, but {file} is there already and was kept: see --proposal"
        report.cohort.append(Finding("warning", "proposal", text))
        return
    try:
        check_writable(file.absolute().parent)
        with atomic_path(file) as partial:
            partial.write_text(report.proposal, encoding="utf-8")
    except (OSError, MedSynthError) as error:
        text = f"the proposed layout could not be written to {file}: {str(error).rstrip('.')}"
        report.cohort.append(Finding("warning", "proposal", text))
        return
    report.proposal_file = str(file)
