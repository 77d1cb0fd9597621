"""Which patients a folder holds: every file is given to the layout that explains most of its patient."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tf_medsynth.cohorts.claims import Claim, Row, claim_files, patients_only
from tf_medsynth.cohorts.dataset_json import dataset_layouts
from tf_medsynth.cohorts.files import find_files, is_text, spelt
from tf_medsynth.cohorts.oddities import (
    FEW,
    LayoutProblem,
    Remark,
    closed,
    doubles,
    foreign_labels,
    missing,
    nameless,
    nested,
    other_layouts,
    preferred,
    remarks_on,
    some,
)
from tf_medsynth.config.base import check
from tf_medsynth.config.cohorts import CohortSettings
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.layouts import ANY_LAYOUT, LABEL, LAYOUTS
from tf_medsynth.config.persons import matched, split_group
from tf_medsynth.types import MedSynthError


@dataclasses.dataclass(frozen=True)
class PatientFiles:
    """Where one patient's volumes are, and what their label codes mean.

    Attributes:
        name: as its files or its folder write it; unique in a cohort.
        layout: name of the layout.
        images: one file a modality, all four.
        label: lesion label, None where there is no such file.
        group: the person behind the name: groups, not names, are split.
        codes: label code in the file -> index into the classes of `BRAIN_MRI`.
        channels: of a modality that is one volume of a file with four axes: which.
        whole: the volumes are cropped already.
        notes: codes of which a reader is told where they occur.
        needs: codes of which a cohort must hold one.
    """

    name: str
    layout: str
    images: Mapping[str, Path]
    label: Path | None
    group: str
    codes: Mapping[int, int]
    channels: Mapping[str, int] = dataclasses.field(default_factory=dict)
    whole: bool = False
    notes: Mapping[int, str] = dataclasses.field(default_factory=dict)
    needs: tuple[int, ...] = ()

    @property
    def files(self) -> dict[str, Path]:
        """All files by kind: the modalities, then the label if there is one."""
        images = {str(modality): path for modality, path in self.images.items()}
        return images | ({LABEL: self.label} if self.label else {})


@dataclasses.dataclass(frozen=True)
class Survey:
    """What a folder holds.

    Attributes:
        patients: those with all four modalities, sorted by name.
        problems: doubled, missing or foreign files; a patient with a missing modality is only here.
        strangers: volume files that no layout knows.
        remarks: files that were left out, formats that are not read, twins.
    """

    patients: Sequence[PatientFiles]
    problems: Sequence[LayoutProblem]
    strangers: Sequence[Path]
    remarks: Sequence[Remark]


def find_patients(
    folder: str | os.PathLike[str], settings: CohortSettings | None = None
) -> list[PatientFiles]:
    """The patients of a cohort folder, sorted by name, each with its four modalities.

    Args:
        folder: searched to any depth; links are followed.
        settings: how to read it; by default every published layout.

    Raises:
        MedSynthError: no such folder, no patient, a missing or doubled modality, a label of another
            patient, a name that occurs twice, someone to leave out who is not there.
    """
    found = survey(folder, settings)
    check_sound(found, folder, settings)
    return list(found.patients)


def check_sound(
    found: Survey, folder: str | os.PathLike[str], settings: CohortSettings | None = None
) -> None:
    """Raises the first problem of a folder, or where there is no patient, what was seen instead."""
    if found.problems:
        first, others = found.problems[0], len(found.problems) - 1
        more = f" (and {others} more, which `medsynth doctor` lists)" if others else ""
        raise MedSynthError(f"Patient {first.patient}: {first.message}{more}.")
    layouts = (settings or CohortSettings()).layouts
    wanted = "a known layout" if len(layouts) > 1 else f"layout {layouts[0].name}"
    told = ("other_layout", "unread_format")
    seen = next((r.message for code in told for r in found.remarks if r.code == code), None)
    strangers = (
        f"{len(found.strangers)} volumes fit none, such as {found.strangers[0].name}"
        if found.strangers
        else None
    )
    check(
        f"a cohort folder must hold patients in {wanted}",
        bool(found.patients),
        "Expected names such as NAME_t1.nii.gz, NAME-t1n.nii.gz or VSD.Brain.XX.O.MR_T1.ID.mha; "
        "`medsynth doctor` proposes a layout file for others.",
        folder=str(folder),
        seen=seen or strangers or "nothing",
    )


def survey(folder: str | os.PathLike[str], settings: CohortSettings | None = None) -> Survey:
    """What `folder` holds, and every problem with it; arguments as of `find_patients`."""
    root = Path(folder)
    settings = settings or CohortSettings()
    check("a cohort folder must exist", root.is_dir(), folder=spelt(root))
    check(
        "the path of a cohort folder must be text in UTF-8",
        is_text(root.absolute()),
        "Rename the folder, or reach it by a link with another name.",
        folder=spelt(root.absolute()),
    )
    files = find_files(root)
    rows = [Row(layout) for layout in settings.layouts]
    if settings.layout == ANY_LAYOUT:
        described = dataset_layouts(files.datasets, tested=settings.unlabelled == "split")
        rows = [*(Row(layout, home) for home, layout in described), *rows]
    # Files of a patient of another published layout are not left for the one that was asked for.
    wanted = len(rows)
    if settings.layout in LAYOUTS:
        rows += [Row(row) for row in LAYOUTS.values() if row not in settings.layouts]
    claims, strangers = claim_files(root, files.volumes, rows)
    claims, strangers = patients_only(claims, strangers)
    remarks, problems = remarks_on(files), [closed(path) for path in files.closed]
    problems += [nameless(path) for path in files.nameless]
    remarks += other_layouts([claim for claim in claims if claim.rank >= wanted])
    claims = _settle([claim for claim in claims if claim.rank < wanted], settings, problems, remarks)
    patients: list[PatientFiles] = []
    for claim in claims:
        remarks += preferred(claim)
        twins, doubled = doubles(claim)
        remarks += twins
        problems += doubled or missing(claim)
        if all(modality in claim.files for modality in BRAIN_MRI.modalities):
            patients.append(_patient(claim, settings))
    patients.sort(key=lambda patient: patient.name)
    return Survey(patients, problems, strangers, [*remarks, *nested(claims)])


def _settle(
    claims: list[Claim], settings: CohortSettings, problems: list[LayoutProblem], remarks: list[Remark]
) -> list[Claim]:
    """`claims` without those to leave out and without lone labels, which become `problems`."""
    known = {claim.name.casefold() for claim in claims}
    for key in ("leave_out", "trusted"):
        absent = sorted({name.casefold() for name in getattr(settings, key)} - known)
        rule = f"{key} names patients of the folder"
        check(rule, not absent, "`medsynth doctor` lists the names.", absent=absent[:FEW])
    known |= {claim.person.casefold() for claim in claims}
    aliased = {name.strip().casefold() for alias in settings.aliases for name in alias.split("=")}
    if claims and (absent := sorted(aliased - known)):
        text = f"aliases name patients who are not in the folder: {some(absent)}"
        remarks.append(Remark("alias_unknown", text))
    kept = [claim for claim in claims if not settings.leaves_out(claim.name)]
    pattern = settings.person
    if pattern and (missed := [claim.name for claim in kept if not matched(claim.name, pattern)]):
        check(
            "person finds something in the names", len(missed) < len(kept), person=pattern, names=missed[:FEW]
        )
        text = f"person finds nothing in {len(missed)} names: {some(missed)}"
        remarks.append(Remark("person_unmatched", text))
    problems += foreign_labels(kept)
    return kept


def _patient(claim: Claim, settings: CohortSettings) -> PatientFiles:
    layout = claim.layout
    return PatientFiles(
        claim.name,
        layout.name,
        {modality: claim.files[modality][0] for modality in BRAIN_MRI.modalities},
        claim.files[LABEL][0] if LABEL in claim.files else None,
        _group(claim, settings),
        settings.code_table(layout.codes),
        claim.channels,
        layout.whole,
        {} if settings.codes else layout.notes,
        () if settings.codes else layout.needs,
    )


def _group(claim: Claim, settings: CohortSettings) -> str:
    """The person: what a pattern says, else what the folders say, else what is known of such names."""
    pattern = settings.person or claim.layout.person
    return split_group(claim.name if pattern else claim.person, settings.aliases, pattern)
