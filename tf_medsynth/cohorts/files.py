"""The files of a folder: volumes, what else looks like images, and what was left out by its name."""

from __future__ import annotations

import collections
import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path

from tf_medsynth.imaging.volumes import volume_suffix

COPY = re.compile(r" \(\d+\)(?=\.)")
"""What a browser puts into the name of a file that it fetched before."""

_DICOM = "dcm2niix -z y -o OUT FOLDER"
_SLICES = "SimpleITK.ReadImage(sorted list of the slices) reads them as a volume; write that as .nii.gz"
_ARRAYS = "nibabel.save(nibabel.Nifti1Image(array, affine), 'NAME.nii.gz') writes an array as a volume"

FORMATS: Mapping[str, tuple[str, str]] = {
    ".dcm": ("DICOM", _DICOM),
    ".ima": ("DICOM", _DICOM),
    ".tif": ("slices in picture files", _SLICES),
    ".tiff": ("slices in picture files", _SLICES),
    ".png": ("slices in picture files", _SLICES),
    ".jpg": ("slices in picture files", _SLICES),
    ".jpeg": ("slices in picture files", _SLICES),
    ".h5": ("HDF5", _ARRAYS),
    ".hdf5": ("HDF5", _ARRAYS),
    ".mat": ("MATLAB arrays", _ARRAYS),
    ".npy": ("NumPy arrays", _ARRAYS),
    ".npz": ("NumPy arrays", _ARRAYS),
    ".img": ("ANALYZE pairs (.img, .hdr)", "nibabel.save(nibabel.load('NAME.img'), 'NAME.nii.gz')"),
    ".nhdr": ("NRRD in two files", "SimpleITK.WriteImage(SimpleITK.ReadImage('NAME.nhdr'), 'NAME.nii.gz')"),
    ".mgz": ("FreeSurfer volumes", "nibabel.save(nibabel.load('NAME.mgz'), 'NAME.nii.gz')"),
    ".mgh": ("FreeSurfer volumes", "nibabel.save(nibabel.load('NAME.mgh'), 'NAME.nii.gz')"),
    ".zip": ("an archive (.zip)", "unzip NAME.zip"),
    ".tar": ("an archive (.tar)", "tar xf NAME.tar"),
    ".tgz": ("an archive (.tar)", "tar xf NAME.tgz"),
    ".7z": ("an archive (.7z)", "7z x NAME.7z"),
    ".rar": ("an archive (.rar)", "unrar x NAME.rar"),
}
"""Endings of images that are not read: what they are, and how they become what is."""


@dataclasses.dataclass
class Files:
    """What was found below a folder.

    Attributes:
        volumes: files that `read_volume` knows, sorted.
        datasets: files called ``dataset.json``.
        foreign: names of the `FORMATS` seen, with their files.
        left_out: files that no one means: resource forks, hidden ones, copies of a browser.
        closed: folders that may not be read.
        special: what bears a volume's name and is no file: pipes, sockets, devices, links to nowhere.
        nameless: what holds volumes and has a name that is no text, the outermost of each.
    """

    volumes: list[Path] = dataclasses.field(default_factory=list)
    datasets: list[Path] = dataclasses.field(default_factory=list)
    foreign: dict[str, list[Path]] = dataclasses.field(default_factory=lambda: collections.defaultdict(list))
    left_out: list[Path] = dataclasses.field(default_factory=list)
    closed: list[Path] = dataclasses.field(default_factory=list)
    special: list[Path] = dataclasses.field(default_factory=list)
    nameless: list[Path] = dataclasses.field(default_factory=list)


def find_files(folder: Path) -> Files:
    """What lies below `folder`, to any depth; a link to a folder above is not entered again."""
    found = Files()
    waiting: list[tuple[Path, tuple[str, ...]]] = [(folder, ())]
    while waiting:
        here, above = waiting.pop()
        waiting += reversed(_enter(here, above, folder, found))
    return found


def how_to_convert(kind: str) -> str:
    """The command or call that turns a format of `FORMATS`, named by what it is, into volumes."""
    return next(remedy for name, remedy in FORMATS.values() if name == kind)


def is_text(path: str | os.PathLike[str]) -> bool:
    """Whether a path can be written down: libraries and records take no other bytes than UTF-8."""
    try:
        os.fspath(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def spelt(path: Path | str) -> str:
    r"""A path with bytes that are no text as ``\xe4``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _enter(
    folder: Path, above: tuple[str, ...], root: Path, found: Files
) -> list[tuple[Path, tuple[str, ...]]]:
    """Sorts what lies in `folder`; the folders in it, each with the real ones around it."""
    real = os.path.realpath(folder)
    if real in above:
        return []
    try:
        entries = sorted(folder.iterdir())
        inside = [(path, path.is_dir(), path.is_file()) for path in entries]
    except OSError:  # no right to read it, or a path that is too long
        found.closed.append(folder)
        return []
    folders = []
    for path, is_folder, is_file in inside:
        if is_folder:
            if path.name == "__MACOSX":
                found.left_out.append(path)
            elif not path.name.startswith("."):
                folders.append((path, (*above, real)))
        elif is_file:
            _sort(path, root, found)
        elif volume_suffix(path) and not path.name.startswith("."):
            found.special.append(path)
    return folders


def _sort(path: Path, root: Path, found: Files) -> None:
    suffix = path.suffix.lower()
    if suffix == ".gz":  # compressed: what is inside counts
        suffix = Path(path.stem).suffix.lower()
    if volume_suffix(path):
        aside = path.name.startswith(".") or COPY.search(path.name)
        if aside or is_text(path.relative_to(root)):
            (found.left_out if aside else found.volumes).append(path)
        else:
            around = reversed([path, *path.parents[: len(path.relative_to(root).parts) - 1]])
            first = next(one for one in around if not is_text(one.name))
            found.nameless += [] if first in found.nameless else [first]
    elif path.name.startswith("."):
        return
    elif path.name.lower() == "dataset.json":
        found.datasets.append(path)
    elif suffix in FORMATS:
        found.foreign[FORMATS[suffix][0]].append(path)
    elif _is_dicom(path, suffix):
        found.foreign["DICOM"].append(path)


def _is_dicom(path: Path, suffix: str) -> bool:
    """Whether a file without a telling ending has the mark of DICOM."""
    if suffix and not suffix[1:].isdecimal():  # the parts of a unique identifier look like endings
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False
