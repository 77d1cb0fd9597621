"""A folder of patients as `Samples`: slices cut as the dataset's builder cuts them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tf_medsynth.cohorts.labels import classes_of, unknown_codes, whole_numbers
from tf_medsynth.cohorts.patient import read_patient
from tf_medsynth.cohorts.survey import PatientFiles, find_patients
from tf_medsynth.config.base import check
from tf_medsynth.config.cohorts import CohortSettings
from tf_medsynth.config.datasets import BratsSettings, brats_settings
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.generation.publishing import INTENSITY_SCALE
from tf_medsynth.imaging.orientation import canonical, canonical_header
from tf_medsynth.imaging.volumes import (
    Header,
    Volume,
    geometry_differences,
    read_header,
    read_volume,
    volume_suffix,
)
from tf_medsynth.runs.samples import Batch, Samples, spread
from tf_medsynth.runtime import progress
from tfds_builders.brats.examples import Box, crop_box, proportional_box, taken

OUR_LAYOUT = "medsynth"
"""Of what `generate` writes as volumes: one slice each, intensities times `INTENSITY_SCALE`."""

_TOP_PERCENTILE = 99.5

Slices = dict[str, NDArray[Any]]


def read_folder(folder: Path, size: tuple[int, int] | None, most: int | None) -> Samples:
    """Slices of every patient in `folder`, in any known layout; see `read_samples`.

    Volumes are turned to one orientation by their headers, which must agree. The builder's crop is taken
    in proportion to the volume, and resized where `size` asks for it.
    Intensities become [0, 1] by the 99.5th percentile of what is above the least value, per volume.

    Raises:
        MedSynthError: no patient, an unreadable or constant volume, modalities on several grids,
            patients of several sizes and no `size` to bring them to.
    """
    patients = find_patients(folder)
    boxes = [_box(patient, size) for patient in progress(patients, label="headers", unit="patient")]
    _check_one_size(patients, boxes, size)
    ends = np.cumsum([0, *(box[0][1] - box[0][0] for box in boxes)])
    rows = spread(int(ends[-1]), most)
    tasks = [
        (patient, box, rows[(rows >= start) & (rows < stop)] - start)
        for patient, box, start, stop in zip(patients, boxes, ends[:-1], ends[1:], strict=True)
    ]
    wanted = [task for task in tasks if len(task[2])]
    shared = set.intersection(*({"images", *_label_files(task[0])} for task in wanted))
    ours = all(patient.layout == OUR_LAYOUT for patient in patients)

    def batches() -> Iterator[Batch]:
        for patient, box, chosen in progress(wanted, label=f"reading {folder.name}", unit="patient"):
            found = _slices(patient, box, chosen, size)
            names = np.full(len(chosen), patient.name)
            numbered = np.array([f"{patient.name}_{z:03d}" for z in box[0][0] + chosen])
            about = {"key": names} if ours else {"key": numbered, "patient": names}
            yield {**{name: found[name] for name in found if name in shared}, **about}

    shape = _plane(boxes[0])
    shown = shape if size is None or ours else size
    origin = "generated" if ours else "folder"
    return Samples(str(folder), origin, BRAIN_MRI, len(rows), int(ends[-1]), shown, batches)


def _settings(size: tuple[int, int] | None) -> BratsSettings:
    """The builder's settings for images of this size: the square head, or the papers' crop."""
    square = size is not None and size[0] == size[1]
    return dataclasses.replace(brats_settings("slices_64" if square else "slices"), size=size)


def _box(patient: PatientFiles, size: tuple[int, int] | None) -> Box:
    """What is cut out of a patient's volumes; raises where they lie on several grids."""
    header = _grid(patient, "T1")
    for modality in BRAIN_MRI.modalities[1:]:
        differences = geometry_differences(header, _grid(patient, modality))
        check(
            "the modalities of a patient share one grid",
            not differences,
            "Resample onto the first modality; `medsynth doctor` says which.",
            patient=patient.name,
            modality=modality,
            **differences,
        )
    if patient.whole:
        depth, rows, columns = header.shape
        return (0, depth), (0, rows), (0, columns)
    if size is None:  # every volume keeps its own
        return proportional_box(header.shape, _settings(size))
    return crop_box(header, _settings(size), patient.name)


