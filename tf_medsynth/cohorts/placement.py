"""Where the voxels of a file lie against those of its patient: by its header, or by the order of its voxels.

Headers are lost and mended wrongly on the way from the scanner, and voxels are mirrored by converters.
The frame is the place that most modalities name (T1's, where that is even). Where a header differs from it,
the intensities decide which reading is right; where it does not, they may still say that the voxels are
mirrored. What they cannot decide is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.cohorts.report import Finding
from tf_medsynth.imaging.agreement import (
    AS_STORED,
    Edges,
    Ranking,
    edges,
    image_agreement,
    image_places,
    label_agreement,
    label_mirror_check,
    label_places,
    mirror_check,
    rank_places,
)
from tf_medsynth.imaging.orientation import Turn, canonical, canonical_header, turn_of
from tf_medsynth.imaging.volumes import Header, Volume, geometry_differences

How = Literal["same", "header", "voxels"]
"""The file names the frame's place; or its header was believed, or the order of its voxels."""

EXACT_VOXELS = 0.05
"""An image is moved by whole voxels only: what is left of a shift after rounding must be less."""

SAME_HEAD = 0.5
"""Least overlap (Dice) of two brains, or share of a lesion inside the brain, that a reading must give."""


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """What the files of a patient are laid against: one modality, brought to the canonical orientation.

    Attributes:
        kind: the modality.
        volume: its volume, canonical.
        turn: how its stored voxels came there.
    """

    kind: str
    volume: Volume
    turn: Turn

    @classmethod
    def of(cls, kind: str, volume: Volume) -> Frame:
        """The frame of a modality as it was read."""
        return cls(kind, canonical(volume), turn_of(volume.direction))

    @property
    def header(self) -> Header:
        """Geometry of everything that was laid into the frame."""
        return self.volume.header


def frame_kind(found: Mapping[str, Volume]) -> str:
    """The modality of which most others name the same place; the first where that is even."""
    headers = {kind: canonical_header(volume.header) for kind, volume in found.items()}

    def alike(kind: str) -> int:
        return sum(not geometry_differences(headers[kind], other) for other in headers.values())

    return max(headers, key=alike)


def replay(frame: Frame, volume: Volume, how: How) -> NDArray[Any]:
    """The voxels of a file in the frame, read as was decided before."""
    if how == "voxels":
        return frame.turn.apply(volume.array)
    own = canonical(volume)
    if how == "header":
        array = _by_header(frame, own)
        assert array is not None  # or it could not have been decided
        return array
    return own.array


def _readings(frame: Frame, volume: Volume, own: Volume) -> tuple[dict[How, NDArray[Any]], bool]:
    """Every way to read a file whose header does not name the frame's place, none of another shape.

    And whether the header is out of the question: it says nothing, or what it says is among them.
    """
    found: dict[How, NDArray[Any]] = {}
    by_header = _by_header(frame, own) if volume.placed else None
    if by_header is not None:
        found["header"] = by_header
    turned = frame.turn.apply(volume.array)
    if turned.shape == frame.volume.array.shape:
        found["voxels"] = turned
    if len(found) == 2 and np.array_equal(found["header"], turned):
        del found["header"]  # less than half a voxel away: there is nothing to decide
    return found, not volume.placed or by_header is not None


def differences(frame: Frame, header: Header) -> str:
    """How the place that a canonical header names differs from the frame's; empty where it does not."""
    if not header.placed:
        unlike = header.shape != frame.header.shape
        return f"its header names no place{', and its shape is another' if unlike else ''}"
    return ", ".join(f"{name} {what}" for name, what in geometry_differences(frame.header, header).items())


def place_image(
    frame: Frame, reference: Edges, modality: str, volume: Volume
) -> tuple[How, NDArray[Any], Edges | None, list[Finding]]:
    """How a modality is to be read, its voxels in the frame, their edges, and what was odd.

    An error among the findings says that neither reading holds; the voxels are then as stored.
    """
    own = canonical(volume)
    text = differences(frame, own.header)
    if not text or _both_unplaced(frame, own):
        mine = edges(own.array)
        if turned := mirror_check(reference, mine):
            message = (
                f"{modality} is {turned} against {frame.kind}, although their headers name the same place"
            )
            remedy = "One of the two is stored wrongly: convert it again from its source"
            return "same", own.array, mine, [Finding("error", "mirrored", message, remedy)]
        return "same", own.array, mine, []
    every, lost = _readings(frame, volume, own)
    rivals = {how: a for how, a in every.items() if _overlap(frame.volume.array, a) >= SAME_HEAD}
    drawn = {how: edges(array) for how, array in rivals.items()}
    how, evidence = _decide(
        drawn,
        lambda found: image_agreement(reference, found),
        lambda found: image_places(reference, found),
        lost,
    )
    message = f"{modality} lies on another grid than {frame.kind}: {text}{evidence}"
    if how == "header" and not _whole_voxels(frame, own):
        how, message = None, f"{message}, which is no shift by whole voxels"
    if how is None:
        remedy = f"Resample it onto {frame.kind}, or mend its header"
        return "same", own.array, None, [Finding("error", "grid", message, remedy)]
    return how, rivals[how], drawn[how], [Finding("warning", "place", f"{message}; {_believed(how)}")]


