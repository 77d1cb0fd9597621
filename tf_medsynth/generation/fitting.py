"""A label for each organ: stateless draws from a pool, augmented, until one lies inside."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.config.imaging import LabelAugmentConfig, LabelPlace
from tf_medsynth.data.draws import Draw, draw
from tf_medsynth.generation.labels import LabelPool
from tf_medsynth.generation.rows import Rowwise
from tf_medsynth.imaging.augment import LABEL_UNIFORMS
from tf_medsynth.imaging.labels import LabelKind
from tf_medsynth.types import Tensor

_DRAWS = "label for an organ"

PickLabels = Callable[[Tensor], Tensor]
"""Labels ``(ROWS, ...)``, as their kind has them, of their numbers ``(ROWS,)`` int32 in the pool."""

OWN_MAP = -1
"""Source of a label that was read off the sample's own map, not drawn from a pool."""


class FittedLabels(NamedTuple):
    """What `fit_labels` found, a row a candidate."""

    labels: np.ndarray  # (n, ...), as their kind has them, 0 where none was found or wanted
    sources: list[int | None]  # number of the label in the pool, or `OWN_MAP`; None where none fits
    tries: list[int]  # labels looked at


def labels_of_maps(
    kind: LabelKind, structure_map: np.ndarray, background_mask: np.ndarray, wanted: np.ndarray
) -> FittedLabels:
    """The labels that drawn maps imply, of a kind that follows its map; not found where they show nothing.

    Args:
        kind: of the labels.
        structure_map: `(n, H, W, 1)`, 1 on a line.
        background_mask: `(n, H, W, 1)`, 1 outside the organ.
        wanted: `(n,)` bool: rows to read a label off.
    """
    labels = np.array(kind.of_map(structure_map, background_mask))
    labels[~wanted] = 0
    found = np.asarray(kind.shown(labels)) if kind.regions else wanted
    return FittedLabels(labels, [OWN_MAP if row else None for row in found], [int(row) for row in wanted])


def fit_labels(
    pool: LabelPool,
    kind: LabelKind,
    background_mask: np.ndarray,
    wanted: np.ndarray,
    settings: GenerationConfig,
    seed: int,
    index: np.ndarray,
) -> FittedLabels:
    """The first label inside each organ, of those that (seed, sample index, 0, 1, ...) names.

    A label that augmentation has moved out of sight fits nowhere; with ``label_place="anywhere"`` any
    other does. Whether a sample shows a lesion is settled by the first label drawn: an empty one fits
    every organ, and were it also taken where a lesion did not fit, samples would be empty too often.

    Args:
        pool: labels to draw from; as many of them are empty as shall be of the samples.
        kind: of the labels.
        background_mask: `(n, H, W, 1)`, 1 outside the organ.
        wanted: `(n,)` bool: rows to find a label for.
        settings: mode, augmentation, place and number of tries.
        seed: of the run.
        index: `(n,)` int64 sample indices.

    Source: Qu et al. (thesis), section 3.5: draw until no lesion pixel lies outside the organ.
    Deviates: tries are bounded, and a candidate without a label is given up, not used.
    """
    height, width = background_mask.shape[1:3]
    labels = np.zeros((len(index), *kind.shape(height, width)), kind.dtype)
    sources: list[int | None] = [None] * len(index)
    tries = [0] * len(index)
    open_rows = [int(row) for row in np.flatnonzero(wanted)]
    masks = background_mask.astype(np.float32)
    draws = _compiled_draws(len(pool), tuple(pool.lesions), settings.label_tries, settings.purpose)
    numbers, uniforms = (
        part.numpy() for part in draws(tf.constant(seed, tf.int64), tf.constant(index, tf.int64))
    )
    tried = _compiled_try(kind, (height, width), _augmentation(settings), settings.label_place)
    for attempt in range(settings.label_tries):
        if not open_rows:
            break
        drawn = np.zeros_like(labels)
        for row in open_rows:
            drawn[row] = pool[numbers[row, attempt]]
        moved, fits = (answer.numpy() for answer in tried(drawn, uniforms[:, attempt], masks))
        for row in open_rows:
            tries[row] += 1
            if fits[row]:
                labels[row], sources[row] = moved[row], int(numbers[row, attempt])
        open_rows = [row for row in open_rows if not fits[row]]
    return FittedLabels(labels, sources, tries)


