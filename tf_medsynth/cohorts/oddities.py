"""What can be wrong or odd about the files of a folder, before any of them is opened."""

from __future__ import annotations

import collections
import dataclasses
import gzip
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from tf_medsynth.cohorts.claims import Claim
from tf_medsynth.cohorts.files import Files, how_to_convert, spelt
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.layouts import LABEL

FEW = 3
"""Names that are shown where many could be."""

MANY_VISITS = 8
"""More patients than this in a folder, on average, are no visits of one person."""

_CHUNK = 1 << 20


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


def foreign_labels(claims: list[Claim]) -> list[LayoutProblem]:
    """Labels that lie alone beside images without one, or beside one patient; taken out of `claims`."""
    homes: dict[Path, list[Claim]] = {}
    labels = [claim for claim in claims if set(claim.files) == {LABEL}]
    for claim in claims if labels else ():
        if set(claim.files) != {LABEL}:
            for folder in {path.parent for paths in claim.files.values() for path in paths}:
                homes.setdefault(folder, []).append(claim)
    problems = []
    for label in labels:
        path = label.files[LABEL][0]
        beside = homes.get(path.parent, [])
        unlabelled = [claim for claim in beside if LABEL not in claim.files]
        if unlabelled or len(beside) == 1:
            owner = (unlabelled or beside)[0]
            text = f"its folder holds the label of another patient, {path.name}"
            problems.append(LayoutProblem(owner.name, "foreign_label", text))
            claims.remove(label)
    return problems


def missing(claim: Claim) -> list[LayoutProblem]:
    """The modalities that a patient lacks, as one problem."""
    absent = [modality for modality in BRAIN_MRI.modalities if modality not in claim.files]
    if not absent:
        return []
    home = next(iter(claim.files.values()))[0].parent
    text = f"modality {', '.join(absent)} is missing in {home}"
    return [LayoutProblem(claim.name, "missing_modality", text)]


def preferred(claim: Claim) -> list[Remark]:
    """Keeps the files of the first template of a kind that has any; remarks on others."""
    remarks = []
    for kind, paths in claim.files.items():
        first = min(claim.places[path] for path in paths)
        others = [path for path in paths if claim.places[path] != first]
        claim.files[kind] = kept = [path for path in paths if claim.places[path] == first]
        if others:
            text = f"{claim.name}: {kept[0].name} is taken for the {kind}, not {some(others)}"
            remarks.append(Remark("other_file", text))
    return remarks


def other_layouts(claims: Iterable[Claim]) -> list[Remark]:
    """Patients of published layouts that were not asked for."""
    counts = collections.Counter(claim.layout.name for claim in claims)
    return [
        Remark(
            "other_layout",
            f"{count} patients are of layout {name}, which was not asked for; if only their codes are "
            "others, give codes, not a layout",
        )
        for name, count in counts.items()
    ]


def nested(claims: Iterable[Claim]) -> list[Remark]:
    """Bare names, few to each of many folders: they may be visits of the persons above."""
    images = [claim.files["T1"][0] for claim in claims if claim.layout.name == "bare" and "T1" in claim.files]
    homes = collections.Counter(image.parent.parent for image in images)
    if len(homes) < 2 or not len(homes) < len(images) <= MANY_VISITS * len(homes):
        return []
    text = (
        f"{len(images)} patients with bare file names lie in {len(homes)} folders: if those are persons and "
        "these are their visits, say so in a layout file: {patient}/{session}/t1"
    )
    return [Remark("nested", text)]


def doubles(claim: Claim) -> tuple[list[Remark], list[LayoutProblem]]:
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
        text += "; if these are persons and the name is a visit, see {session} in docs/own_data.md"
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
        with gzip.open(packed) as unpacked, path.open("rb") as plain:
            while (piece := plain.read(_CHUNK)) == unpacked.read(_CHUNK):
                if not piece:
                    return True
    except (OSError, EOFError, zlib.error):
        pass
    return False


def remarks_on(files: Files) -> list[Remark]:
    """Files that were left out by their names, and formats that are not read."""
    remarks = []
    if files.left_out:
        text = f"{len(files.left_out)} files or folders were left out by their names: {some(files.left_out)}"
        remarks.append(Remark("left_out", text))
    if files.special:
        text = f"not read, since no files: {some(files.special)} (pipes, devices, links to nowhere)"
        remarks.append(Remark("no_file", text))
    for kind, paths in sorted(files.foreign.items()):
        text = f"not read: {kind}, {len(paths)} files, such as {some(paths)}. To convert: "
        remarks.append(Remark("unread_format", text + how_to_convert(kind)))
    return remarks


def closed(folder: Path) -> LayoutProblem:
    """A folder that may not be read."""
    return LayoutProblem(
        spelt(folder.name),
        "unreadable_folder",
        f"the folder {spelt(folder)} may not be read: give yourself the right to",
    )


def nameless(path: Path) -> LayoutProblem:
    """A folder or file whose name is in another encoding, often that of an old archive."""
    text = f"the name of {spelt(path)} is not text in UTF-8: rename it, e.g. by convmv -f latin1 -t utf8"
    return LayoutProblem(spelt(path.name), "name_encoding", text)


def some(paths: Sequence[Path | str]) -> str:
    """A few of many names, and how many more there are."""
    names = ", ".join(path if isinstance(path, str) else spelt(path.name) for path in paths[:FEW])
    return names + (f" and {len(paths) - FEW} more" if len(paths) > FEW else "")
