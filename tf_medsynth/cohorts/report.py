"""What the doctor found: findings by patient and between patients, as a table and as plain values."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterable
from typing import Any, Literal

Severity = Literal["warning", "error"]

CLEAN, WARNINGS, UNUSABLE = 0, 1, 2
"""Exit statuses."""

SHOWN = 3
"""Patients of whom the same is told one by one; `medsynth doctor` tells of all."""

_WIDTH = 110


@dataclasses.dataclass(frozen=True)
class Finding:
    """One odd thing.

    Attributes:
        severity: ``"error"`` where `prepare` would refuse the patient, else ``"warning"``.
        code: a word to search and filter by, e.g. ``label_dtype``.
        message: what was found, with numbers; on one line, without a full stop.
        remedy: what to do about it; as `message`.
        file: name of the file concerned, where it is one.
    """

    severity: Severity
    code: str
    message: str
    remedy: str = ""
    file: str = ""

    @property
    def text(self) -> str:
        """File, message and remedy on one line, without a full stop."""
        named = self.message if not self.file or self.file in self.message else f"{self.file}: {self.message}"
        return f"{named}. {self.remedy}" if self.remedy else named


@dataclasses.dataclass
class PatientReport:
    """What was found in one patient.

    Attributes:
        name: of the patient.
        layout: key of `LAYOUTS`.
        findings: in the order in which things are checked.
        facts: what was measured whether odd or not: shape, spacing, intensities by modality, label
            codes and type, shifts between modalities. Plain values.
    """

    name: str
    layout: str
    findings: list[Finding] = dataclasses.field(default_factory=list)
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether `prepare` would take the patient."""
        return all(finding.severity != "error" for finding in self.findings)


@dataclasses.dataclass
class DoctorReport:
    """What was found in a folder.

    Attributes:
        folder: as it was given.
        patients: by name.
        cohort: findings that concern the folder, or several patients.
        proposal: text of a layout file, where the folder holds volumes of no known layout.
        proposal_file: where that text was written.
    """

    folder: str
    patients: list[PatientReport]
    cohort: list[Finding]
    proposal: str | None = None
    proposal_file: str | None = None

    @property
    def usable(self) -> list[str]:
        """Names of the patients that `prepare` would take."""
        return [patient.name for patient in self.patients if patient.usable]

    @property
    def exit_status(self) -> int:
        """0 clean, 1 warnings only, 2 something `prepare` would refuse."""
        findings = [*self.cohort, *(f for patient in self.patients for f in patient.findings)]
        if any(finding.severity == "error" for finding in findings):
            return UNUSABLE
        return WARNINGS if findings else CLEAN

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for ``--json``."""
        return {
            "folder": self.folder,
            "exit_status": self.exit_status,
            "usable": self.usable,
            "cohort": [dataclasses.asdict(finding) for finding in self.cohort],
            "patients": [{"usable": p.usable, **dataclasses.asdict(p)} for p in self.patients],
            "proposal": self.proposal,
            "proposal_file": self.proposal_file,
        }

    def render(self) -> str:
        """A table for a reader: one block a patient, then what concerns several, then the verdict."""
        width = max([len(patient.name) for patient in self.patients] + [8])
        lines = []
        for patient in self.patients:
            verdict = "unusable" if not patient.usable else "odd" if patient.findings else "clean"
            lines.append(f"{patient.name:<{width}}  {patient.layout:<9}  {verdict}")
            lines += [_line(finding) for finding in patient.findings]
        if self.cohort:
            lines += ["", "Between patients"]
            lines += [_line(finding) for finding in self.cohort]
        if self.proposal is not None:
            place = f", written to {self.proposal_file}" if self.proposal_file else ""
            lines += ["", f"A layout file for this folder, to be read and mended{place}:", "", self.proposal]
        return "\n".join([*lines, "", self._verdict()])

    def _verdict(self) -> str:
        odd = sum(1 for patient in self.patients if patient.usable and patient.findings)
        status = {CLEAN: "clean", WARNINGS: "usable, with warnings", UNUSABLE: "unusable as it is"}
        return (
            f"{len(self.patients)} patients, {len(self.usable)} usable, {odd} of these with warnings: "
            f"{self.folder} is {status[self.exit_status]} (exit status {self.exit_status})"
        )


def summary(findings: Iterable[tuple[str, Finding]]) -> list[str]:
    """A line for each thing found, and one for many of a kind: how many patients, and an example."""
    kinds: dict[str, list[tuple[str, Finding]]] = {}
    for name, finding in findings:
        kinds.setdefault(finding.code, []).append((name, finding))
    lines = []
    for code, found in kinds.items():
        names = {name for name, _ in found}
        told = found if len(names) <= SHOWN else found[:1]
        head = "" if told is found else f"{len(names)} patients: {code}, e.g. "
        lines += [f"{head}{name}: {finding.text}" for name, finding in told]
    return lines


def _line(finding: Finding) -> str:
    head = f"    {finding.severity:<7} {finding.code}: "
    return textwrap.fill(
        head + finding.text,
        _WIDTH,
        subsequent_indent=" " * 12,
        break_long_words=False,
        break_on_hyphens=False,
    )
