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
    """

    volumes: list[Path] = dataclasses.field(default_factory=list)
    datasets: list[Path] = dataclasses.field(default_factory=list)
    foreign: dict[str, list[Path]] = dataclasses.field(default_factory=lambda: collections.defaultdict(list))
    left_out: list[Path] = dataclasses.field(default_factory=list)
    closed: list[Path] = dataclasses.field(default_factory=list)


def find_files(folder: Path) -> Files:
    """What lies below `folder`, to any depth; a link to a folder above is not entered again."""
    found = Files()
    _search(folder, (), found)
    return found


def how_to_convert(kind: str) -> str:
    """The command or call that turns a format of `FORMATS`, named by what it is, into volumes."""
    return next(remedy for name, remedy in FORMATS.values() if name == kind)


def _search(folder: Path, above: tuple[str, ...], found: Files) -> None:
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        entries = sorted(folder.iterdir())
        inside = [(path, path.is_dir()) for path in entries]
    except PermissionError:
        found.closed.append(folder)
        return
    for path, is_folder in inside:
        if is_folder:
            if path.name == "__MACOSX":
                found.left_out.append(path)
            elif not path.name.startswith("."):
                _search(path, (*above, real), found)
        elif path.is_file():
            _sort(path, found)


def _sort(path: Path, found: Files) -> None:
    suffix = path.suffix.lower()
    if suffix == ".gz":  # compressed: what is inside counts
        suffix = Path(path.stem).suffix.lower()
    if volume_suffix(path):
        aside = path.name.startswith(".") or COPY.search(path.name)
        (found.left_out if aside else found.volumes).append(path)
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
