"""Which patients a folder holds: every file is given to the layout that explains most of its patient."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import heapq
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tf_medsynth.cohorts.dataset_json import dataset_layouts
from tf_medsynth.cohorts.files import Files, find_files, how_to_convert
from tf_medsynth.config.base import check
from tf_medsynth.config.cohorts import CohortSettings
from tf_medsynth.config.layouts import ANY_LAYOUT, LABEL, LAYOUTS, Layout
from tf_medsynth.config.persons import split_group
from tf_medsynth.imaging.volumes import volume_suffix
from tf_medsynth.types import MODALITIES, MedSynthError, Modality

FEW = 3
"""Names that are shown where many could be."""


@dataclasses.dataclass(frozen=True)
class PatientFiles:
    """Where one patient's volumes are, and what their label codes mean.

    Attributes:
        name: as its files or its folder write it; unique in a cohort.
        layout: name of the layout.
        images: one file a modality, all four.
        label: lesion label, None where there is no such file.
        group: the person behind the name: groups, not names, are split.
        codes: label code in the file -> index into `LESION_CLASSES`.
        channels: of a modality that is one volume of a file with four axes: which.
        whole: the volumes are cropped already.
    """

    name: str
    layout: str
    images: Mapping[Modality, Path]
    label: Path | None
    group: str
    codes: Mapping[int, int]
    channels: Mapping[str, int] = dataclasses.field(default_factory=dict)
    whole: bool = False

    @property
    def files(self) -> dict[str, Path]:
        """All files by kind: the modalities, then the label if there is one."""
        images = {str(modality): path for modality, path in self.images.items()}
        return images | ({LABEL: self.label} if self.label else {})


@dataclasses.dataclass(frozen=True)
class LayoutProblem:
    """One thing wrong with the files of a patient; `message` is a whole sentence without a full stop."""

    patient: str
    code: str
    message: str


@dataclasses.dataclass(frozen=True)
class Remark:
    """One thing about a folder that does no harm; `message` as of `LayoutProblem`."""

    code: str
    message: str


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


@dataclasses.dataclass
class _Claim:
    """Files that a layout takes for one patient's."""

    layout: Layout
    rank: int
    name: str
    files: dict[str, list[Path]] = dataclasses.field(default_factory=dict)
    channels: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def key(self) -> tuple[int, str]:
        """Place of the layout, name in one letter case."""
        return self.rank, self.name.casefold()

    @property
    def order(self) -> tuple[int, int, str]:
        """Claims of more kinds first, then those of more particular layouts."""
        return -len(self.files), *self.key

    def without(self, taken: set[Path]) -> _Claim:
        """This claim without files that another has taken; a file with four axes is taken once."""
        left = {kind: [p for p in paths if p not in taken] for kind, paths in self.files.items()}
        return dataclasses.replace(self, files={kind: paths for kind, paths in left.items() if paths})


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
    if found.problems:
        first, others = found.problems[0], len(found.problems) - 1
        more = f" (and {others} more, which `medsynth doctor` lists)" if others else ""
        raise MedSynthError(f"Patient {first.patient}: {first.message}{more}.")
    check_any(found, folder, settings)
    return list(found.patients)


def check_any(found: Survey, folder: str | os.PathLike[str], settings: CohortSettings | None = None) -> None:
    """Raises where there is no patient, and says what was seen instead."""
    layouts = (settings or CohortSettings()).layouts
    wanted = "a known layout" if len(layouts) > 1 else f"layout {layouts[0].name}"
    seen = next((r.message for r in found.remarks if r.code == "unread_format"), None)
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
    check("a cohort folder must exist", root.is_dir(), folder=str(folder))
    files = find_files(root)
    wanted = settings.layouts
    if settings.layout == ANY_LAYOUT:
        wanted = (*dataset_layouts(files.datasets), *wanted)
    # Files of a patient of another published layout are not left for the one that was asked for.
    others = [row for row in LAYOUTS.values() if settings.layout in LAYOUTS and row not in wanted]
    claims, strangers = _claims(root, files.volumes, (*wanted, *others))
    claims = [claim for claim in claims if claim.layout in wanted]
    claims, strangers = _patients_only(claims, strangers)
    remarks, problems = _remarks(files), [_closed(path) for path in files.closed]
    claims = _settle(claims, settings, problems)
    patients: list[PatientFiles] = []
    for claim in claims:
        twins, doubled = _doubles(claim)
        remarks += twins
        problems += doubled or _missing(claim)
        if all(modality in claim.files for modality in MODALITIES):
            patients.append(_patient(claim, settings))
    patients.sort(key=lambda patient: patient.name)
    return Survey(patients, problems, strangers, remarks)


