"""A label for each organ: stateless draws from a pool, augmented, until one lies inside."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.config.imaging import LabelAugmentConfig
from tf_medsynth.generation.labels import LabelPool
from tf_medsynth.imaging.augment import LABEL_UNIFORMS, apply_label_augmentation, label_augmentation
from tf_medsynth.imaging.fusion import label_inside
from tf_medsynth.types import Tensor

_LABEL_DRAWS = 0x1ABE1
"""Keeps the draws of labels apart from every other use of (seed, index)."""


class FittedLabels(NamedTuple):
    """What `fit_labels` found, a row a candidate."""

    labels: np.ndarray  # (n, H, W, 1) int32, 0 where none was found or wanted
    sources: list[int | None]  # number of the label in the pool; None where none fits
    tries: list[int]  # labels looked at


def fit_labels(
    pool: LabelPool,
    background_mask: np.ndarray,
    wanted: np.ndarray,
    settings: GenerationConfig,
    seed: int,
    index: np.ndarray,
) -> FittedLabels:
    """The first label inside each organ, of those that (seed, sample index, 0, 1, ...) names.

    A label that augmentation has moved out of sight fits nowhere.

    Args:
        pool: labels to draw from.
        background_mask: `(n, H, W, 1)`, 1 outside the organ.
        wanted: `(n,)` bool: rows to find a label for.
        settings: mode, augmentation and number of tries.
        seed: of the run.
        index: `(n,)` int64 sample indices.

    Source: Qu et al. (thesis), section 3.5: draw until no lesion pixel lies outside the organ.
    Deviates: tries are bounded, and a candidate without a label is given up, not used.
    """
    labels = np.zeros(background_mask.shape, np.int32)
    sources: list[int | None] = [None] * len(index)
    tries = [0] * len(index)
    open_rows = [int(row) for row in np.flatnonzero(wanted)]
    masks = background_mask.astype(np.float32)
    tried = _compiled_try(masks.shape, settings.augmentation if settings.labels == "augmented" else None)
    for attempt in range(settings.label_tries):
        if not open_rows:
            break
        # Whole chunks at their own rows, so that no row's arithmetic depends on which are left.
        drawn = np.zeros(background_mask.shape, np.int32)
        uniforms = np.zeros((len(index), LABEL_UNIFORMS), np.float32)
        numbers: dict[int, int] = {}
        for row in open_rows:
            numbers[row], uniforms[row] = draw_label(len(pool), seed, int(index[row]), attempt)
            drawn[row] = pool[numbers[row]]
        moved, fits = (answer.numpy() for answer in tried(*map(tf.constant, (drawn, uniforms, masks))))
        for row in open_rows:
            tries[row] += 1
            if fits[row]:
                labels[row], sources[row] = moved[row], numbers[row]
        open_rows = [row for row in open_rows if not fits[row]]
    return FittedLabels(labels, sources, tries)


def draw_label(size: int, seed: int, index: int, attempt: int) -> tuple[int, np.ndarray]:
    """Number of a label in [0, size) and `(LABEL_UNIFORMS,)` float32 in [0, 1) to augment it with.

    Both are named by (seed, sample index, attempt); NumPy promises `SeedSequence` never to change.
    """
    words = np.random.SeedSequence((_LABEL_DRAWS, seed, index, attempt)).generate_state(1 + LABEL_UNIFORMS)
    # 24 bits are all a float32 below 1 can hold.
    return int(words[0]) * size >> 32, ((words[1:] >> 8) * 2.0**-24).astype(np.float32)


@functools.lru_cache(maxsize=8)
def _compiled_try(shape: tuple[int, ...], augmentation: LabelAugmentConfig | None) -> Callable[..., Any]:
    """Labels, uniforms and masks of one attempt to moved labels and whether they fit, as one graph.

    Some sixty small operations: one by one they take ten times as long.
    """

    def attempt(labels: Tensor, uniforms: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        moved = labels
        if augmentation is not None:
            moved = apply_label_augmentation(labels, label_augmentation(uniforms, augmentation))
        lost = tf.reduce_any(labels != 0, (1, 2, 3)) & tf.reduce_all(moved == 0, (1, 2, 3))
        return moved, label_inside(masks, moved) & ~lost

    signature = (tf.int32, shape), (tf.float32, (shape[0], LABEL_UNIFORMS)), (tf.float32, shape)
    specs = [tf.TensorSpec(size, dtype) for dtype, size in signature]
    return tf.function(attempt).get_concrete_function(*specs)
