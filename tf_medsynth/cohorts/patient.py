"""One patient's volumes: read, brought to one orientation and one grid, checked, named by class.

Doctor and builder read through this one file: `examine` tells all that is odd, `raise_first` and
`read_patient` raise the first error of it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.cohorts import images as image_checks
from tf_medsynth.cohorts import labels as label_checks
from tf_medsynth.cohorts import values
from tf_medsynth.cohorts.placement import Frame, How, frame_kind, place_image, place_label, replay
from tf_medsynth.cohorts.report import Finding
from tf_medsynth.cohorts.survey import PatientFiles
from tf_medsynth.config.base import check
from tf_medsynth.config.cohorts import CohortSettings
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.layouts import LABEL, LAYOUTS
from tf_medsynth.imaging.agreement import Edges, edges
from tf_medsynth.imaging.lesion_anatomy import CodeAnatomy
from tf_medsynth.imaging.orientation import CANONICAL, axis_codes
from tf_medsynth.imaging.volumes import Header, Volume, read_header, read_volume, volume_suffix
from tf_medsynth.types import MedSynthError

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Reading:
    """How a patient's files are read, once that is decided; plain values, kept in the record.

    Attributes:
        frame: the modality that the others were laid against.
        axes: its orientation as stored, e.g. ``"RAS"``.
        places: for each kind of file, whose word on its place is taken.
        scales: for each modality, the factor from its file's values to what is stored.
    """

    frame: str = "T1"
    axes: str = CANONICAL
    places: Mapping[str, How] = dataclasses.field(default_factory=dict)
    scales: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What is not as in every BraTS release: another frame, other axes, places and scales only."""
        kept: dict[str, Any] = {"axes": self.axes} if self.axes != CANONICAL else {}
        kept |= {"frame": self.frame} if self.frame != "T1" else {}
        places = {kind: how for kind, how in self.places.items() if how != "same"}
        scales = {kind: scale for kind, scale in self.scales.items() if scale != 1.0}
        return kept | ({"places": places} if places else {}) | ({"scales": scales} if scales else {})


@dataclasses.dataclass(frozen=True, eq=False)
class PatientVolumes:
    """What one patient contributes.

    Attributes:
        name: unique in the cohort.
        images: one `(z, y, x)` int16 array a modality, in the order of `BRAIN_MRI`, axes as `CANONICAL`.
        label: `(z, y, x)` uint8, index into the classes of `BRAIN_MRI`; all 0 for a patient without a label.
        header: geometry of the images.
        whole: nothing may be cropped: it was done before.
    """

    name: str
    images: tuple[NDArray[np.int16], ...]
    label: NDArray[np.uint8]
    header: Header
    whole: bool = False


@dataclasses.dataclass(eq=False)
class Examination:
    """What was seen in one patient.

    Attributes:
        files: of the patient.
        findings: in the order in which things are checked.
        facts: measurements, plain values.
        volumes: what is stored, None where an error forbids it or the voxels were not read.
        reading: how the files were read.
        anatomy: of the label's codes.
    """

    files: PatientFiles
    findings: list[Finding] = dataclasses.field(default_factory=list)
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)
    volumes: PatientVolumes | None = None
    reading: Reading = dataclasses.field(default_factory=Reading)
    anatomy: dict[int, CodeAnatomy] = dataclasses.field(default_factory=dict)

    def add(self, kind: str, *findings: Finding) -> None:
        """Adds what was found in one file, with its name."""
        path = self.files.files.get(kind)
        self.findings += [
            dataclasses.replace(f, file=f.file or (path.name if path else "")) for f in findings
        ]

    @property
    def errors(self) -> list[Finding]:
        """What forbids storing the patient."""
        return [finding for finding in self.findings if finding.severity == "error"]


def read_patient(
    files: PatientFiles, settings: CohortSettings | None = None, reading: Reading | None = None
) -> PatientVolumes:
    """The volumes of one patient, as they are stored.

    Args:
        files: from `find_patients`.
        settings: how the folder is read.
        reading: what an earlier `examine` decided; nothing is checked again then.

    Raises:
        MedSynthError: naming patient, file, rule and remedy; whatever `examine` calls an error.
    """
    if reading is not None:
        return _reread(files, reading)
    seen = examine(files, settings)
    raise_first(seen)
    assert seen.volumes is not None
    return seen.volumes


def raise_first(seen: Examination) -> None:
    """Raises what forbids storing a patient; one line.

    Raises:
        MedSynthError: there is an error among the findings.
    """
    if errors := seen.errors:
        more = f" (and {len(errors) - 1} more, which `medsynth doctor` lists)" if len(errors) > 1 else ""
        raise MedSynthError(f"Patient {seen.files.name}: {errors[0].text}{more}.")


