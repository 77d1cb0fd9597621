"""Certificates and studies on disk, as the cards and the report show them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tf_medsynth.config.base import check
from tf_medsynth.config.bounds import CERTIFICATES, ReportConfig
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.records import CERTIFICATE_SCHEMAS
from tf_medsynth.config.studies import study_rows
from tf_medsynth.config.study_records import StudyRecord
from tf_medsynth.reports import tables
from tf_medsynth.reports.evidence import certificate_evidence, study_evidence
from tf_medsynth.reports.report_data import Evidence
from tf_medsynth.runtime import of_file, read_record

FOLDER = "certificates"
STUDY = "study.json"
_AGAIN = "Run the study again."
_SAID = {True: "held", False: "DID NOT HOLD", None: "undecided"}


def certificates(*folders: Path, bounds: ReportConfig | None = None) -> list[Evidence]:
    """What stands in ``FOLDER/certificates/KIND.json``, in the order of `CERTIFICATES`.

    Where several folders hold one kind, that of the first is taken: give a generated set before its run.

    Args:
        folders: sets and runs.
        bounds: what numbers are held against where a certificate gives no verdict.

    Raises:
        MedSynthError: a damaged file, one of other types, or one of a kind that nobody audits.
    """
    files: dict[str, Path] = {}
    for folder in folders:
        for file in sorted((folder / FOLDER).glob("*.json")):
            known = f"Certificates are {', '.join(CERTIFICATES)}: remove the file, or keep it elsewhere."
            check("a certificate is of a known kind", file.stem in CERTIFICATES, known, file=str(file))
            files.setdefault(file.stem, file)
    found = []
    for kind in (kind for kind in CERTIFICATES if kind in files):
        held = _certificate(files[kind], kind)
        found.append(certificate_evidence(held, _hashes(files[kind]), bounds))
    return found


def _certificate(file: Path, kind: str) -> dict[str, Any]:
    remedy = "Remove it, and audit again."
    held = read_record(file, CERTIFICATE_SCHEMAS[kind], remedy)
    with of_file(file, remedy):
        check(
            "a certificate is of the kind that its file is named by", held["kind"] == kind, kind=held["kind"]
        )
    return dict(held)


def missing_kinds(found: Iterable[Evidence], domain: Domain) -> list[str]:
    """Kinds that no certificate in `found` is of, of those that data of `domain` can have."""
    there = {evidence.title.lower() for evidence in found}
    return [kind for kind in kinds_of(domain) if kind not in there]


def kinds_of(domain: Domain) -> tuple[str, ...]:
    """Certificates that data of `domain` can have: one modality has nothing to register."""
    return tuple(kind for kind in CERTIFICATES if kind != "registration" or domain.num_modalities > 1)


def certificates_of(run: Path | str | None) -> str:
    """Certificates of a run as Markdown for a card; nothing where there are none, or no run."""
    found = certificates(Path(run)) if run is not None else []
    return "\n\n".join(map(as_markdown, found))


def as_markdown(evidence: Evidence) -> str:
    """A certificate under its title: verdicts first, then numbers, then what makes it again."""
    lines = [f"### {evidence.title}", evidence.summary]
    said = [
        f"- **{_SAID[f.held]}**: {f.claim}: {f.measured}" + (f" (wanted {f.wanted})" if f.wanted else "")
        for f in evidence.findings
    ]
    lines += ["\n".join(said)] if said else []
    lines += [tables.as_markdown(table).replace("### ", "#### ", 1) for table in evidence.tables]
    if evidence.origin is not None:
        hashes = ", ".join(f"{name} `{value}`" for name, value in evidence.origin.hashes.items())
        lines.append(f"`{evidence.origin.command}`; {hashes}")
    return "\n\n".join(filter(None, lines))


def studies(folders: Iterable[Path]) -> list[Evidence]:
    """What the studies in `folders` found.

    Raises:
        MedSynthError: a folder without a finished study, a record of other types, or one without rows.
    """
    found = []
    for folder in folders:
        file = folder / STUDY
        check("--study is the folder of a finished study", file.is_file(), "Run it first.", study=str(folder))
        held = read_record(file, StudyRecord, _AGAIN)
        with of_file(file, _AGAIN):
            study_rows(held["study"])
            check("a finished study has rows", bool(held["rows"]), rows=held["rows"])
        found.append(study_evidence(held, {"study": held["fingerprint"], **_hashes(file)}))
    return found


def _hashes(file: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:16]}
