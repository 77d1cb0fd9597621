"""Whether two volumes of one head coincide voxel by voxel: what a header says can so be tested.

Two contrasts of a head share no intensities, nor which side of an edge is brighter, but they share
where edges run and which way. So the squared cosine between gradients is compared: 1 along a common
edge, 1/3 on average for edges that have nothing to do with each other, whatever the contrast. A lesion
label is held against the images likewise: its outline lies along edges of at least one of them.

Everything happens on the reduced grid of `edge_field`. Agreement is 0 where there is nothing to compare,
small where there is little, and no verdict rests on a small one.

Source: Haber and Modersitzki, Intensity gradient based registration, MICCAI 2006.
Deviates: less the third that chance gives, and only inside the organ, whose outline would outvote the
rest.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.imaging.edge_field import Edges, edges, reduced
from tf_medsynth.imaging.extent import extent
from tf_medsynth.imaging.orientation import Turn

MARGIN = 0.15
"""A place is decided if its agreement exceeds that of the next by this much.

Measured by ``benchmarks/placement.py`` on 15 patients with 3 modalities each against T1, at 1, 2 and 3 mm:
the place as stored beats the best of 15 flips by 0.24, 0.21 and 0.17 or more in all 45, the label's own
place beats flips and shifts of 16 mm by 0.22, 0.21 and 0.16 or more in all 15. A modality displaced by up
to 30 mm never makes a flip better by more than 0.13; smooth blobs give flips of their label 0.12.
"""

AS_STORED = "as stored"
"""Name of the place that needs no turn."""

LEAST_MIRRORED = 0.45
"""A label counts as stored mirrored only if its agreement in the better place is at least this.