def _grid(patient: PatientFiles, modality: str) -> Header:
    """The canonical header of a modality."""
    return canonical_header(read_header(patient.images[modality], patient.channels.get(modality)))


def _plane(box: Box) -> tuple[int, int]:
    return box[1][1] - box[1][0], box[2][1] - box[2][0]


def _check_one_size(patients: list[PatientFiles], boxes: list[Box], size: tuple[int, int] | None) -> None:
    shapes = {_plane(box): patient.name for patient, box in zip(patients, boxes, strict=True)}
    check(
        "patients of several sizes are compared at one",
        size is not None or len(shapes) == 1,
        "Give --size, e.g. --size 96.",
        sizes={name: f"{rows} x {columns}" for (rows, columns), name in shapes.items()},
    )


def _slices(patient: PatientFiles, box: Box, rows: NDArray[np.int64], size: tuple[int, int] | None) -> Slices:
    """``images`` `(n, H, W, M)` of some slices of a patient, and what labels lie beside them."""
    ours = patient.layout == OUR_LAYOUT
    size = None if ours else size  # what was generated has its own size, which is checked
    volumes = (taken(_unit(patient, modality, ours), box)[rows] for modality in BRAIN_MRI.modalities)
    found: Slices = {"images": np.stack([_resized(v, size, cv2.INTER_AREA) for v in volumes], axis=-1)}
    for name, label in _labels(patient):
        check(
            "a label lies on its patient's grid",
            label.shape == _grid(patient, "T1").shape,
            "Is it the label of another patient?",
            patient=patient.name,
            shape=label.shape,
        )
        found[name] = _resized(taken(label, box)[rows], size, cv2.INTER_NEAREST_EXACT)
    return found


def _labels(patient: PatientFiles) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    for name, path in _label_files(patient).items():
        if name == "lesion_label":
            yield name, _classes(canonical(read_volume(path)), patient)
        else:
            yield name, canonical(read_volume(path)).array.astype(np.uint8)


def _classes(volume: Volume, patient: PatientFiles) -> NDArray[np.uint8]:
    """The label by class; one that names another place than T1 lies where `prepare` would put it."""
    if not volume.placed or geometry_differences(_grid(patient, "T1"), volume.header):
        return read_patient(patient, CohortSettings(copied_modalities=True)).label
    label = volume.array
    codes = whole_numbers(label)
    unknown = unknown_codes(codes, patient.codes)
    check(
        f"a label of layout {patient.layout} holds the codes {', '.join(map(str, patient.codes))}",
        not unknown,
        "`medsynth doctor` says more.",
        path=str(patient.label),
        unknown=unknown,
    )
    return classes_of(codes, patient.codes)


def _label_files(patient: PatientFiles) -> dict[str, Path]:
    """The labels that lie beside a patient's images."""
    if patient.label is None:
        return {}
    files = {"lesion_label": patient.label}
    if patient.layout == OUR_LAYOUT:
        suffix = volume_suffix(patient.label) or ""
        stem = patient.label.name[: -len(f"_seg{suffix}")]
        for name, word in (("structure_map", "structure"), ("background_mask", "mask")):
            path = patient.label.with_name(f"{stem}_{word}{suffix}")
            if path.is_file():
                files[name] = path
    return files


def _unit(patient: PatientFiles, modality: Any, ours: bool) -> NDArray[np.float32]:
    """A volume with intensities in [0, 1]."""
    path = patient.images[modality]
    values = canonical(read_volume(path, patient.channels.get(modality))).array.astype(np.float32)
    check(
        "voxels are finite numbers",
        bool(np.isfinite(values).all()),
        "Replace NaN and infinities.",
        path=str(path),
    )
    if ours:
        return np.clip(values / INTENSITY_SCALE, 0, 1)
    low = min(float(values.min()), 0.0)
    inside = values[values > low]
    check(
        "an image is not constant",
        inside.size > 0,
        "Fetch the file again.",
        path=str(path),
        value=float(values.max()),
    )
    top = float(np.percentile(inside, _TOP_PERCENTILE))
    return np.clip((values - low) / (top - low), 0, 1)


def _resized(slices: Iterable[NDArray], size: tuple[int, int] | None, interpolation: int) -> NDArray[Any]:
    kept = list(slices)
    if size is not None and kept[0].shape != size:
        kept = [cv2.resize(s, size[::-1], interpolation=interpolation) for s in kept]
    return np.stack(kept)
