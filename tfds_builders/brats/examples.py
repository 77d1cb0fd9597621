"""From one patient's volumes to examples: crop, resize, stack, and where the pixels lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tf_medsynth.cohorts.patient import PatientVolumes
from tf_medsynth.config.base import check
from tf_medsynth.config.datasets import REFERENCE_SHAPE, BratsSettings, Range, scaled_range
from tf_medsynth.imaging.volumes import Header

SQUEEZED = 0.01
"""Difference between the sides of a field of view, beyond the crop's own, that resizing may hide."""

Example = dict[str, Any]
Box = tuple[Range, Range, Range]


def crop_box(header: Header, settings: BratsSettings, patient: str, whole: bool = False) -> Box:
    """Half-open ranges of z, y and x that `settings` cut out of a patient; they may exceed the volume.

    The crop is taken in proportion to the grid. Where that would be resized by different factors along
    rows and columns, the shorter side grows about its middle until a pixel is as high as it is wide.

    Args:
        header: geometry of the volume.
        settings: crop and size.
        patient: name, for the error.
        whole: the volume is cropped already: all of it is taken.

    Raises:
        MedSynthError: without a size to resize to, a volume whose rows and columns are not the
            reference grid's: its crop would have another shape than that of the other patients.
    """
    shape = header.shape
    fits = tuple(shape[1:]) == (settings.image_size if whole else REFERENCE_SHAPE[1:])
    check(
        f"without a size every volume has {REFERENCE_SHAPE[1]} x {REFERENCE_SHAPE[2]} pixels a slice",
        settings.size is not None or fits,
        "Take a config with a size, e.g. slices_64, or set one: size=64,64.",
        patient=patient,
        shape=tuple(shape),
    )
    if whole:
        box: Box = ((0, shape[0]), (0, shape[1]), (0, shape[2]))
    else:
        box = proportional_box(shape, settings)
    return box[0], *_unsqueezed(box[1:], header, settings, whole)


def proportional_box(shape: tuple[int, ...], settings: BratsSettings) -> Box:
    """The ranges of `settings`, which are of the reference grid, carried over to a volume of `shape`."""
    wanted = (settings.slice_range, settings.row_range, settings.column_range)
    slices, rows, columns = (scaled_range(*axis) for axis in zip(wanted, REFERENCE_SHAPE, shape, strict=True))
    return slices, rows, columns


def _unsqueezed(
    plane: tuple[Range, ...], header: Header, settings: BratsSettings, whole: bool
) -> tuple[Range, Range]:
    """`plane` with the shorter side grown so that rows and columns are resized by one factor, in mm."""
    lengths, reference = header.shape[1:], settings.image_size if whole else REFERENCE_SHAPE[1:]
    wanted = reference if whole else tuple(b - a for a, b in (settings.row_range, settings.column_range))
    # mm of the volume that stand for one of the reference
    factors = [n * step / r for n, step, r in zip(lengths, header.spacing[1:], reference, strict=True)]
    most = max(factors)
    rows, columns = (
        edges if most <= factor * (1 + SQUEEZED) else _grown(edges, round(length * most / step))
        for edges, factor, length, step in zip(plane, factors, wanted, header.spacing[1:], strict=True)
    )
    return rows, columns


def _grown(edges: Range, length: int) -> Range:
    start, stop = edges
    spare = length - (stop - start)
    return start - spare // 2, stop + spare - spare // 2


