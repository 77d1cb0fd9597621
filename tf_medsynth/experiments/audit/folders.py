"""A folder of patients as `Samples`: slices cut as the dataset's builder cuts them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.config.datasets import REFERENCE_SHAPE, BratsSettings, brats_settings, scaled_range
from tf_medsynth.config.layouts import PatientFiles, find_patients
from tf_medsynth.experiments.audit.samples import Batch, Samples, spread
from tf_medsynth.generation.publishing import INTENSITY_SCALE
from tf_medsynth.imaging.volumes import Header, geometry_differences, read_header, read_volume, volume_suffix
from tf_medsynth.runtime import progress
from tf_medsynth.types import MODALITIES
from tfds_builders.brats.patient import label_classes

OUR_LAYOUT = "medsynth"
"""Of what `generate` writes as volumes: one slice each, intensities times `INTENSITY_SCALE`."""

_TOP_PERCENTILE = 99.5

Box = tuple[slice, slice, slice]
Slices = dict[str, NDArray[Any]]


def read_folder(folder: Path, size: tuple[int, int] | None, most: int | None) -> Samples:
    """Slices of every patient in `folder`, in any published layout; see `read_samples`.

    The builder's crop is taken in proportion to the volume, and resized where `size` asks for it.
    Intensities become [0, 1] by the 99.5th percentile of what is above the least value, per volume.

    Raises:
        MedSynthError: no patient, an unreadable or constant volume, modalities on several grids,
            patients of several sizes and no `size` to bring them to.
    """
    patients = find_patients(folder)
    boxes = [_box(patient, size) for patient in progress(patients, label="headers", unit="patient")]
    _check_one_size(patients, boxes, size)
    ends = np.cumsum([0, *(box[0].stop - box[0].start for box in boxes)])
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
            numbered = np.array([f"{patient.name}_{z:03d}" for z in box[0].start + chosen])
            about = {"key": names} if ours else {"key": numbered, "patient": names}
            yield {**{name: found[name] for name in found if name in shared}, **about}

    shape = boxes[0][1].stop - boxes[0][1].start, boxes[0][2].stop - boxes[0][2].start
    shown = shape if size is None or ours else size
    origin = "generated" if ours else "folder"
    return Samples(str(folder), origin, len(rows), int(ends[-1]), shown, batches)


def _settings(size: tuple[int, int] | None) -> BratsSettings:
    """The builder's settings for images of this size: the square head, or the papers' crop."""
    square = size is not None and size[0] == size[1]
    return dataclasses.replace(brats_settings("slices_64" if square else "slices"), size=size)


def _box(patient: PatientFiles, size: tuple[int, int] | None) -> Box:
    """What is cut out of a patient's volumes; raises where they lie on several grids."""
    header = read_header(patient.images["T1"])
    for modality in MODALITIES[1:]:
        other = read_header(patient.images[modality])
        differences = geometry_differences(header, other)
        check(
            "the modalities of a patient share one grid",
            not differences,
            "Resample onto the first modality; `medsynth doctor` says which.",
            patient=patient.name,
            modality=modality,
            **differences,
        )
    return _whole(header) if patient.layout == OUR_LAYOUT else _cropped(header, _settings(size))


def _whole(header: Header) -> Box:
    first, second, third = (slice(0, length) for length in header.shape)
    return first, second, third


def _cropped(header: Header, settings: BratsSettings) -> Box:
    ranges = (settings.slice_range, settings.row_range, settings.column_range)
    first, second, third = (
        slice(*scaled_range(wanted, reference, length))
        for wanted, reference, length in zip(ranges, REFERENCE_SHAPE, header.shape, strict=True)
    )
    return first, second, third


def _check_one_size(patients: list[PatientFiles], boxes: list[Box], size: tuple[int, int] | None) -> None:
    shapes = {
        (box[1].stop - box[1].start, box[2].stop - box[2].start): patient.name
        for patient, box in zip(patients, boxes, strict=True)
    }
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
    volumes = (_unit(patient, modality, ours)[box][rows] for modality in MODALITIES)
    found: Slices = {"images": np.stack([_resized(v, size, cv2.INTER_AREA) for v in volumes], axis=-1)}
    for name, label in _labels(patient):
        check(
            "a label lies on its patient's grid",
            label.shape[0] >= box[0].stop and label.shape[1:] == read_header(patient.images["T1"]).shape[1:],
            "Is it the label of another patient?",
            patient=patient.name,
            shape=label.shape,
        )
        found[name] = _resized(label[box][rows], size, cv2.INTER_NEAREST_EXACT)
    return found


def _labels(patient: PatientFiles) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    for name, path in _label_files(patient).items():
        array = read_volume(path).array
        is_lesion = name == "lesion_label"
        yield name, label_classes(array, path, patient.layout) if is_lesion else array.astype(np.uint8)


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
    values = read_volume(path).array.astype(np.float32)
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
