"""Which photographs a folder holds: image, vessel label and field of view, matched by their names.

``images``, ``1st_manual`` and ``mask`` lie beside each other, at any depth; the folder above them, e.g.
``training``, is a set. No pixel is read.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tf_medsynth.cohorts.report import Finding
from tf_medsynth.config.base import check

IMAGES = "images"
KINDS: Mapping[str, tuple[str, ...]] = {
    "label": ("1st_manual", "manual1", "manual", "labels"),
    "mask": ("mask", "masks"),
}
"""Folders beside ``images``: the first that is there is taken."""

ENDINGS = (".tif", ".tiff", ".gif", ".png", ".ppm", ".jpg", ".jpeg", ".bmp")

_ROLES = re.compile(
    r"training|train|test|mask|fov|manual\d*|label|gt|vessels?|1stho|2ndho|ah|vk", re.IGNORECASE
)
"""Words of a file's name that say what it is, not whose."""


@dataclasses.dataclass(frozen=True)
class PhotographFiles:
    """Where one photograph is.

    Attributes:
        name: number or words that image, label and mask have in common, e.g. ``21``.
        folder: of the set, e.g. ``training``.
        image: RGB photograph.
        label: vessel annotation, None where there is no such file.
        mask: field of view, None where there is no such file.
    """

    name: str
    folder: str
    image: Path
    label: Path | None
    mask: Path | None

    @property
    def files(self) -> dict[str, Path]:
        """The files that are there, by kind."""
        kinds = {"image": self.image, "label": self.label, "mask": self.mask}
        return {kind: path for kind, path in kinds.items() if path is not None}


@dataclasses.dataclass(frozen=True)
class FundusFolder:
    """What a folder holds.

    Attributes:
        photographs: sorted by name.
        problems: what is wrong about the files of a photograph, by its name.
        remarks: what is odd about the folder.
    """

    photographs: tuple[PhotographFiles, ...]
    problems: tuple[tuple[str, Finding], ...]
    remarks: tuple[Finding, ...]


def survey(folder: str | os.PathLike[str]) -> FundusFolder:
    """The photographs of `folder` and what is odd about their names.

    Raises:
        MedSynthError: no such folder.
    """
    root = Path(folder)
    check("a folder of photographs must exist", root.is_dir(), folder=str(folder))
    found: dict[str, PhotographFiles] = {}
    problems: list[tuple[str, Finding]] = []
    remarks: list[Finding] = []
    for images in _folders(root):
        beside = {kind: _beside(images, names) for kind, names in KINDS.items()}
        files = {kind: _by_name(path, remarks) if path else {} for kind, path in beside.items()}
        for name, paths in sorted(_by_name(images, remarks).items()):
            parts = {kind: files[kind].pop(name, []) for kind in files}
            problems += _doubled(name, {"image": paths, **parts})
            if name in found:
                text = f"the name {name} occurs twice: {found[name].image} and {paths[0]}"
                problems.append((name, Finding("error", "name_twice", text, "Rename one")))
                continue
            label, mask = (parts[kind][0] if parts[kind] else None for kind in ("label", "mask"))
            found[name] = PhotographFiles(name, images.parent.name, paths[0], label, mask)
        for kind, left in files.items():
            for name, paths in sorted(left.items()):
                text = f"a {kind} without an image, number {name}"
                remarks.append(Finding("warning", f"lone_{kind}", text, file=paths[0].name))
    return FundusFolder(tuple(found[name] for name in sorted(found)), tuple(problems), tuple(remarks))


def key_of(path: Path) -> str:
    """What in a file's name says whose it is: ``21`` of ``21_training_mask.gif``."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", path.stem) if word]
    kept = [word for word in words if not _ROLES.fullmatch(word)]
    return "_".join(kept or words)


def _folders(root: Path) -> Iterator[Path]:
    """Folders named ``images``, in one order; hidden folders are not searched."""
    for home, folders, _ in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(home) / name for name in folders if name.casefold() == IMAGES)


def _beside(images: Path, names: tuple[str, ...]) -> Path | None:
    there = {path.name.casefold(): path for path in sorted(images.parent.iterdir()) if path.is_dir()}
    return next((there[name] for name in names if name in there), None)


def _by_name(folder: Path, remarks: list[Finding]) -> dict[str, list[Path]]:
    """Files of a folder by what they are of; others, which no reader here reads, become a remark."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    grouped: dict[str, list[Path]] = {}
    for path in (path for path in files if path.suffix.lower() in ENDINGS):
        grouped.setdefault(key_of(path), []).append(path)
    if others := [path.name for path in files if path.suffix.lower() not in ENDINGS]:
        text = f"not read in {folder.name}: {len(others)} files, such as {others[0]}"
        remarks.append(Finding("warning", "unread_format", text, f"Formats: {', '.join(ENDINGS)}"))
    return grouped


def _doubled(name: str, parts: Mapping[str, list[Path]]) -> list[tuple[str, Finding]]:
    return [
        (
            name,
            Finding("error", "doubled", f"there are {len(paths)} files of the {kind}: {_names(paths)}"),
        )
        for kind, paths in parts.items()
        if len(paths) > 1
    ]


def _names(paths: list[Path]) -> str:
    return " and ".join(path.name for path in paths[:3])