def patient_examples(patient: PatientVolumes, settings: BratsSettings) -> Iterator[tuple[str, Example]]:
    """Keys and examples of one patient, in the order of z."""
    box = crop_box(patient.header, settings, patient.name, patient.whole)
    whole = {"patient": patient.name} | _statistics(patient.images)
    margin = settings.stack_size // 2 if settings.form == "stacks" else 0
    start, stop = box[0]
    first, last = max(start - margin, 0), min(stop + margin, patient.header.shape[0])
    images, label = _cut(patient, (first, last), box[1:], settings)
    if settings.form == "volumes":
        yield (
            patient.name,
            whole
            | _placed(patient.header, box, settings, start)
            | {
                "images": images,
                "lesion_label": label,
            },
        )
        return
    for z in range(max(start, margin), min(stop, patient.header.shape[0] - margin)):
        middle = z - first
        if (images[middle] != 0).any(axis=-1).mean() < settings.min_brain_fraction:
            continue
        stack = images[middle - margin : middle + margin + 1] if margin else images[middle]
        placed = _placed(patient.header, box, settings, z - margin)
        yield (
            f"{patient.name}_{z:03d}",
            whole
            | placed
            | {
                "images": stack if settings.form == "slices" or margin else stack[np.newaxis],
                "lesion_label": label[middle],
                "slice_index": z,
            },
        )


def _cut(
    patient: PatientVolumes, slices: Range, plane: tuple[Range, ...], settings: BratsSettings
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Images `(D, H, W, 4)` int16 and label `(D, H, W, 1)` uint8 of a box, resized."""
    box = (slices, *plane)
    images = np.stack([taken(image, box) for image in patient.images], axis=-1)
    label = taken(patient.label, box)[..., np.newaxis]
    if settings.size is None or settings.size == images.shape[1:3]:
        return images, label
    rows, columns = settings.size
    # An area average of 16-bit integers is exact in float32 up to rounding to the nearest integer.
    resized = [
        cv2.resize(s.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA) for s in images
    ]
    codes = [cv2.resize(s, (columns, rows), interpolation=cv2.INTER_NEAREST_EXACT) for s in label]
    return (
        np.rint(np.stack(resized)).astype(np.int16),
        np.stack(codes).reshape(len(codes), rows, columns, 1),
    )


def taken(array: NDArray[Any], box: tuple[Range, ...]) -> NDArray[Any]:
    """What lies in `box`, which may exceed the array: 0 there."""
    inside = tuple(slice(max(a, 0), min(b, n)) for (a, b), n in zip(box, array.shape, strict=True))
    spare = [(max(-a, 0), max(b - n, 0)) for (a, b), n in zip(box, array.shape, strict=True)]
    return np.pad(array[inside], spare) if np.any(spare) else array[inside]


def _placed(header: Header, box: Box, settings: BratsSettings, z: int) -> Example:
    """`slice_index`, `spacing`, `origin` and `direction` of pixels whose first slice is `z`."""
    (_, rows, columns) = box
    ratio = [(edges[1] - edges[0]) / n for edges, n in zip((rows, columns), settings.image_size, strict=True)]
    # The centre of the first stored pixel lies within the voxels it was averaged over.
    voxel = (z, rows[0] + (ratio[0] - 1) / 2, columns[0] + (ratio[1] - 1) / 2)
    steps = np.multiply(voxel, header.spacing)[::-1]
    origin = np.asarray(header.origin) + np.reshape(header.direction, (3, 3)) @ steps
    spacing = np.multiply(header.spacing, (1.0, *ratio))
    return {
        "slice_index": z,
        "spacing": spacing.astype(np.float32),
        "origin": origin.astype(np.float32),
        "direction": np.asarray(header.direction, np.float32),
    }


def _statistics(images: tuple[NDArray[np.int16], ...]) -> Example:
    """Of each whole volume: least and largest value; mean, spread and 99.5 % point above 0."""
    inside = [image[image > 0] for image in images]
    values = {
        "intensity_min": [image.min() for image in images],
        "intensity_max": [image.max() for image in images],
        "intensity_p995": [np.percentile(values, 99.5) for values in inside],
        "intensity_mean": [values.mean(dtype=np.float64) for values in inside],
        "intensity_std": [values.std(dtype=np.float64) for values in inside],
    }
    return {name: np.asarray(value, np.float32) for name, value in values.items()}