def examine(files: PatientFiles, settings: CohortSettings | None = None, voxels: bool = True) -> Examination:
    """All that is odd about a patient, and the volumes where nothing forbids to store them.

    Args:
        files: from `find_patients`.
        settings: how the folder is read.
        voxels: read them; without, only names and headers are looked at.
    """
    settings = settings or CohortSettings()
    seen = Examination(files)
    _check_names(seen, settings)
    if not voxels:
        _check_headers(seen)
        return seen
    found = _readable(seen, read_volume)
    _note_doubts(seen, found)
    images = {kind: volume for kind, volume in found.items() if kind != LABEL}
    if not images:
        return seen
    sane = {kind: volume for kind, volume in images.items() if _finite(volume.array)}
    kind = frame_kind(sane or images)
    frame = Frame.of(kind, images[kind])
    _note_frame(seen, found, frame)
    arrays, drawn, places = _place_images(seen, found, frame)
    scales = _check_values(seen, arrays, settings)
    shaped = [m for m in BRAIN_MRI.modalities if m in scales and arrays[m].shape == frame.header.shape]
    sound = {m: arrays[m] for m in shaped}
    stored = {m: values.as_int16(array, scales[m]) for m, array in sound.items()}
    label = _label(seen, found, frame, stored, [e for m, e in drawn.items() if m in sound], places, settings)
    seen.findings += image_checks.findings(stored, seen.facts)
    seen.reading = Reading(kind, axis_codes(images[kind].direction), places, scales)
    if not seen.errors and len(stored) == BRAIN_MRI.num_modalities:
        classes = np.zeros(frame.header.shape, np.uint8) if label is None else label
        kept = tuple(stored[m] for m in BRAIN_MRI.modalities)
        seen.volumes = PatientVolumes(files.name, kept, classes, _stored_header(frame), files.whole)
    return seen


def _reread(files: PatientFiles, reading: Reading) -> PatientVolumes:
    volumes = {kind: read_volume(path, files.channels.get(kind)) for kind, path in files.files.items()}
    frame = Frame.of(reading.frame, volumes[reading.frame])
    images = []
    for modality in BRAIN_MRI.modalities:
        array = replay(frame, volumes[modality], reading.places.get(modality, "same"))
        images.append(values.as_int16(array, reading.scales.get(modality, 1.0)))
    label = np.zeros(images[0].shape, np.uint8)
    if files.label:
        placed = replay(frame, volumes[LABEL], reading.places.get(LABEL, "same"))
        codes = label_checks.whole_numbers(placed)
        unknown = label_checks.unknown_codes(codes, files.codes)
        check(
            "a label keeps the codes that were checked", not unknown, path=str(files.label), unknown=unknown
        )
        label = label_checks.classes_of(codes, files.codes)
    return PatientVolumes(files.name, tuple(images), label, _stored_header(frame), files.whole)


def _stored_header(frame: Frame) -> Header:
    return dataclasses.replace(frame.header, dtype="int16")


def _check_names(seen: Examination, settings: CohortSettings) -> None:
    """A missing label, and names in another letter case than their release's."""
    if seen.files.label is None and settings.unlabelled == "refuse":
        remedy = "Leave the patient out (--leave-out), or keep all such as a split (--set unlabelled=split)"
        seen.add(LABEL, Finding("error", "missing_label", "there is no lesion label", remedy))
    published = LAYOUTS.get(seen.files.layout)
    if published is None:
        return
    for kind, path in seen.files.files.items():
        text = path.resolve().as_posix()[: -len(volume_suffix(path) or "")]
        own = [template for template in published.templates if template.kind == kind]
        if not any(re.fullmatch(template.pattern.pattern, text) for template in own):
            text = f"{path.name} is not in the letter case of the release ({seen.files.layout})"
            seen.add(kind, Finding("warning", "letter_case", text))


def _check_headers(seen: Examination) -> None:
    headers = _readable(seen, read_header)
    _note_doubts(seen, headers)
    if "T1" in headers:
        seen.facts["shape"] = list(headers["T1"].shape)
        seen.facts["spacing"] = list(headers["T1"].spacing)
        for kind, finding in image_checks.header_findings(headers):
            seen.add(kind, finding)


def _readable(seen: Examination, read: Callable[[Path, int | None], T]) -> dict[str, T]:
    """What `read` makes of each file that it can read, by kind."""
    found: dict[str, T] = {}
    for kind, path in seen.files.files.items():
        try:
            found[kind] = read(path, seen.files.channels.get(kind))
        except MedSynthError as error:
            seen.add(kind, Finding("error", "unreadable", _bare(error)))
    return found


