"""The published folder layouts of BraTS, as data: file names, label codes, patients and splits.

A layout is a row of `LAYOUTS`. `find_patients` reads a folder in any of them, in any letter case and
at any depth (``HGG/``, ``LGG/``); `survey` does the same but collects what is wrong instead of raising.

Label codes of every year map to one class list, `LESION_CLASSES`:

====  ==================  =====================================  ==============
code  2015                2017 to 2021                           2023
====  ==================  =====================================  ==============
1     necrosis            necrosis (with the non-enhancing core) as 2017
2     oedema              oedema                                 oedema
3     non-enhancing core  (not used)                             **enhancing**
4     enhancing           enhancing                              (not used)
====  ==================  =====================================  ==============
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tf_medsynth.config.base import check
from tf_medsynth.types import MODALITIES, MedSynthError, Modality

ANY_LAYOUT = "any"
LABEL = "label"

_ENDING = re.compile(r"\.(nii\.gz|nii|mha|mhd)$", re.IGNORECASE)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Layout:
    """One published way to name a patient's files.

    Attributes:
        name: key in `LAYOUTS`.
        files: for each modality, and for ``"label"``, the pattern of a file's name without ending.
            A group ``patient`` is the patient's name; without one the folder names the patient.
        patients: pattern of the patients' names of that year.
        codes: label code in the file -> index into `LESION_CLASSES`.
        remark: what a reader of these labels should know.
    """

    name: str
    files: Mapping[str, re.Pattern[str]]
    patients: re.Pattern[str]
    codes: Mapping[int, int]
    remark: str = ""


def _vsd(modality: str) -> re.Pattern[str]:
    return _pattern(rf"VSD\.Brain\..*\.MR_{modality}(\.\d+)?")


def _suffixed(separator: str, **suffixes: str) -> dict[str, re.Pattern[str]]:
    return {kind: _pattern(rf"(?P<patient>.+){separator}{end}") for kind, end in suffixes.items()}


_FILES_2015 = {modality: _vsd(modality) for modality in MODALITIES} | {
    LABEL: _pattern(r"VSD\.Brain(_\d+more\b.*|\..*\.OT(\.\d+)?)")
}
_FILES_2017 = _suffixed("_", T1="t1", T2="t2", T1c="t1ce", Flair="flair", label="seg")
# One label of the 2020 release kept its annotator's name for it: W39_1998.09.19_Segm.nii
_FILES_2020 = _FILES_2017 | {LABEL: _pattern(r"(?P<patient>.+)_seg|W\d+_[\d.]+_Segm")}
_FILES_2023 = _suffixed("-", T1="t1n", T2="t2w", T1c="t1c", Flair="t2f", label="seg")

_CODES_2015 = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4}
_CODES_2017 = {0: 0, 1: 1, 2: 2, 4: 4}
_CODES_2023 = {0: 0, 1: 1, 2: 2, 3: 4}
_MERGED_CORE = "code 1 joins necrosis and the non-enhancing core; both are read as necrosis"

LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("brats2015", _FILES_2015, _pattern(r".*"), _CODES_2015),
        Layout("brats2017", _FILES_2017, _pattern(r"Brats17_.*"), _CODES_2017, _MERGED_CORE),
        Layout("brats2018", _FILES_2017, _pattern(r"Brats18_.*"), _CODES_2017, _MERGED_CORE),
        Layout("brats2019", _FILES_2017, _pattern(r"BraTS19_.*"), _CODES_2017, _MERGED_CORE),
        Layout("brats2020", _FILES_2020, _pattern(r"BraTS20_.*"), _CODES_2017, _MERGED_CORE),
        # What `generate` writes as volumes: the names of 2017 with the codes of 2015.
        Layout("medsynth", _FILES_2017, _pattern(r"medsynth_.*"), _CODES_2015),
        # Also whatever else carries these suffixes: 2021 is the last year that used them.
        Layout("brats2021", _FILES_2017, _pattern(r".*"), _CODES_2017, _MERGED_CORE),
        Layout(
            "brats2023",
            _FILES_2023,
            _pattern(r".*"),
            _CODES_2023,
            f"code 3 is enhancing tumour (code 4 until 2021); {_MERGED_CORE}",
        ),
    )
}
"""Published layouts by name, most particular first among those that share file names."""


@dataclasses.dataclass(frozen=True)
class PatientFiles:
    """Where one patient's volumes are.

    Attributes:
        name: as its files or its folder write it; unique in a cohort.
        layout: key of `LAYOUTS`.
        images: one file a modality, all four.
        label: lesion label, None where there is no such file.
        group: the person behind the name: groups, not names, are split.
    """

    name: str
    layout: str
    images: Mapping[Modality, Path]
    label: Path | None
    group: str


@dataclasses.dataclass(frozen=True)
class LayoutProblem:
    """One thing wrong with the files of a patient; `message` is a whole sentence without a full stop."""

    patient: str
    code: str
    message: str


@dataclasses.dataclass(frozen=True)
class Survey:
    """What a folder holds.

    Attributes:
        patients: those with all four modalities, sorted by name.
        problems: doubled, missing or foreign files; a patient with a missing modality is only here.
        strangers: volume files that no layout knows.
    """

    patients: Sequence[PatientFiles]
    problems: Sequence[LayoutProblem]
    strangers: Sequence[Path]


@dataclasses.dataclass
class _Found:
    """Files of one patient in one folder, while they are collected."""

    name: str
    layout: Layout
    folder: Path
    files: dict[str, list[Path]] = dataclasses.field(default_factory=dict)


def find_patients(
    folder: str | os.PathLike[str], layout: str = ANY_LAYOUT, aliases: Sequence[str] | None = None
) -> list[PatientFiles]:
    """The patients of a cohort folder, sorted by name, each with its four modalities.

    Args:
        folder: searched to any depth; links are followed.
        layout: key of `LAYOUTS`, or ``"any"``.
        aliases: ``"A=B"``: two names of one person, who is then split as one.

    Raises:
        MedSynthError: no such folder, no patient, a missing or doubled modality, a label of another
            patient, a name that occurs twice.
    """
    found = survey(folder, layout, aliases)
    if found.problems:
        first, others = found.problems[0], len(found.problems) - 1
        more = f" (and {others} more, which `medsynth doctor` lists)" if others else ""
        raise MedSynthError(f"Patient {first.patient}: {first.message}{more}.")
    wanted = "a published BraTS layout" if layout == ANY_LAYOUT else f"layout {layout}"
    check(
        f"a cohort folder must hold patients in {wanted}",
        bool(found.patients),
        "Expected names such as NAME_t1.nii.gz, NAME-t1n.nii.gz or VSD.Brain.XX.O.MR_T1.ID.mha.",
        folder=str(folder),
    )
    return list(found.patients)


def survey(
    folder: str | os.PathLike[str], layout: str = ANY_LAYOUT, aliases: Sequence[str] | None = None
) -> Survey:
    """What `folder` holds, and every problem with it; arguments as of `find_patients`."""
    root = Path(folder)
    check(
        "unknown layout",
        layout == ANY_LAYOUT or layout in LAYOUTS,
        f"Known: {', '.join(LAYOUTS)}.",
        layout=layout,
    )
    check("a cohort folder must exist", root.is_dir(), folder=str(folder))
    _alias_groups(aliases or ())
    collected, strangers = _collect(root)
    wanted = [found for found in collected if layout in (ANY_LAYOUT, found.layout.name)]
    problems = _foreign_labels(wanted)
    patients: dict[str, PatientFiles] = {}
    for found in wanted:
        problems += _file_problems(found)
        if any(modality not in found.files for modality in MODALITIES):
            continue
        if found.name.casefold() in patients:
            text = (
                f"the name occurs twice, in {found.folder} and {_folder_of(patients[found.name.casefold()])}"
            )
            problems.append(LayoutProblem(found.name, "name_twice", text))
            continue
        patients[found.name.casefold()] = PatientFiles(
            found.name,
            found.layout.name,
            {modality: found.files[modality][0] for modality in MODALITIES},
            found.files[LABEL][0] if LABEL in found.files else None,
            split_group(found.name, aliases),
        )
    return Survey(sorted(patients.values(), key=lambda p: p.name), problems, strangers)


def split_group(patient: str, aliases: Sequence[str] | None = None) -> str:
    """The person behind a patient's name: all names of a group land in the same split.

    Names that differ in year and time point only are one person (``Brats17_CBICA_AXN_1`` and
    ``Brats18_CBICA_AXN_1``, ``BraTS-GLI-00000-000`` and ``-001``, ``brats_tcia_pat105_0001`` and
    ``Brats17_TCIA_105_1``). Renumbered years (2020, 2021) are not known here: declare those in `aliases`.
    """
    person = _person(patient)
    return next((min(group) for group in _alias_groups(aliases or ()) if person in group), person)


def split_of(
    patient: str,
    seed: int,
    test_fraction: float,
    validation_fraction: float = 0.0,
    aliases: Sequence[str] | None = None,
    test_fold: int = 0,
) -> str:
    """``"train"``, ``"validation"`` or ``"test"``, by a hash of (seed, person).

    Depends on nothing but its arguments, so adding patients moves none; and a larger
    `validation_fraction` takes from ``"train"`` only. No person is tested on in two folds.
    """
    digest = hashlib.sha256(f"{seed}:{split_group(patient, aliases)}".encode()).digest()
    place = (int.from_bytes(digest[:8], "big") / 2**64 - test_fold * test_fraction) % 1.0
    if place < test_fraction:
        return "test"
    return "validation" if place < test_fraction + validation_fraction else "train"


_PERSONS = (
    _pattern(r"brats1[789]_(?P<source>2013|[a-z]+)\d*_(?P<number>[a-z0-9]+)_\d+"),
    _pattern(r"brats_(?P<source>2013|tcia)_pat(?P<number>\d+)_\d+"),
    _pattern(r"brats-(?P<source>[a-z]+)-(?P<number>\d+)-\d+"),
)


def _person(patient: str) -> str:
    for pattern in _PERSONS:
        if match := pattern.fullmatch(patient):
            return f"{match['source']}_{match['number'].lstrip('0') or '0'}".lower()
    return patient.lower()


def _alias_groups(aliases: Sequence[str]) -> list[set[str]]:
    groups: list[set[str]] = []
    for alias in aliases:
        names = alias.split("=")
        check(
            "an alias names one person twice",
            len(names) == 2 and all(name.strip() for name in names),
            "Example: BraTS20_Training_001=Brats17_CBICA_AAB_1",
            alias=alias,
        )
        merged = {_person(name.strip()) for name in names}
        apart = [group for group in groups if not group & merged]
        groups = [*apart, merged.union(*(group for group in groups if group & merged))]
    return groups


def _collect(root: Path) -> tuple[list[_Found], list[Path]]:
    found: dict[tuple[str, str, Path], _Found] = {}
    strangers = []
    for path in _files(root, ()):
        stem = _ENDING.sub("", path.name)
        # BRATS2015 gives every volume a folder of its own name inside the patient's
        own = path.parent.name.casefold() in (stem.casefold(), path.name.casefold())
        folder = path.parent.parent if own and path.parent != root else path.parent
        match = _match(stem, folder.name)
        if match is None:
            strangers.append(path)
            continue
        layout, kind, name = match
        name = folder.name if folder.name.casefold() == name.casefold() else name
        key = (layout.name, name.casefold(), folder)
        found.setdefault(key, _Found(name, layout, folder)).files.setdefault(kind, []).append(path)
    return [found[key] for key in sorted(found)], strangers


def _files(folder: Path, above: tuple[str, ...]) -> Iterator[Path]:
    """Volume files below `folder` in sorted order; a link to a folder above is not entered again."""
    real = os.path.realpath(folder)
    if real in above:
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path, (*above, real))
        elif _ENDING.search(path.name):
            yield path


def _match(stem: str, folder: str) -> tuple[Layout, str, str] | None:
    """Layout, kind and patient of a file name."""
    for layout in LAYOUTS.values():
        for kind, pattern in layout.files.items():
            if match := pattern.fullmatch(stem):
                patient = match.groupdict().get("patient") or folder
                if layout.patients.fullmatch(patient):
                    return layout, kind, patient
    return None


def _foreign_labels(collected: list[_Found]) -> list[LayoutProblem]:
    """Labels that lie alone beside images without one, or beside one patient; taken out of `collected`."""
    problems = []
    for label in [found for found in collected if set(found.files) == {LABEL}]:
        beside = [f for f in collected if f.folder == label.folder and set(f.files) != {LABEL}]
        unlabelled = [found for found in beside if LABEL not in found.files]
        if unlabelled or len(beside) == 1:
            owner = (unlabelled or beside)[0]
            text = f"its folder holds the label of another patient, {label.files[LABEL][0].name}"
            problems.append(LayoutProblem(owner.name, "foreign_label", text))
            collected.remove(label)
    return problems


def _file_problems(found: _Found) -> list[LayoutProblem]:
    problems = []
    for kind, paths in found.files.items():
        if len(paths) > 1:
            names = " and ".join(path.name for path in paths)
            problems.append(
                LayoutProblem(found.name, "doubled", f"there are {len(paths)} files of {kind}, {names}")
            )
    missing = [modality for modality in MODALITIES if modality not in found.files]
    if missing:
        text = f"modality {', '.join(missing)} is missing in {found.folder}"
        problems.append(LayoutProblem(found.name, "missing_modality", text))
    return problems


def _folder_of(patient: PatientFiles) -> Path:
    return patient.images["T1"].parent
