"""What lies in a folder of patients beside or instead of volumes, and names that no file should have."""

from __future__ import annotations

import gzip
import math
import os
import shutil
import struct
from pathlib import Path

from tests.hard_input.case import Case
from tests.hard_input.volume_files import (
    DOCTOR,
    PREPARE,
    SEG,
    T1,
    VOXELS,
    Make,
    both,
    inside,
    nrrd,
    odd,
    pair,
    patient,
    renamed,
    two_places,
    typed,
)

PLACES: dict[str, tuple[str, Make]] = {
    "a pipe": ("modality T1 is missing", odd("fifo")),
    "a socket": ("modality T1 is missing", odd("socket")),
    "a folder": ("modality T1 is missing", odd("folder")),
    "a device": ("modality T1 is missing", odd("/dev/zero")),
    "a link to nowhere": ("modality T1 is missing", odd("/nowhere")),
    "a link to itself": ("modality T1 is missing", odd("itself")),
    "a label that is a pipe": ("no lesion label|train needs a patient", odd("fifo", SEG)),
    "a pair .img and .hdr": ("modality T1 is missing", pair),
    "a header .nhdr": ("modality T1 is missing", nrrd({"data file": "/etc/passwd"}, suffix=".nhdr")),
    "a file's name in latin-1": ("not text in UTF-8", renamed(f"P0000/{T1}", b"P\xe4_t1.nii.gz")),
    "a patient's name in latin-1": ("not text in UTF-8", renamed("P0000", b"M\xfcller")),
}

_RGB = typed(128, 24, bytes(3 * VOXELS))
_LATIN = "M\udcfcller"  # of which the third byte is no UTF-8


def _three(here: Path, base: Path, make: Make = _RGB) -> None:
    """The first of three patients spoilt."""
    make(here, base)
    for name in ("P0001", "P0002"):
        shutil.copytree(base / "patients" / name, here / "p" / name)


def _beside(name: str) -> Make:
    """A sound patient, and a pipe in the same folder."""

    def make(here: Path, base: Path) -> None:
        os.mkfifo(patient(here, base) / name)

    return make


def _below(name: str) -> Make:
    """A sound patient in a folder of this name."""

    def make(here: Path, base: Path) -> None:
        (here / name).mkdir()
        patient(here / name, base)

    return make


def _described(text: str) -> Make:
    """A sound patient beside a ``dataset.json``."""

    def make(here: Path, base: Path) -> None:
        patient(here, base)
        (here / "p" / "dataset.json").write_text(text, "latin-1")

    return make


_CHANNELS = '"channel_names": {"0": "T1", "1": "T2", "2": "T1ce", "3": "FLAIR"}'
DESCRIBED = {
    "nothing": "",
    "a list": "[1, 2]",
    "lists in lists": "[" * 100_000,
    "latin-1": '{"name": "M\xfcller"}',
    "channels as a list": '{"channel_names": ["T1", "T2", "T1ce", "FLAIR"], "labels": {"a": 1}}',
    "channels of lists": '{"channel_names": {"0": ["T1"], "1": null, "2": {}, "3": 7}}',
    "channels without end": '{"modality": {"%s": "T1"}}' % ("9" * 5000),
    "labels as a list": "{" + _CHANNELS + ', "labels": [1, 2]}',
    "labels of lists": "{" + _CHANNELS + ', "labels": {"edema": [1, 2], "NCR": null}}',
    "codes without end": "{" + _CHANNELS + ', "labels": {"%s": "edema"}}' % ("9" * 5000),
    "codes below 0": "{" + _CHANNELS + ', "labels": {"edema": -1, "NCR": 1e99}}',
}


def _of_shape(*shape: int) -> Make:
    """A patient of volumes that hold hardly anything."""

    def make(here: Path, base: Path) -> None:
        for path in patient(here, base).iterdir():
            content = bytearray(gzip.decompress(path.read_bytes()))
            struct.pack_into("<3h", content, 42, *shape)
            size = math.prod(shape) * (content[72] // 8)
            voxels = (b"\1\2" if path.name != SEG else b"\0\2") * size
            path.write_bytes(gzip.compress(bytes(content[:352]) + voxels[:size]))

    return make


def _others() -> list[Case]:
    latin, pipe = f"{{here}}/{_LATIN}", "{here}/pipe"
    text = r"a name in UTF-8.*M\\+udcfcller"
    prepare = ("prepare", "brats/slices_64", "--manual-dir")
    of_pipe = lambda here, base: (patient(here, base), os.mkfifo(here / "pipe"))  # noqa: E731
    described = [
        Case(f"doctor: a dataset.json of {name}", DOCTOR, "P0000", _described(text), status=1)
        for name, text in DESCRIBED.items()
    ]
    small = [
        Case(f"doctor: volumes of {shape}", DOCTOR, "P0000", _of_shape(*shape))
        for shape in ((1, 1, 1), (2, 2, 2), (1, 30, 1), (30, 30, 1))
    ]
    return [
        *described,
        *small,
        Case("doctor: one of three is coloured", ("doctor", "{here}/p"), "3 patients, 2 usable", _three),
        Case(
            "doctor: two places",
            DOCTOR,
            "qform and sform lie up to 40 mm apart",
            inside(two_places),
            status=1,
        ),
        Case("doctor: a pipe beside", DOCTOR, "no files: x_t1.nii", _beside("x_t1.nii"), status=1),
        Case("doctor: a dataset.json that is a pipe", DOCTOR, "P0000", _beside("dataset.json"), status=1),
        Case(
            "doctor: a name in latin-1, as text",
            DOCTOR[:2],
            "name_encoding",
            renamed("P0000", b"M\xfcller"),
        ),
        Case("doctor: a folder in latin-1", ("doctor", latin), text, _below(_LATIN)),
        Case("doctor: a folder below one in latin-1", ("doctor", f"{latin}/p"), text, _below(_LATIN)),
        Case("doctor: a pipe", ("doctor", pipe), "must be a folder", of_pipe),
        Case("doctor: a layout that is a pipe", (*DOCTOR, "--layout", pipe), "layout", of_pipe),
        Case("prepare: a pipe", (*prepare, pipe, "--data-dir", "{here}/o"), "must be a folder", of_pipe),
        Case("prepare: splits that are a pipe", (*PREPARE, "--splits", pipe), "splits", of_pipe),
        Case("prepare: a folder in latin-1", (*prepare, latin, *PREPARE[4:]), text, _below(_LATIN)),
        Case("prepare: to latin-1", (*PREPARE[:4], "--data-dir", latin, *PREPARE[6:]), text, patient),
    ]


CASES = [*both("in place of a file", PLACES, every=1), *_others()]