def _note_doubts(seen: Examination, found: Mapping[str, Header | Volume]) -> None:
    """What a header says in two ways."""
    for kind, volume in found.items():
        seen.add(kind, *(Finding("warning", "two_places", doubt) for doubt in volume.doubts))


def _note_frame(seen: Examination, found: Mapping[str, Volume], frame: Frame) -> None:
    """Geometry as facts, and which files are stored in another orientation than they are kept in."""
    first = found[frame.kind]
    seen.facts["shape"], seen.facts["spacing"] = list(frame.header.shape), list(frame.header.spacing)
    axes = axis_codes(first.direction)
    seen.facts["orientation"] = axes if first.placed else "unknown"
    if not first.placed:
        text = f"the header names no place: the voxels are taken as {CANONICAL}, as BraTS stores them"
        seen.add(frame.kind, Finding("warning", "unplaced", text))
    elif axes != CANONICAL:
        text = f"the volumes are stored as {axes}, and are turned to {CANONICAL}"
        seen.add(frame.kind, Finding("warning", "turned", text))
    for kind, volume in found.items():
        own = axis_codes(volume.direction)
        if own != axes and volume.placed and first.placed:
            text = f"{kind} is stored as {own}, {frame.kind} as {axes}"
            seen.add(kind, Finding("warning", "turned", text))


def _place_images(
    seen: Examination, found: Mapping[str, Volume], frame: Frame
) -> tuple[dict[str, NDArray[Any]], dict[str, Edges], dict[str, How]]:
    """Voxels in the frame, their edges, and whose word was taken, by modality."""
    arrays: dict[str, NDArray[Any]] = {frame.kind: frame.volume.array}
    drawn = {frame.kind: edges(frame.volume.array)} if _finite(frame.volume.array) else {}
    places: dict[str, How] = {frame.kind: "same"}
    for modality in [m for m in BRAIN_MRI.modalities if m in found and m != frame.kind]:
        volume = found[modality]
        if frame.kind not in drawn or not _finite(volume.array):
            arrays[modality], places[modality] = volume.array, "same"
            continue
        how, array, mine, odd = place_image(frame, drawn[frame.kind], modality, volume)
        seen.add(modality, *odd)
        arrays[modality], places[modality] = array, how
        if mine is not None and array.shape == frame.volume.array.shape:
            drawn[modality] = mine
    return arrays, drawn, places


def _check_values(
    seen: Examination, arrays: Mapping[str, NDArray[Any]], settings: CohortSettings
) -> dict[str, float]:
    """The scale of every modality that can be stored; findings and measurements of all."""
    facts: dict[str, dict[str, float]] = {}
    scales: dict[str, float] = {}
    for modality in [m for m in BRAIN_MRI.modalities if m in arrays]:
        array = arrays[modality]
        odd = values.findings(modality, array)
        seen.add(modality, *odd)
        if all(finding.severity == "warning" for finding in odd):
            scales[modality] = values.scale_of(array)
            facts[modality] = values.intensities(array)
    seen.facts["intensities"] = facts
    for copy, finding in image_checks.copies(arrays, settings.copied_modalities):
        seen.add(copy, finding)
    return scales


def _label(
    seen: Examination,
    found: Mapping[str, Volume],
    frame: Frame,
    images: Mapping[str, NDArray[np.int16]],
    drawn: list[Edges],
    places: dict[str, How],
    settings: CohortSettings,
) -> NDArray[np.uint8] | None:
    """The label by class, None where there is none, or none that can be stored."""
    if LABEL not in found:
        return None
    volume = found[LABEL]
    seen.facts["label_dtype"] = str(volume.array.dtype)
    seen.add(LABEL, *label_checks.type_findings(volume.array))
    try:
        codes = label_checks.whole_numbers(volume.array)
    except MedSynthError as error:
        seen.add(LABEL, Finding("error", "label_values", _bare(error)))
        return None
    brain = image_checks.brain_of(images) if images else np.zeros(frame.header.shape, bool)
    how, placed, odd = place_label(frame, drawn, brain, dataclasses.replace(volume, array=codes))
    seen.add(LABEL, *odd)
    places[LABEL] = how
    if any(finding.severity == "error" for finding in odd) or placed.shape != frame.header.shape:
        return None
    found_here, seen.anatomy = label_checks.findings(placed, images, brain, seen.files, settings, seen.facts)
    seen.add(LABEL, *found_here)
    if any(finding.severity == "error" for finding in found_here):
        return None
    return label_checks.classes_of(placed, seen.files.codes)


def _finite(array: NDArray[Any]) -> bool:
    return bool(np.isfinite(array.min()) and np.isfinite(array.max()))


def _bare(error: MedSynthError) -> str:
    return str(error).rstrip(".")