def fit_function(
    pick: PickLabels,
    count: int,
    lesions: Sequence[int],
    image_size: tuple[int, int],
    settings: GenerationConfig,
    kind: LabelKind,
) -> Rowwise:
    """What `fit_labels` does, as one graph: function (background_mask, seed, index) to a dictionary.

    It answers ``lesion_label`` ``(B, ...)``, 0 where none was found, and ``label_found`` ``(B,)`` bool.

    Args:
        pick: reads labels from the pool.
        count: labels in the pool.
        lesions: numbers of those that show a lesion.
        image_size: (H, W).
        settings: mode, augmentation, place and number of tries.
        kind: of the labels.
    """
    augmentation, place, shape = _augmentation(settings), settings.label_place, kind.shape(*image_size)

    def fitted(masks: Tensor, seed: Tensor, index: Tensor) -> dict[str, Tensor]:
        numbers, uniforms = label_draws(count, lesions, settings.label_tries, seed, index, settings.purpose)

        def attempt(number: Tensor, labels: Tensor, found: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            drawn = pick(numbers[:, number])
            moved, fits = _try(drawn, uniforms[:, number], masks, kind, augmentation, place)
            taken = tf.reshape(fits & ~found, (-1, *(1 for _ in shape)))
            return number + 1, tf.where(taken, moved, labels), found | fits

        none = tf.zeros((*masks.shape[:1], *shape), kind.dtype)
        start = 0, none, tf.zeros(masks.shape[:1], tf.bool)
        _, labels, found = tf.while_loop(
            lambda number, _, found: (number < settings.label_tries) & ~tf.reduce_all(found), attempt, start
        )
        return {"lesion_label": labels, "label_found": found}

    name = tf.TensorSpec((), tf.int64)
    return Rowwise(fitted, tf.TensorSpec((*image_size, 1), tf.float32), name, name)


def label_draws(
    size: int, lesions: Sequence[int], tries: int, seed: Tensor, index: Tensor, purpose: str
) -> tuple[Tensor, Tensor]:
    """Numbers of labels `(B, tries)` int32 in [0, size), and what to augment them with.

    The first try is of all labels, every other of `lesions`. What they are augmented with is
    `(B, tries, LABEL_UNIFORMS)` float32 in [0, 1). Both are named by (seed, purpose, index).
    """
    drawn = draw(label_specs(tries), seed, index, purpose=purpose)[_DRAWS]
    first, others = _number(drawn[:, :1, 0], size), _number(drawn[:, 1:, 0], len(lesions))
    return tf.concat([first, tf.gather(tf.constant(lesions, tf.int32), others)], axis=1), drawn[..., 1:]


def label_specs(tries: int) -> dict[str, Draw]:
    """What the labels of an organ are drawn from."""
    return {_DRAWS: Draw((tries, 1 + LABEL_UNIFORMS), "uniform")}


def _number(uniform: Tensor, size: int) -> Tensor:
    # A float32 product may round up to the size itself.
    return tf.minimum(tf.cast(uniform * size, tf.int32), size - 1)


def _augmentation(settings: GenerationConfig) -> LabelAugmentConfig | None:
    return settings.augmentation if settings.labels == "augmented" else None


def _try(
    labels: Tensor,
    uniforms: Tensor,
    masks: Tensor,
    kind: LabelKind,
    augmentation: LabelAugmentConfig | None,
    place: LabelPlace,
) -> tuple[Tensor, Tensor]:
    """Labels moved by an augmentation, and whether each shows a lesion that lies in its place."""
    moved = labels
    if augmentation is not None:
        _, height, width, _ = masks.shape
        moved = kind.augment(labels, uniforms, augmentation, height, width)
    lost = kind.shown(labels) & ~kind.shown(moved)
    return moved, ~lost if place == "anywhere" else kind.fits(masks, moved) & ~lost


@functools.lru_cache(maxsize=8)
def _compiled_draws(size: int, lesions: tuple[int, ...], tries: int, purpose: str) -> Callable[..., Any]:
    """`label_draws` as one graph, for any number of rows."""
    specs = tf.TensorSpec((), tf.int64), tf.TensorSpec((None,), tf.int64)
    drawn = functools.partial(label_draws, size, lesions, tries, purpose=purpose)
    return tf.function(drawn, specs, autograph=False)


@functools.lru_cache(maxsize=8)
def _compiled_try(
    kind: LabelKind,
    image_size: tuple[int, int],
    augmentation: LabelAugmentConfig | None,
    place: LabelPlace,
) -> Callable[..., Any]:
    """One attempt as one graph: some sixty small operations, which one by one take ten times as long."""
    attempt = functools.partial(_try, kind=kind, augmentation=augmentation, place=place)
    specs = tf.TensorSpec(kind.shape(*image_size), kind.dtype), tf.TensorSpec((LABEL_UNIFORMS,), tf.float32)
    return Rowwise(attempt, *specs, tf.TensorSpec((*image_size, 1), tf.float32))
