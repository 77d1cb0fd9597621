"""Losses of a detector of one grid: every cell says a class and the box around its centre.

A cell answers for the smallest box its centre lies in, and the cell a box's centre lies in for that box,
so that no box is too small to be learnt.

Labels are boxes ``(B, n, 5)``, see `imaging.labels.boxes`; answers ``(B, h, w, K + 4)``: logits of K
classes, the first for no box, and how far the box reaches up, left, down and right (`predicted_boxes`).

Source: Tian et al., FCOS, ICCV 2019.
Deviates: the thesis has an SSD of 24,528 default boxes; one grid, no default boxes and no centre-ness here.
"""

from __future__ import annotations

from keras import ops

from tf_medsynth.types import Tensor

_REACH = 0.25
"""Of the image, by which a unit of softplus reaches."""
_NOWHERE = 4.0  # larger than any box's area, in images
_LEAST = 1e-6


def predicted_boxes(cells: Tensor) -> Tensor:
    """Top, left, bottom, right of every cell's box as shares of the image, ``(B, h, w, 4)`` float32.

    Args:
        cells: ``(B, h, w, K + 4)``.
    """
    _, rows, columns, _ = ops.shape(cells)
    reach = _REACH * ops.softplus(ops.cast(cells[..., -4:], "float32"))
    down = _centres(rows)[None, :, None]
    right = _centres(columns)[None, None, :]
    edges = down - reach[..., 0], right - reach[..., 1], down + reach[..., 2], right + reach[..., 3]
    return ops.clip(ops.stack(edges, axis=-1), 0.0, 1.0)


def cell_cross_entropy(label: Tensor, cells: Tensor) -> Tensor:
    """Cross-entropy of the cells' classes, ``(B,)``: mean of those with a box plus mean of the others."""
    wanted, boxed, _ = _wanted(label, cells)
    scores = ops.log_softmax(ops.cast(cells[..., :-4], "float32"), axis=-1)
    target = ops.one_hot(ops.cast(wanted[..., 4] * boxed, "int32"), scores.shape[-1], dtype="float32")
    each = -ops.sum(target * scores, axis=-1)
    return _mean(each, boxed) + _mean(each, 1.0 - boxed)


def box_error(label: Tensor, cells: Tensor) -> Tensor:
    """1 - intersection over union, mean over the cells with a box, ``(B,)``; 0 where there is none."""
    wanted, boxed, _ = _wanted(label, cells)
    return _mean(1.0 - _overlap(wanted[..., :4], predicted_boxes(cells)), boxed)


def detection_agreement(label: Tensor, cells: Tensor) -> Tensor:
    """How well boxes are found, ``(B,)`` in [0, 1].

    Of each box's cells the best counts: probability of its class times intersection over union. Mean
    over boxes; without any, the mean probability of there being none.
    """
    label = ops.cast(label, "float32")
    wanted, boxed, chosen = _wanted(label, cells)
    probability = ops.softmax(ops.cast(cells[..., :-4], "float32"), axis=-1)
    target = ops.one_hot(ops.cast(wanted[..., 4], "int32"), probability.shape[-1], dtype="float32")
    score = boxed * ops.sum(target * probability, axis=-1) * _overlap(wanted[..., :4], predicted_boxes(cells))
    own = ops.one_hot(chosen, label.shape[1], dtype="float32")
    best = ops.max(own * score[..., None], axis=(1, 2))
    present = ops.cast(label[..., 4] > 0, "float32")
    count = ops.sum(present, axis=1)
    none = ops.mean(probability[..., 0], axis=(1, 2))
    return ops.where(count > 0, ops.sum(present * best, axis=1) / ops.maximum(count, 1.0), none)


def _wanted(label: Tensor, cells: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The box each cell answers for ``(B, h, w, 5)``, whether it has one, and which of the label's."""
    label = ops.cast(label, "float32")
    _, rows, columns, _ = ops.shape(cells)
    down, right = _centres(rows), _centres(columns)
    top, left, bottom, far, code = (label[..., k : k + 1] for k in range(5))
    # (B, n, h) and (B, n, w): the cell's centre in the box, or the box's centre in the cell.
    in_rows = ((down >= top) & (down < bottom), _holds((top + bottom) / 2, rows))
    in_columns = ((right >= left) & (right < far), _holds((left + far) / 2, columns))
    inside = in_rows[0][..., None] & in_columns[0][:, :, None]
    inside = inside | (in_rows[1][..., None] & in_columns[1][:, :, None])
    area = ((bottom - top) * (far - left))[..., None]
    cost = ops.where(inside & (code > 0)[..., None], area, _NOWHERE)
    chosen = ops.argmin(cost, axis=1)
    boxed = ops.cast(ops.min(cost, axis=1) < _NOWHERE, "float32")
    flat = ops.reshape(chosen, (-1, rows * columns, 1))
    wanted = ops.take_along_axis(label, ops.broadcast_to(flat, (*ops.shape(flat)[:2], 5)), axis=1)
    return ops.reshape(wanted, (-1, rows, columns, 5)), boxed, chosen


def _overlap(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union of boxes ``(..., 4)``, pair by pair."""
    low, high = ops.maximum(one[..., :2], other[..., :2]), ops.minimum(one[..., 2:], other[..., 2:])
    shared = ops.prod(ops.maximum(high - low, 0.0), axis=-1)
    areas = [ops.prod(box[..., 2:] - box[..., :2], axis=-1) for box in (one, other)]
    return shared / ops.maximum(areas[0] + areas[1] - shared, _LEAST)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    total = ops.sum(weights, axis=(1, 2))
    return ops.sum(values * weights, axis=(1, 2)) / ops.maximum(total, 1.0)


def _centres(count: int) -> Tensor:
    return (ops.arange(count, dtype="float32") + 0.5) / ops.cast(count, "float32")


def _holds(position: Tensor, count: int) -> Tensor:
    """Whether each of `count` cells holds the position, ``(B, n, count)`` bool."""
    cell = ops.clip(ops.floor(position * ops.cast(count, "float32")), 0, ops.cast(count - 1, "float32"))
    return ops.arange(count, dtype="float32") == cell
