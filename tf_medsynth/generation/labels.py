"""Lesion labels to generate from: a packed pool on disk, and stateless draws from it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import tensorflow as tf

from tf_medsynth.config.base import check
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.config.imaging import LabelAugmentConfig
from tf_medsynth.generation.coverage import Coverage, describe_lesion
from tf_medsynth.imaging.augment import LABEL_UNIFORMS, apply_label_augmentation, label_augmentation
from tf_medsynth.imaging.fusion import label_inside
from tf_medsynth.runtime import atomic_path
from tf_medsynth.types import NUM_CLASSES, Tensor

_LABEL_DRAWS = 0x1ABE1
"""Keeps the draws of labels apart from every other use of (seed, index)."""

_ROWS_READ_AT_ONCE = 64


class LabelPool:
    """Integer lesion labels `(N, H, W)` uint8, in memory or mapped from a ``.npy`` file.

    A mapped pool costs the memory of the labels in use, whatever its size.
    """

    def __init__(self, labels: np.ndarray) -> None:
        check(
            "a label pool is an array (N, H, W) of uint8 class codes",
            labels.ndim == 3 and labels.dtype == np.uint8,
            shape=labels.shape,
            dtype=str(labels.dtype),
        )
        check(
            "a label pool needs at least one label",
            len(labels) > 0,
            "Take slices that show a lesion, or keep empty labels.",
            labels=len(labels),
        )
        self._labels = labels

    @classmethod
    def build(cls, labels: Iterable[np.ndarray], path: Path, keep_empty: bool = False) -> LabelPool:
        """The pool of `labels`, written one by one to `path` and mapped from there.

        Args:
            labels: `(H, W)` or `(H, W, 1)` integer class codes, all of one shape.
            path: the ``.npy`` file to write; replaced in one step when the last label is in.
            keep_empty: also keep labels without any lesion.

        Raises:
            MedSynthError: shapes that differ, a code that is no class, no label left.
        """
        with atomic_path(path) as partial, partial.open("wb+") as file:
            shape: tuple[int, ...] = (0, 0, 0)
            for label in _codes(labels, keep_empty):
                if not shape[0]:
                    _write_header(file, (1, *label.shape))
                _check_same_shape(label, shape)
                file.write(label.tobytes())
                shape = (shape[0] + 1, *label.shape)
            check(
                "a label pool needs at least one label",
                shape[0] > 0,
                "Take slices that show a lesion, or keep empty labels.",
                labels=shape[0],
            )
            # NumPy pads its header so that the first axis can grow in place.
            file.seek(0)
            _write_header(file, shape)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> LabelPool:
        """The pool that `build` wrote to `path`, memory-mapped."""
        try:
            labels = np.load(path, mmap_mode="r")
        except (OSError, ValueError) as error:
            check("a label pool must be a readable .npy file", False, path=str(path), error=str(error))
        return cls(labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, number: int) -> np.ndarray:
        """Label `number` as `(H, W, 1)` int32."""
        return self._labels[number][..., None].astype(np.int32)

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W)."""
        rows, columns = self._labels.shape[1:]
        return rows, columns

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hexadecimal name of the labels and their order."""
        digest = hashlib.sha256(repr(self._labels.shape).encode())
        for start in range(0, len(self), _ROWS_READ_AT_ONCE):
            digest.update(np.ascontiguousarray(self._labels[start : start + _ROWS_READ_AT_ONCE]).data)
        return digest.hexdigest()[:16]

    def coverage(self) -> Coverage:
        """Lesion size by place by class of the whole pool."""
        coverage = Coverage(self.image_size)
        for label in self._labels:
            coverage.add(describe_lesion(label))
        return coverage


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


def _codes(labels: Iterable[np.ndarray], keep_empty: bool) -> Iterator[np.ndarray]:
    for label in labels:
        label = np.asarray(label)
        label = label[..., 0] if label.ndim == 3 and label.shape[-1] == 1 else label
        check("a lesion label has shape (H, W) or (H, W, 1)", label.ndim == 2, shape=label.shape)
        codes = label.astype(np.uint8)
        check(
            f"a lesion label holds whole class codes 0 to {NUM_CLASSES - 1}",
            bool((codes == label).all()) and int(codes.max(initial=0)) < NUM_CLASSES,
            "Map the labels' codes first.",
            minimum=float(label.min(initial=0)),
            maximum=float(label.max(initial=0)),
        )
        if keep_empty or codes.any():
            yield codes


def _check_same_shape(label: np.ndarray, shape: tuple[int, ...]) -> None:
    check(
        "labels of one pool have one shape",
        not shape[0] or label.shape == shape[1:],
        first=shape[1:],
        then=label.shape,
    )


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