def _settle(claims: list[_Claim], settings: CohortSettings, problems: list[LayoutProblem]) -> list[_Claim]:
    """`claims` without those to leave out and without lone labels, which become `problems`."""
    wanted = {name.casefold() for name in settings.leave_out}
    absent = wanted - {claim.name.casefold() for claim in claims}
    check(
        "leave_out names patients of the folder",
        not absent,
        "`medsynth doctor` lists the names.",
        absent=sorted(absent)[:FEW],
    )
    kept = [claim for claim in claims if claim.name.casefold() not in wanted]
    problems += _foreign_labels(kept)
    return kept


def _claims(
    root: Path, volumes: Iterable[Path], layouts: Sequence[Layout]
) -> tuple[list[_Claim], list[Path]]:
    """One claim a patient, and the volumes that are nobody's."""
    rivals: dict[tuple[int, str], _Claim] = {}
    known: set[Path] = set()
    top = root.resolve().name
    for path in volumes:
        for rank, layout in enumerate(layouts):
            for name, kind, channel in _matches(path, root, top, layout):
                known.add(path)
                claim = rivals.setdefault((rank, name.casefold()), _Claim(layout, rank, name))
                claim.files.setdefault(kind, []).append(path)
                if channel is not None:
                    claim.channels[kind] = channel
    return _best(rivals.values()), [path for path in volumes if path not in known]


def _best(rivals: Iterable[_Claim]) -> list[_Claim]:
    """Claims that share no file, those of most kinds taken first."""
    heap = [(claim.order, claim) for claim in rivals]
    heapq.heapify(heap)
    taken: set[Path] = set()
    chosen = []
    while heap:
        order, claim = heapq.heappop(heap)
        left = claim.without(taken)
        if not left.files:
            continue
        if left.order != order:  # others took some of its files: it has to wait its new turn
            heapq.heappush(heap, (left.order, left))
            continue
        chosen.append(left)
        taken.update(path for paths in left.files.values() for path in paths)
    return sorted(chosen, key=lambda claim: claim.key)


def _patients_only(claims: list[_Claim], strangers: list[Path]) -> tuple[list[_Claim], list[Path]]:
    """Claims of at least two modalities, or of a label alone; a single image is a stranger."""
    single = [c for c in claims if len(set(c.files) - {LABEL}) == 1]
    alone = [path for claim in single for paths in claim.files.values() for path in paths]
    return [claim for claim in claims if claim not in single], sorted({*strangers, *alone})


def _matches(path: Path, root: Path, top: str, layout: Layout) -> Iterable[tuple[str, str, int | None]]:
    """Patient, kind and channel of a file in a layout; several where a file has four axes."""
    relative = path.relative_to(root)
    folders = (top, *relative.parts[:-1])
    stem = path.name[: -len(volume_suffix(path) or "")]
    # BRATS2015 gives every volume a folder of its own name inside the patient's
    if len(folders) > 1 and folders[-1].casefold() in (stem.casefold(), path.name.casefold()):
        folders = folders[:-1]
    text = "/".join((*folders, stem))
    done: set[tuple[str, str]] = set()
    for template in layout.templates:
        name = template.patient(text)
        if name is None or (template.kind, name) in done or not layout.fits(name):
            continue
        done.add((template.kind, name))
        same = folders[-1].casefold() == name.casefold()
        yield (folders[-1] if same else name), template.kind, template.channel


def _patient(claim: _Claim, settings: CohortSettings) -> PatientFiles:
    layout = claim.layout
    return PatientFiles(
        claim.name,
        layout.name,
        {modality: claim.files[modality][0] for modality in MODALITIES},
        claim.files[LABEL][0] if LABEL in claim.files else None,
        split_group(claim.name, settings.aliases, settings.person or layout.person),
        settings.code_table(layout.codes),
        claim.channels,
        layout.whole,
    )


