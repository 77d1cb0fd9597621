"""One patient's volumes, read and checked: four int16 images and one label of known classes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.config.layouts import LAYOUTS, PatientFiles
from tf_medsynth.imaging.volumes import Header, Volume, geometry_differences, read_volume
from tf_medsynth.types import MODALITIES, MedSynthError

INT16 = np.iinfo(np.int16)
WHOLE_NUMBER_TOLERANCE = 1e-3
FOREIGN_LABEL_SHARE = 0.5
"""A label with another origin, of which so much lies outside the brain, is another patient's."""


@dataclasses.dataclass(frozen=True, eq=False)
class PatientVolumes:
    """What one patient contributes.

    Attributes:
        name: unique in the cohort.
        images: one `(z, y, x)` int16 array a modality, in the order of `MODALITIES`.
        label: `(z, y, x)` uint8, index into `LESION_CLASSES`.
        header: geometry of the images.
        remarks: oddities that were noticed and do no harm.
    """

    name: str
    images: tuple[NDArray[np.int16], ...]
    label: NDArray[np.uint8]
    header: Header
    remarks: tuple[str, ...] = ()


def read_patient(files: PatientFiles) -> PatientVolumes:
    """The volumes of one patient, every rule of the data set checked.

    Raises:
        MedSynthError: an unreadable file, no label, shapes or geometry that differ, NaN, values that
            are no 16-bit integers, a constant image, an unknown label code, a label elsewhere.
    """
    check(
        f"patient {files.name} needs a lesion label",
        files.label is not None,
        "Leave out patients without one: the validation releases have none.",
        label=None,
    )
    images: list[NDArray[np.int16]] = []
    header: Header | None = None
    for modality in MODALITIES:
        path = files.images[modality]
        volume = read_volume(path)
        header = header or volume.header
        _check_geometry(header, volume.header, path)
        images.append(_as_int16(volume.array, path))
    assert header is not None and files.label is not None  # for the type checker
    label = read_volume(files.label)
    remarks = _check_label_geometry(header, label, files, images)
    classes = label_classes(label.array, files.label, files.layout)
    return PatientVolumes(files.name, tuple(images), classes, header, remarks)


def label_classes(label: NDArray[Any], path: Path, layout: str) -> NDArray[np.uint8]:
    """`label` as indices into `LESION_CLASSES`, uint8, by the codes of its layout.

    Raises:
        MedSynthError: a code which that layout does not know, or values that are no whole numbers.
    """
    known = LAYOUTS[layout].codes
    codes = np.rint(label) if label.dtype.kind == "f" else label
    whole = bool(np.isfinite(label).all() and np.abs(label - codes).max(initial=0) <= WHOLE_NUMBER_TOLERANCE)
    check("a label holds whole numbers", whole, "Export it again, without interpolation.", path=str(path))
    found = np.unique(codes).astype(int).tolist()
    unknown = sorted(set(found) - set(known))
    check(
        f"a label of layout {layout} holds the codes {', '.join(map(str, known))}",
        not unknown,
        "Is it another year's file, or another study's?",
        path=str(path),
        unknown=unknown,
    )
    classes = np.zeros(label.shape, np.uint8)
    for code in found:
        if known[code]:
            classes[codes == code] = known[code]
    return classes


def _check_geometry(expected: Header, found: Header, path: Path) -> None:
    differences = geometry_differences(expected, found)
    check(
        "the modalities of a patient share one grid",
        not differences,
        "Resample it onto the first modality, or mend its header; `medsynth doctor` says which.",
        path=str(path),
        **differences,
    )


def _check_label_geometry(
    header: Header, label: Volume, files: PatientFiles, images: list[NDArray[np.int16]]
) -> tuple[str, ...]:
    """Remarks on the label's header; raises where the label cannot be this patient's."""
    differences = geometry_differences(header, label.header)
    if list(differences) not in ([], ["origin"]):
        raise MedSynthError(
            f"a label lies on its patient's grid. Received: path={str(files.label)!r}, "
            f"{', '.join(f'{name}: {text}' for name, text in differences.items())}. "
            "Is it the label of another patient?"
        )
    outside = lesion_outside_brain(label.array, images)
    check(
        "a patient's lesion lies in the patient's brain",
        outside <= FOREIGN_LABEL_SHARE,
        "Is it the label of another patient?",
        path=str(files.label),
        share_outside=round(outside, 3),
    )
    if not differences:
        return ()
    return (f"{files.name}: the label's header has another origin ({differences['origin']}); voxels align",)


def lesion_outside_brain(label: NDArray[Any], images: list[NDArray[Any]]) -> float:
    """Share of lesion voxels where every image is 0, in [0, 1]; 0 for an empty label."""
    lesion = label > 0
    outside = lesion.copy()
    for image in images:
        outside &= image == 0
    return float(outside.sum() / max(int(lesion.sum()), 1))


def _as_int16(array: NDArray[Any], path: Path) -> NDArray[np.int16]:
    """`array` as int16, no value changed by more than `WHOLE_NUMBER_TOLERANCE`."""
    low, high = array.min(), array.max()  # NaN, where there is one
    check(
        "voxels are finite numbers",
        bool(np.isfinite(low) and np.isfinite(high)),
        "Replace NaN and infinities.",
        path=str(path),
    )
    check(
        f"voxels fit 16 bits, {INT16.min}..{INT16.max}",
        INT16.min <= low and high <= INT16.max,
        "Rescale the volume first.",
        path=str(path),
        range=f"{low:g}..{high:g}",
    )
    check(
        "an image is not constant",
        bool(low < high),
        "Fetch the file again.",
        path=str(path),
        value=f"{low:g}",
    )
    check("an image has values above 0", bool(high > 0), "Shift the volume: 0 is background.", path=str(path))
    if array.dtype.kind == "f":
        worst = float(np.abs(array - np.rint(array)).max())
        check(
            "voxels are whole numbers, as the scanner wrote them",
            worst <= WHOLE_NUMBER_TOLERANCE,
            "Multiply and round a normalised volume to 0..32767 first.",
            path=str(path),
            dtype=str(array.dtype),
            furthest_from_whole=round(worst, 4),
        )
        array = np.rint(array)
    return array.astype(np.int16, copy=False)
