"""Where the voxels of a file lie against those of T1: by its header, or by the order of its voxels.

Headers are lost and mended wrongly on the way from the scanner, and voxels are mirrored by converters.
So where a header differs from T1's, the intensities decide which reading is right; where it does not,
they may still say that the voxels are mirrored. What they cannot decide is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.cohorts.report import Finding
from tf_medsynth.imaging.agreement import (
    Edges,
    edges,
    image_agreement,
    label_agreement,
    label_mirror_check,
    mirror_check,
    rank_places,
)
from tf_medsynth.imaging.orientation import Turn, canonical, turn_of
from tf_medsynth.imaging.volumes import Header, Volume, geometry_differences

How = Literal["same", "header", "voxels"]
"""The file says T1's place; its header was believed, or the order of its voxels, against T1's."""

EXACT_VOXELS = 0.05
"""An image is moved by whole voxels only: what is left of a shift after rounding must be less."""

SAME_HEAD = 0.5
"""Least overlap (Dice) of two brains, or share of a lesion inside the brain, that a reading must give."""

Arrays = dict[str, NDArray[Any]]
Score = Callable[[NDArray[Any]], float]


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """What the other files of a patient are laid against: T1, brought to the canonical orientation.

    Attributes:
        volume: T1, canonical.
        turn: how its stored voxels came there.
    """

    volume: Volume
    turn: Turn

    @classmethod
    def of(cls, t1: Volume) -> Frame:
        """The frame of T1 as it was read."""
        return cls(canonical(t1), turn_of(t1.direction))

    @property
    def header(self) -> Header:
        """Geometry of everything that was laid against T1."""
        return self.volume.header


def replay(frame: Frame, volume: Volume, how: How) -> NDArray[Any]:
    """The voxels of a file on T1's grid, read as was decided before."""
    if how == "voxels":
        return frame.turn.apply(volume.array)
    if how == "header":
        array = _by_header(frame, volume, exact=False)
        assert array is not None  # or it could not have been decided
        return array
    return canonical(volume).array


def readings(frame: Frame, volume: Volume, exact: bool) -> dict[How, NDArray[Any]]:
    """Every way to read a file whose header does not say T1's place; none where the shape differs."""
    found: dict[How, NDArray[Any]] = {}
    if volume.placed and (array := _by_header(frame, volume, exact)) is not None:
        found["header"] = array
    turned = frame.turn.apply(volume.array) if volume.array.ndim == 3 else volume.array
    if turned.shape == frame.volume.array.shape:
        found["voxels"] = turned
    return found


def differences(frame: Frame, header: Header) -> str:
    """How the place that a canonical header names differs from T1's; empty where it does not."""
    if not header.placed:
        unlike = header.shape != frame.header.shape
        return f"its header names no place{', and its shape is another' if unlike else ''}"
    return ", ".join(f"{name} {what}" for name, what in geometry_differences(frame.header, header).items())


def place_image(
    frame: Frame, reference: Edges, modality: str, volume: Volume
) -> tuple[How, NDArray[Any], Edges | None, list[Finding]]:
    """How a modality is to be read, its voxels on T1's grid, their edges, and what was odd.

    An error among the findings says that neither reading holds; the voxels are then as stored.
    """
    own = canonical(volume)
    text = differences(frame, own.header)
    if not text or _both_unplaced(frame, own):
        mine = edges(own.array)
        if turned := mirror_check(reference, mine):
            message = f"{modality} is {turned} against T1, although their headers name the same place"
            remedy = "One of the two is stored wrongly: convert it again from its source"
            return "same", own.array, mine, [Finding("error", "mirrored", message, remedy)]
        return "same", own.array, mine, []
    rivals = {
        how: array
        for how, array in readings(frame, volume, exact=True).items()
        if _overlap(frame.volume.array != 0, array != 0) >= SAME_HEAD
    }
    drawn = {how: edges(array) for how, array in rivals.items()}
    how, evidence = _decide(drawn, lambda found: image_agreement(reference, found), reference)
    message = f"{modality} lies on another grid than T1: {text}{evidence}"
    if how is None:
        remedy = "Resample it onto T1, or mend its header"
        return "same", own.array, None, [Finding("error", "grid", message, remedy)]
    return how, rivals[how], drawn[how], [Finding("warning", "place", f"{message}; {_believed(how)}")]