def place_label(
    frame: Frame, images: Sequence[Edges], brain: NDArray[np.bool_], volume: Volume
) -> tuple[How, NDArray[Any], list[Finding]]:
    """How the lesion label is to be read, its voxels in the frame, and what was odd; see `place_image`.

    Read by its header, a label is moved to the nearest voxels.
    """
    own = canonical(volume)
    text = differences(frame, own.header)
    if not text or _both_unplaced(frame, own):
        return "same", own.array, _mirrored_label(images, own.array)
    every, lost = _readings(frame, volume, own)
    count = int((volume.array != 0).sum())
    rivals = {how: array for how, array in every.items() if _share_inside(array, brain, count) >= SAME_HEAD}
    how, evidence = _decide(
        rivals,
        lambda label: label_agreement(images, label),
        lambda label: label_places(images, label),
        lost,
    )
    message = f"the label lies on another grid than the images: {text}{evidence}"
    if how is None:
        remedy = "Is it another patient's? Else resample it onto the images, nearest neighbour"
        return "same", own.array, [Finding("error", "label_grid", message, remedy)]
    believed = Finding("warning", "label_place", f"{message}; {_believed(how)}")
    return how, rivals[how], [believed, *_mirrored_label(images, rivals[how])]


def _both_unplaced(frame: Frame, own: Volume) -> bool:
    """Whether neither frame nor another file of its shape names a place: then the order of voxels is all."""
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
    rivals: Mapping[How, Any],
    score: Callable[[Any], float],
    places: Callable[[Any], Ranking],
    lost: bool,
) -> tuple[How | None, str]:
    """The reading that the intensities speak for, and what they say; None where they do not decide.

    Args:
        rivals: readings that put the file where the patient is.
        score: agreement of a reading.
        places: a reading as it is, ranked with all its flips.
        lost: the header says nothing, or what it says was tried. Then the order of the voxels needs no
            more than that no flip is better; against a header that may be right it must be clearly best.
    """
    if not rivals:
        return None, "; no reading puts it where the patient is"
    if len(rivals) == 1:
        (how,) = rivals
        ranking = places(rivals[how])
        if ranking.decided and ranking.best != AS_STORED:
            return None, f"; {_by(how)} it is {ranking.best}"
        if lost:
            return how, f"; only {_by(how)} it lies where the patient is"
        sure = ranking.decided and ranking.best == AS_STORED
        text = f"; its header's place would need resampling, {_by(how)} it agrees by {ranking.score:.2f}"
        return (how if sure else None), text
    ranking = rank_places(score, {str(how): rival for how, rival in rivals.items()})
    values = ", ".join(f"{_by(how)} {ranking.scores[how]:.2f}" for how in rivals)
    best = next(how for how in rivals if how == ranking.best)
    return (best if ranking.decided else None), f"; agreement with the images {values}"


def _by(how: How) -> str:
    return {"header": "by its header", "voxels": "by its voxels", "same": "as stored"}[how]


def _believed(how: How) -> str:
    return "the header is believed" if how == "header" else "header only, the voxels align"


def _by_header(frame: Frame, own: Volume) -> NDArray[Any] | None:
    """Canonical voxels where their header says, to the nearest; None where that takes more than a shift."""
    if set(geometry_differences(frame.header, own.header)) - {"origin"}:
        return None
    return _shifted(own.array, [int(n) for n in np.rint(_offset(frame, own))])


def _whole_voxels(frame: Frame, own: Volume) -> bool:
    offset = _offset(frame, own)
    return bool(np.abs(offset - np.rint(offset)).max() <= EXACT_VOXELS)


def _offset(frame: Frame, own: Volume) -> NDArray[np.float64]:
    """Where a canonical volume of the frame's axes begins, in voxels (z, y, x) of the frame."""
    direction = np.reshape(frame.header.direction, (3, 3))
    steps = np.linalg.solve(direction, np.subtract(own.origin, frame.header.origin))
    return np.asarray(steps[::-1] / np.asarray(frame.header.spacing))


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


def _overlap(first: NDArray[Any], other: NDArray[Any]) -> float:
    """Dice of what is not 0 in two images."""
    a, b = first != 0, other != 0
    return 2 * float((a & b).sum()) / max(float(a.sum() + b.sum()), 1.0)


def _share_inside(label: NDArray[Any], brain: NDArray[np.bool_], count: int) -> float:
    """Share of a lesion of `count` voxels inside the brain; 1 for an empty label, which lies nowhere."""
    return float(((label != 0) & brain).sum()) / count if count else 1.0