def _foreign_labels(claims: list[_Claim]) -> list[LayoutProblem]:
    """Labels that lie alone beside images without one, or beside one patient; taken out of `claims`."""
    homes: dict[Path, list[_Claim]] = {}
    for claim in claims:
        for folder in {path.parent for paths in claim.files.values() for path in paths}:
            homes.setdefault(folder, []).append(claim)
    problems = []
    for label in [claim for claim in claims if set(claim.files) == {LABEL}]:
        path = label.files[LABEL][0]
        beside = [claim for claim in homes[path.parent] if set(claim.files) != {LABEL}]
        unlabelled = [claim for claim in beside if LABEL not in claim.files]
        if unlabelled or len(beside) == 1:
            owner = (unlabelled or beside)[0]
            text = f"its folder holds the label of another patient, {path.name}"
            problems.append(LayoutProblem(owner.name, "foreign_label", text))
            claims.remove(label)
    return problems


def _missing(claim: _Claim) -> list[LayoutProblem]:
    missing = [modality for modality in MODALITIES if modality not in claim.files]
    if not missing:
        return []
    home = next(iter(claim.files.values()))[0].parent
    text = f"modality {', '.join(missing)} is missing in {home}"
    return [LayoutProblem(claim.name, "missing_modality", text)]


def _doubles(claim: _Claim) -> tuple[list[Remark], list[LayoutProblem]]:
    """Remarks on equal twins, of which one is kept, and problems where files really are doubled."""
    remarks: list[Remark] = []
    doubled = {}
    for kind, paths in claim.files.items():
        kept = _without_twins(paths)
        if len(kept) == 1 and len(paths) > 1:
            others = ", ".join(path.name for path in paths if path != kept[0])
            remarks.append(Remark("twin", f"{claim.name}: {others} holds the same as {kept[0].name}"))
        claim.files[kind] = kept
        if len(kept) > 1:
            doubled[kind] = kept
    if not doubled:
        return remarks, []
    homes = sorted({path.parent for paths in doubled.values() for path in paths})
    if len(homes) > 1 and all(len({p.parent for p in paths}) == len(paths) for paths in doubled.values()):
        text = "the name occurs twice, in " + " and ".join(map(str, homes[:2]))
        return remarks, [LayoutProblem(claim.name, "name_twice", text)]
    return remarks, [
        LayoutProblem(
            claim.name,
            "doubled",
            f"there are {len(paths)} files of {kind}, {' and '.join(path.name for path in paths)}",
        )
        for kind, paths in doubled.items()
    ]


def _without_twins(paths: list[Path]) -> list[Path]:
    """`paths` without a file whose content another of the same stem and folder holds compressed."""
    if len(paths) < 2:
        return paths
    packed = {path.with_suffix("").resolve(): path for path in paths if path.suffix.lower() == ".gz"}
    return [path for path in paths if not _is_twin(path, packed.get(path.resolve()))]


def _is_twin(path: Path, packed: Path | None) -> bool:
    if packed is None or packed == path:
        return False
    try:
        with gzip.open(packed) as file:
            unpacked = hashlib.file_digest(file, "sha256").digest()
        with path.open("rb") as plain:
            return unpacked == hashlib.file_digest(plain, "sha256").digest()
    except (OSError, EOFError):
        return False


def _remarks(files: Files) -> list[Remark]:
    remarks = []
    if files.left_out:
        text = f"{len(files.left_out)} files or folders were left out by their names: {some(files.left_out)}"
        remarks.append(Remark("left_out", text))
    for kind, paths in sorted(files.foreign.items()):
        text = f"not read: {kind}, {len(paths)} files, such as {some(paths)}. To convert: "
        remarks.append(Remark("unread_format", text + how_to_convert(kind)))
    return remarks


def _closed(folder: Path) -> LayoutProblem:
    return LayoutProblem(
        folder.name, "unreadable_folder", f"the folder {folder} may not be read: give yourself the right to"
    )


def some(paths: Sequence[Path | str]) -> str:
    """A few of many names, and how many more there are."""
    names = ", ".join(path if isinstance(path, str) else path.name for path in paths[:FEW])
    return names + (f" and {len(paths) - FEW} more" if len(paths) > FEW else "")