def place_label(
    frame: Frame, images: Sequence[Edges], brain: NDArray[np.bool_], volume: Volume
) -> tuple[How, NDArray[Any], list[Finding]]:
    """How the lesion label is to be read, its voxels on T1's grid, and what was odd; see `place_image`."""
    own = canonical(volume)
    text = differences(frame, own.header)
    if not text or _both_unplaced(frame, own):
        return "same", own.array, _mirrored_label(images, own.array)
    rivals = {
        how: array
        for how, array in readings(frame, volume, exact=False).items()
        if _share_inside(array, brain, int((volume.array != 0).sum())) >= SAME_HEAD
    }
    how, evidence = _decide(rivals, lambda label: label_agreement(images, label), None)
    message = f"the label lies on another grid than the images: {text}{evidence}"
    if how is None:
        remedy = "Is it another patient's? Else resample it onto T1, nearest neighbour"
        return "same", own.array, [Finding("error", "label_grid", message, remedy)]
    believed = Finding("warning", "label_place", f"{message}; {_believed(how)}")
    return how, rivals[how], [believed, *_mirrored_label(images, rivals[how])]


def _both_unplaced(frame: Frame, own: Volume) -> bool:
    """Whether neither T1 nor another file of its shape names a place: then the order of voxels is all."""
    return not own.placed and not frame.volume.placed and own.array.shape == frame.volume.array.shape


def _mirrored_label(images: Sequence[Edges], label: NDArray[Any]) -> list[Finding]:
    images = [image for image in images if image.shape == label.shape]
    turned = label_mirror_check(images, label) if images else None
    if turned is None:
        return []
    message = f"the label is {turned} against the images"
    remedy = "Export it again from the program in which it was drawn"
    return [Finding("error", "mirrored", message, remedy)]


def _decide(
    rivals: Mapping[How, Any], score: Callable[[Any], float], reference: Edges | None
) -> tuple[How | None, str]:
    """The reading that the intensities speak for, and what they say; None where they do not decide."""
    if not rivals:
        return None, "; no reading puts it where the patient is"
    if len(rivals) == 1:
        (how,) = rivals
        other = "as stored" if how == "header" else "by the header"
        mirrored = mirror_check(reference, rivals[how]) if reference is not None else None
        if mirrored:
            return None, f"; {_by(how)} it is {mirrored}"
        return how, f"; {other} it does not lie where the patient is"
    ranking = rank_places(score, {str(how): rival for how, rival in rivals.items()})
    values = ", ".join(f"{_by(how)} {ranking.scores[how]:.2f}" for how in rivals)
    best = next(how for how in rivals if how == ranking.best)
    return (best if ranking.decided else None), f"; agreement with the images {values}"


def _by(how: How) -> str:
    return {"header": "by its header", "voxels": "by its voxels", "same": "as stored"}[how]


def _believed(how: How) -> str:
    return "the header is believed" if how == "header" else "header only, the voxels align"


def _by_header(frame: Frame, volume: Volume, exact: bool) -> NDArray[Any] | None:
    """The voxels where the header says, on T1's grid; None where that takes more than a shift."""
    own = canonical(volume)
    unlike = set(geometry_differences(frame.header, own.header)) - {"origin"}
    if unlike:
        return None
    direction = np.reshape(frame.header.direction, (3, 3))
    steps = np.linalg.solve(direction, np.subtract(own.origin, frame.header.origin))
    offset = steps[::-1] / np.asarray(frame.header.spacing)
    whole = np.rint(offset)
    if exact and np.abs(offset - whole).max() > EXACT_VOXELS:
        return None
    return _shifted(own.array, [int(n) for n in whole])


def _shifted(array: NDArray[Any], steps: Sequence[int]) -> NDArray[Any]:
    """`array` moved by whole voxels along its axes, 0 moving in."""
    moved = np.zeros_like(array)
    lengths = array.shape
    if any(abs(step) >= length for step, length in zip(steps, lengths, strict=True)):
        return moved
    target = tuple(
        slice(max(step, 0), length + min(step, 0)) for step, length in zip(steps, lengths, strict=True)
    )
    source = tuple(
        slice(max(-step, 0), length - max(step, 0)) for step, length in zip(steps, lengths, strict=True)
    )
    moved[target] = array[source]
    return moved


def _overlap(first: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return 2 * float((first & other).sum()) / max(float(first.sum() + other.sum()), 1.0)


def _share_inside(label: NDArray[Any], brain: NDArray[np.bool_], count: int) -> float:
    """Share of a lesion of `count` voxels inside the brain; 1 for an empty label, which lies nowhere."""
    return float(((label != 0) & brain).sum()) / count if count else 1.0
