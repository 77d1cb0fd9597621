"""Detection: overlap of boxes, average precision at an IoU of 0.5, mean IoU.

A box is ``(top, left, bottom, right)`` in any unit, bottom and right outside the object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check

Scores = NDArray[np.float64]


class Detections(NamedTuple):
    """What was found in one image."""

    boxes: ArrayLike  # (n, 4)
    scores: ArrayLike  # (n,), higher is surer
    classes: ArrayLike  # (n,), integers


class Objects(NamedTuple):
    """What is in one image."""

    boxes: ArrayLike  # (n, 4)
    classes: ArrayLike  # (n,), integers


def box_iou(boxes: ArrayLike, others: ArrayLike) -> Scores:
    """Intersection over union of every box with every other, `(n, m)` in [0, 1].

    Args:
        boxes: `(n, 4)`.
        others: `(m, 4)`.
    """
    one, two = _boxes(boxes, "boxes"), _boxes(others, "others")
    top_left = np.maximum(one[:, None, :2], two[None, :, :2])
    bottom_right = np.minimum(one[:, None, 2:], two[None, :, 2:])
    shared = np.prod(np.maximum(bottom_right - top_left, 0.0), axis=-1)
    areas = [np.prod(b[:, 2:] - b[:, :2], axis=-1) for b in (one, two)]
    return np.asarray(shared / (areas[0][:, None] + areas[1][None, :] - shared))


def average_precision(
    detections: Sequence[Detections], objects: Sequence[Objects], class_code: int, least_iou: float = 0.5
) -> float:
    """Area under the precision-recall curve of one class, in [0, 1]; NaN where no image holds it.

    From the surest detection on, each is compared with the object it overlaps most; it is right if
    the IoU reaches `least_iou` and no surer one has taken that object. Precision is made
    to fall monotonically, and the whole area counts.

    Args:
        detections: one an image.
        objects: same length.
        class_code: which class.
        least_iou: in (0, 1].

    Source: Everingham et al., the PASCAL VOC challenge, IJCV 111(1), 2015, as from 2010 on.
    """
    check("each image needs its objects", len(detections) == len(objects), images=len(detections))
    check("least_iou must lie in (0, 1]", 0 < least_iou <= 1, least_iou=least_iou)
    scores, right, total = [], [], 0
    for found, present in zip(detections, objects, strict=True):
        known = _of_class(present.boxes, present.classes, class_code)[0]
        boxes, sure = _of_class(found.boxes, found.classes, class_code, found.scores)
        total += len(known)
        scores.append(sure)
        right.append(_matches(boxes, sure, known, least_iou))
    if not total:
        return float("nan")
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hits = np.cumsum(np.concatenate(right)[order])
    recall = np.concatenate([[0.0], hits / total])
    precision = hits / np.arange(1, len(hits) + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall) * falling).sum())


def mean_average_precision(
    detections: Sequence[Detections], objects: Sequence[Objects], least_iou: float = 0.5
) -> float:
    """Mean of `average_precision` over the classes that occur among `objects`; NaN without any object."""
    present = [np.asarray(image.classes).ravel() for image in objects]
    codes = sorted({int(code) for image in present for code in image})
    each = [average_precision(detections, objects, code, least_iou) for code in codes]
    return float(np.mean(each)) if each else float("nan")


def mean_iou(detections: Sequence[Detections], objects: Sequence[Objects]) -> float:
    """Mean over all objects of the IoU with the best detection of their class, in [0, 1].

    An object that nothing overlaps counts 0; detections of nothing are not punished, which is what
    `mean_average_precision` is for. NaN without any object.
    """
    check("each image needs its objects", len(detections) == len(objects), images=len(detections))
    best: list[float] = []
    for found, present in zip(detections, objects, strict=True):
        for code in np.unique(np.asarray(present.classes).ravel()):
            known = _of_class(present.boxes, present.classes, int(code))[0]
            boxes = _of_class(found.boxes, found.classes, int(code))[0]
            best += list(box_iou(known, boxes).max(axis=1, initial=0.0))
    return float(np.mean(best)) if best else float("nan")


def _matches(boxes: Scores, sure: Scores, known: Scores, least_iou: float) -> NDArray[np.bool_]:
    """For each detection, whether it is the first to hit the object that it overlaps most."""
    right = np.zeros(len(boxes), bool)
    if not len(boxes) or not len(known):
        return right
    overlap = box_iou(boxes, known)
    taken = np.zeros(len(known), bool)
    for row in np.argsort(-sure, kind="stable"):
        column = int(overlap[row].argmax())
        if overlap[row, column] >= least_iou and not taken[column]:
            right[row] = taken[column] = True
    return right


def _of_class(
    boxes: ArrayLike, classes: ArrayLike, code: int, scores: ArrayLike | None = None
) -> tuple[Scores, Scores]:
    array, codes = _boxes(boxes, "boxes"), np.asarray(classes).ravel()
    sure = np.ones(len(array)) if scores is None else np.asarray(scores, np.float64).ravel()
    check(
        "each box needs its class and its finite score",
        len(array) == len(codes) == len(sure) and bool(np.isfinite(sure).all()),
        boxes=len(array),
        classes=len(codes),
        scores=len(sure),
    )
    return array[codes == code], sure[codes == code]


def _boxes(boxes: ArrayLike, name: str) -> Scores:
    array = np.asarray(boxes, np.float64)
    array = array.reshape(0, 4) if array.size == 0 else array
    check(f"{name} must have shape (n, 4)", array.ndim == 2 and array.shape[1] == 4, shape=array.shape)
    whole = bool(np.isfinite(array).all() and (array[:, 2:] > array[:, :2]).all())
    check(f"{name} are (top, left, bottom, right), finite, with an area", whole)
    return array