Among 47 flips one fits a coarse label by chance: spheres drawn inside the lesions of 15 patients reach
0.40 elsewhere. Expert labels have 0.47 and more in their own place, at 1 and 2 mm.
"""

_FEW = 500  # voxels, and of an outline: as many halve the agreement
_FEW_OUTLINE = 30
_ENOUGH = 4096
_NAMES: dict[tuple[bool, ...], str] = {
    (False, False, True): "left-right mirrored",
    (False, True, False): "front-back mirrored",
    (True, False, False): "mirrored upside down",
    (False, True, True): "turned by 180 degrees about the z axis",
    (True, False, True): "turned by 180 degrees about the y axis",
    (True, True, False): "turned by 180 degrees about the x axis",
    (True, True, True): "mirrored along all three axes",
}

_Place = TypeVar("_Place")


@dataclasses.dataclass(frozen=True)
class Ranking:
    """Which of several places fits best.

    Attributes:
        best: its name; of equal places the first.
        score: its agreement.
        runner_up: the next best, None if there was no other.
        runner_up_score: its agreement; 0 if there was no other.
        scores: the agreement of every place.
    """

    best: str
    score: float
    runner_up: str | None
    runner_up_score: float
    scores: Mapping[str, float]

    @property
    def decided(self) -> bool:
        """Whether the best place beats every other by `MARGIN`."""
        return self.runner_up is not None and self.score - self.runner_up_score >= MARGIN


def image_agreement(reference: NDArray[Any] | Edges, other: NDArray[Any] | Edges) -> float:
    """How well two images of one head coincide: 1 at best, about 0 for unrelated edges.

    Args:
        reference: `(z, y, x)`, or its `edges`.
        other: the same of the other image, of the same shape.

    Returns:
        Correlation of the products of the gradients with themselves, without their trace.
    """
    reference, other = _edges_of(reference), _edges_of(other)
    _check_shapes(reference.shape, other.shape)
    return _image_score(reference, _points(other), Turn())


def label_agreement(images: Sequence[NDArray[Any] | Edges], label: NDArray[Any]) -> float:
    """How well a lesion label's outline runs along edges of the images: 1 at best, 0.2 to 0.4 by chance.

    The image that fits best counts: a lesion need not show in every contrast.

    Args:
        images: `(z, y, x)` each, or their `edges`.
        label: `(z, y, x)`; any number of codes, 0 is no lesion.

    Returns:
        Mean squared cosine between outline and edge, times the share of the label inside the organ.
    """
    found = [_edges_of(image) for image in images]
    for image in found:
        _check_shapes(image.shape, label.shape)
    return _label_score(found, _outline(label), Turn())


def rank_places(score: Callable[[_Place], float], candidates: Mapping[str, _Place]) -> Ranking:
    """The candidates by `score`, highest best; of equal ones the first is the best.

    Give it the readings that are in question and no more: where a header and the voxel order disagree,
    these two. Every further candidate can only make the ranking undecided.

    Args:
        score: agreement of a candidate, as by `label_agreement` with the images' `edges`.
        candidates: arrays, or whatever `score` takes, by name.
    """
    check("at least one place is ranked", bool(candidates), "No flip has the shape.", candidates=[])
    scores = {name: float(score(place)) for name, place in candidates.items()}
    best, *others = sorted(scores, key=lambda name: -scores[name])
    runner_up = others[0] if others else None
    return Ranking(best, scores[best], runner_up, scores[runner_up] if runner_up else 0.0, scores)


def turns(shape: tuple[int, ...], target: tuple[int, ...]) -> dict[str, Turn]:
    """All turns of an array of `shape` to `target`, by name; "as stored", if it fits, comes first."""
    found = {}
    for axes in itertools.permutations(range(3)):
        if tuple(shape[axis] for axis in axes) == tuple(target):
            for flipped in itertools.product((False, True), repeat=3):
                turn = Turn(axes, flipped)
                found[_name(turn)] = turn
    return found


def flips(array: NDArray[Any], shape: tuple[int, ...]) -> dict[str, NDArray[Any]]:
    """The array mirrored and turned in every way that gives `shape`, by name; not as it is stored.

    The names hold for `tf_medsynth.imaging.orientation.CANONICAL` arrays. At most 47 views.
    """
    found = turns(array.shape, tuple(shape))
    return {name: turn.apply(array) for name, turn in found.items() if not turn.is_none}


def image_places(reference: NDArray[Any] | Edges, other: NDArray[Any] | Edges) -> Ranking:
    """Another contrast of the same head as stored and in every flip of its shape, ranked.

    Args:
        reference: `(z, y, x)`, or its `edges`.
        other: the same of the other image, of the same shape.
    """
    reference, other = _edges_of(reference), _edges_of(other)
    _check_shapes(reference.shape, other.shape)
    points = _points(other)
    places = turns(other.shape, reference.shape)
    return rank_places(lambda turn: _image_score(reference, points, turn), places)


def mirror_check(reference: NDArray[Any] | Edges, other: NDArray[Any] | Edges) -> str | None:
    """The flip under which two images coincide clearly better than as stored, or None.

    None is no proof that they coincide: there may be too little to tell, or a shift.

    Args:
        reference: `(z, y, x)`, or its `edges`.
        other: the same of another contrast of the same head, of the same shape.
    """
    ranking = image_places(reference, other)
    return ranking.best if ranking.score - ranking.scores[AS_STORED] >= MARGIN else None


def label_mirror_check(images: Sequence[NDArray[Any] | Edges], label: NDArray[Any]) -> str | None:
    """The flip under which a label fits the images clearly better than as stored, or None.

    Asks for more than `label_places`: also `LEAST_MIRRORED`. None is no proof that the label is in
    its place.

    Args:
        images: `(z, y, x)` each, or their `edges`.
        label: `(z, y, x)` of the same shape.
    """
    _check_shapes(_edges_of(images[0]).shape, label.shape)
    ranking = label_places(images, label)
    clear = ranking.score >= LEAST_MIRRORED and ranking.score - ranking.scores[AS_STORED] >= MARGIN
    return ranking.best if clear else None


def label_places(
    images: Sequence[NDArray[Any] | Edges],
    label: NDArray[Any],
    others: Mapping[str, NDArray[Any]] | None = None,
) -> Ranking:
    """A label as stored, in every flip that fits the images, and in `others`, ranked.

    Args:
        images: `(z, y, x)` each, or their `edges`.
        label: `(z, y, x)`; where its shape is not the images', only flips that match it count.
        others: further places by name, `(z, y, x)` of the images' shape, for instance the label
            brought to the images' grid by its header.
    """
    found = [_edges_of(image) for image in images]
    target = found[0].shape
    outline = _outline(label)
    places = {name: (outline, turn) for name, turn in turns(label.shape, target).items()}
    for name, place in (others or {}).items():
        _check_shapes(target, place.shape)
        places[name] = _outline(place), Turn()
    return rank_places(lambda place: _label_score(found, *place), places)


class _Points(NamedTuple):
    """Gradients at some voxels of the reduced grid, to be laid over another image in any turn."""

    shape: tuple[int, ...]
    reduced: tuple[int, ...]
    voxels: NDArray[np.intp]  # (3, n)
    gradient: NDArray[np.float32]  # (3, n)
    length: NDArray[np.float32]  # (n,), squared
    stride: int = 1  # every how many-th voxel is listed


def _edges_of(image: NDArray[Any] | Edges) -> Edges:
    return image if isinstance(image, Edges) else edges(image)


def _points(found: Edges) -> _Points:
    """The edges of an image as a list, of at least `_ENOUGH` voxels where there are as many."""
    stride = max(1, found.voxels.shape[1] // _ENOUGH)
    voxels = np.ascontiguousarray(found.voxels[:, ::stride])
    values = np.ascontiguousarray(found.field[tuple(voxels)].T)
    return _Points(found.shape, found.field.shape[:3], voxels, values[:3], values[3], stride)


def _outline(label: NDArray[Any]) -> _Points:
    """The outline of a label, any code, as a list."""
    covered = reduced(np.not_equal(label, 0).astype(np.float32))
    box = tuple(slice(max(0, side.start - 2), side.stop + 2) for side in extent(covered > 0))
    part = covered[box]
    gradient = np.zeros((3, *part.shape), np.float32)
    if min(part.shape) > 1:
        gradient = np.asarray(np.gradient(part))
    length = np.einsum("i...,i...", gradient, gradient)
    places = np.nonzero(length)
    voxels = np.stack(places) + np.array([[side.start] for side in box])
    return _Points(
        label.shape, covered.shape, voxels, gradient.transpose(1, 2, 3, 0)[places].T, length[places]
    )


def _image_score(reference: Edges, points: _Points, turn: Turn) -> float:
    """Correlation of traceless products, less where few voxels are common."""
    energy = math.sqrt(reference.energy / points.stride * float(points.length @ points.length))
    if energy == 0:
        return 0.0
    place = _places(points, turn)
    squared = float(_squared_cosines(reference, points, turn, place).sum())
    length = reference.field.reshape(-1, 4)[:, 3].take(place)
    shared = int(np.count_nonzero(length)) * points.stride
    return (1.5 * squared - 0.5 * float(length @ points.length)) / energy * shared / (shared + _FEW)


def _label_score(images: Sequence[Edges], outline: _Points, turn: Turn) -> float:
    """Mean squared cosine in the image that fits best, less what is outside and where there is little."""
    if not outline.length.any():
        return 0.0
    place = _places(outline, turn)
    best = 0.0
    for image in images:
        known = outline.length[image.field.reshape(-1, 4)[:, 3].take(place) > 0]
        if known.size:
            size = float(np.sqrt(known).sum())
            mean = float(_squared_cosines(image, outline, turn, place).sum()) / float(known.sum())
            inside = float(image.organ.reshape(-1).take(place) @ outline.length) / float(outline.length.sum())
            best = max(best, mean * inside * size / (size + _FEW_OUTLINE))
    return best


def _places(points: _Points, turn: Turn) -> NDArray[np.intp]:
    """`(n,)`: where the points lie after the turn, as indices of a flat array."""
    place = np.zeros(points.voxels.shape[1], np.intp)
    for old, flip in zip(turn.axes, turn.flipped, strict=True):
        length, along = points.reduced[old], points.voxels[old]
        place = place * length + (length - 1 - along if flip else along)
    return place


def _squared_cosines(
    image: Edges, points: _Points, turn: Turn, place: NDArray[np.intp]
) -> NDArray[np.float32]:
    """`(n,)`: squared product of the image's gradients with those of the turned points."""
    values = image.field.reshape(-1, 4).take(place, axis=0)
    product = np.zeros(place.shape, np.float32)
    for axis, (old, flip) in enumerate(zip(turn.axes, turn.flipped, strict=True)):
        part = values[:, axis] * points.gradient[old]
        product = product - part if flip else product + part
    return product**2


def _check_shapes(first: tuple[int, ...], other: tuple[int, ...]) -> None:
    check("volumes that are compared have one shape", first == other, first=first, other=other)


def _name(turn: Turn) -> str:
    """What was done to the array, in a user's words."""
    if turn.is_none:
        return AS_STORED
    if turn.axes == Turn().axes:
        return _NAMES[turn.flipped]
    axes = [("-" if flip else "") + "zyx"[axis] for axis, flip in zip(turn.axes, turn.flipped, strict=True)]
    return f"axes (z,y,x) -> ({','.join(axes)})"
