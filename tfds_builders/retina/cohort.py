"""A folder of photographs as a cohort: which is in which split, what it was made from, is it sound."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_medsynth.cohorts.report import DoctorReport, Finding, PatientReport, summary
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.persons import matched, split_of
from tf_medsynth.runtime import progress
from tf_medsynth.types import MedSynthError
from tfds_builders.retina.files import FundusFolder, PhotographFiles, survey
from tfds_builders.retina.photograph import Examination, examine
from tfds_builders.retina.settings import RetinaSettings

UNLABELLED = "unlabelled"
SPLITS = ("train", "validation", "test", UNLABELLED)


@dataclasses.dataclass(frozen=True)
class Cohort:
    """Photographs by split, with the fingerprint of settings and files.

    Attributes:
        folder: what all paths are relative to.
        settings: what chose the splits.
        splits: ``train``, then ``validation``, ``test`` and ``unlabelled`` as far as they hold images.
        fingerprint: changes when settings, names or contents of the files do.
        remarks: on the folder, before any image is opened.
    """

    folder: Path
    settings: RetinaSettings
    splits: Mapping[str, tuple[PhotographFiles, ...]]
    fingerprint: str
    remarks: tuple[str, ...] = ()

    @property
    def patients(self) -> list[PhotographFiles]:
        """All photographs, by name."""
        return sorted((p for split in self.splits.values() for p in split), key=lambda p: p.name)

    def record(self, remarks: Sequence[str]) -> dict[str, Any]:
        """What is kept beside the data set: fingerprint, settings, images and files."""
        return {
            "fingerprint": self.fingerprint,
            "settings": self.settings.to_dict(),
            "remarks": list(remarks),
            "patients": {
                photo.name: {
                    "split": split,
                    "folder": photo.folder,
                    "files": {k: p.relative_to(self.folder).as_posix() for k, p in photo.files.items()},
                }
                for split, photos in self.splits.items()
                for photo in photos
            },
        }


def read_cohort(folder: str | os.PathLike[str], settings: RetinaSettings, version: str) -> Cohort:
    """The cohort in `folder`; no pixel is read.

    Raises:
        MedSynthError: no image, doubled files, nothing to train on, no test image by folder, or an image
            to leave out that is not there.
    """
    folder = Path(folder)
    found = _without(survey(folder), settings)
    for name, finding in found.problems:
        raise MedSynthError(f"Image {name}: {finding.text}.")
    check(
        "a folder of photographs holds them in a folder `images`",
        bool(found.photographs),
        "Beside it stand `1st_manual` and `mask`.",
        folder=str(folder),
    )
    places = {photo.name: _split(photo, settings) for photo in found.photographs}
    by_split = {
        name: tuple(photo for photo in found.photographs if places[photo.name] == name) for name in SPLITS
    }
    needed = ["train", *(["test"] if settings.split_by == "folder" or settings.test_fraction else [])]
    for name in needed:
        check(
            f"split {name} needs an annotated image",
            bool(by_split[name]),
            "The hash, or the folders, put none there: set split_by, split_seed or test_fraction.",
            images=len(found.photographs),
            split_by=settings.split_by,
            split_seed=settings.split_seed,
        )
    files = {photo.name: {k: _digest(path) for k, path in photo.files.items()} for photo in found.photographs}
    splits = {name: photos for name, photos in by_split.items() if photos}
    remarks = tuple(finding.text for finding in found.remarks)
    return Cohort(folder, settings, splits, fingerprint(version, settings.to_dict(), files), remarks)


def check_pixels(cohort: Cohort) -> tuple[str, ...]:
    """Remarks on a cohort, once every image has been read and every rule holds.

    Raises:
        MedSynthError: the first rule that an image breaks, or one image in two splits.
    """
    seen = [(photo, examine(photo)) for photo in progress(cohort.patients, label="checking", unit="image")]
    for photo, examination in seen:
        for finding in examination.findings:
            if finding.severity == "error":
                raise MedSynthError(f"Image {photo.name}: {finding.text}.")
    places = {photo.name: split for split, photos in cohort.splits.items() for photo in photos}
    pairs = _twins(seen)
    for first, other in pairs:
        check(
            "an image is in one split only",
            places[first] == places[other],
            "They hold the same pixels: leave one out.",
            images=(first, other),
            splits=(places[first], places[other]),
        )
    by_image = [(photo.name, finding) for photo, one in seen for finding in one.findings]
    return (*summary(by_image), *(_twin(*pair).text for pair in pairs), *cohort.remarks)


def doctor(folder: str | os.PathLike[str], overrides: Mapping[str, Any] | None = None) -> DoctorReport:
    """What is odd in a folder of photographs: by image, and between images.

    Args:
        folder: searched to any depth; only read.
        overrides: of `RetinaSettings`, e.g. ``{"leave_out": "34"}``.

    Raises:
        MedSynthError: no such folder, unknown setting.
    """
    found = _without(survey(folder), RetinaSettings().override(overrides or {}))
    reports = {photo.name: PatientReport(photo.name, photo.folder) for photo in found.photographs}
    for name, finding in found.problems:
        reports.setdefault(name, PatientReport(name, "")).findings.append(finding)
    seen = [(photo, examine(photo)) for photo in progress(found.photographs, label="doctor", unit="image")]
    for photo, one in seen:
        reports[photo.name].findings += one.findings
        reports[photo.name].facts.update(one.facts)
    between = [*found.remarks, *(_twin(*pair) for pair in _twins(seen))]
    if not found.photographs:
        text = "no folder `images` with photographs is here"
        between.append(Finding("error", "no_image", text, "Beside it stand `1st_manual` and `mask`"))
    return DoctorReport(str(folder), sorted(reports.values(), key=lambda r: r.name), between)


def _without(found: FundusFolder, settings: RetinaSettings) -> FundusFolder:
    """`found` without what `leave_out` names; raises where that names who is not there."""
    names = {photo.name for photo in found.photographs}
    left = set(settings.leave_out)
    check("leave_out names images of the folder", left <= names, absent=sorted(left - names))
    return dataclasses.replace(
        found,
        photographs=tuple(photo for photo in found.photographs if photo.name not in left),
        problems=tuple((name, finding) for name, finding in found.problems if name not in left),
    )


def _split(photo: PhotographFiles, settings: RetinaSettings) -> str:
    if photo.label is None:
        return UNLABELLED
    person = matched(photo.name, settings.person) or photo.name
    if settings.split_by == "hash":
        fractions = settings.test_fraction, settings.validation_fraction
        return split_of(person, settings.split_seed, *fractions)
    if photo.folder.casefold() == "test":
        return "test"
    return split_of(person, settings.split_seed, 0.0, settings.validation_fraction)


def _twins(seen: Sequence[tuple[PhotographFiles, Examination]]) -> list[tuple[str, str]]:
    """Names of images that hold the same pixels, by pairs."""
    first: dict[str, str] = {}
    pairs = []
    for photo, one in seen:
        other = first.setdefault(one.digest, photo.name) if one.digest else photo.name
        if other != photo.name:
            pairs.append((other, photo.name))
    return pairs


def _twin(first: str, other: str) -> Finding:
    return Finding("warning", "twin", f"images {first} and {other} hold the same pixels", "Leave one out")


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise MedSynthError(f"an image file must be readable. Received: path={str(path)!r}.") from error
