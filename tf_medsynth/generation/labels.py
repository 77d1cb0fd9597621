"""Lesion labels to generate from: a packed pool, in memory or mapped from disk."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tf_medsynth.config.base import check
from tf_medsynth.metrics.coverage import Coverage, describe_lesion
from tf_medsynth.runtime import atomic_path, read_array

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
        _check_some(len(labels))
        self._labels = labels
        _check_lesions(len(self.lesions), len(labels))

    @classmethod
    def build(
        cls, labels: Iterable[np.ndarray], path: Path, num_classes: int, keep_empty: bool = False
    ) -> LabelPool:
        """The pool of `labels`, written one by one to `path` and mapped from there.

        Args:
            labels: `(H, W)` or `(H, W, 1)` integer class codes, all of one shape.
            path: the ``.npy`` file to write; replaced in one step when the last label is in.
            num_classes: codes are 0 to ``num_classes - 1``.
            keep_empty: also keep labels without any lesion: as many samples will have none.

        Raises:
            MedSynthError: shapes that differ, a code that is no class, no label that shows a lesion.
        """
        with atomic_path(path) as partial, partial.open("wb+") as file:
            shape: tuple[int, ...] = (0, 0, 0)
            shown = 0
            for label in _codes(labels, num_classes, keep_empty):
                if not shape[0]:
                    _write_header(file, (1, *label.shape))
                _check_same_shape(label, shape)
                file.write(label.tobytes())
                shape = (shape[0] + 1, *label.shape)
                shown += bool(label.any())
            _check_some(shape[0])
            _check_lesions(shown, shape[0])
            # NumPy pads its header so that the first axis can grow in place.
            file.seek(0)
            _write_header(file, shape)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> LabelPool:
        """The pool that `build` wrote to `path`, memory-mapped."""
        return cls(read_array(path, "uint8", (None, None, None), "Remove it: the labels are read again."))

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
    def lesions(self) -> np.ndarray:
        """Numbers of the labels that show a lesion, ascending, `(n,)` int32."""
        shown = [labels.any(axis=(1, 2)) for labels in self._blocks()]
        return np.flatnonzero(np.concatenate(shown)).astype(np.int32)

    @property
    def lesion_free(self) -> float:
        """Share of labels without any lesion."""
        return 1.0 - len(self.lesions) / len(self)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hexadecimal name of the labels and their order."""
        digest = hashlib.sha256(repr(self._labels.shape).encode())
        for labels in self._blocks():
            digest.update(np.ascontiguousarray(labels).data)
        return digest.hexdigest()[:16]

    def _blocks(self) -> Iterator[np.ndarray]:
        """The labels in order, a few in memory at a time."""
        for start in range(0, len(self), _ROWS_READ_AT_ONCE):
            yield self._labels[start : start + _ROWS_READ_AT_ONCE]

    def coverage(self, classes: Sequence[str]) -> Coverage:
        """Lesion size by place by class of the whole pool."""
        coverage = Coverage(self.image_size, classes)
        for label in self._labels:
            coverage.add(describe_lesion(label, classes))
        return coverage


def _codes(labels: Iterable[np.ndarray], num_classes: int, keep_empty: bool) -> Iterator[np.ndarray]:
    for label in labels:
        label = np.asarray(label)
        label = label[..., 0] if label.ndim == 3 and label.shape[-1] == 1 else label
        check("a lesion label has shape (H, W) or (H, W, 1)", label.ndim == 2, shape=label.shape)
        with np.errstate(invalid="ignore"):  # NaN is no code, as the next line says
            codes = label.astype(np.uint8)
        check(
            f"a lesion label holds whole class codes 0 to {num_classes - 1}",
            bool((codes == label).all()) and int(codes.max(initial=0)) < num_classes,
            "Map the labels' codes first.",
            minimum=float(label.min(initial=0)),
            maximum=float(label.max(initial=0)),
        )
        if keep_empty or codes.any():
            yield codes


def _check_some(labels: int) -> None:
    remedy = "Take slices that show a lesion, or keep empty labels."
    check("a label pool needs at least one label", labels > 0, remedy, labels=labels)


def _check_lesions(shown: int, labels: int) -> None:
    remedy = "Take slices that show one."
    check("a label pool needs a label that shows a lesion", shown > 0, remedy, labels=labels)


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
