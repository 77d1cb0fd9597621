"""The nearest image in a set, whether mirrored or moved by a few pixels: coarse to fine, in blocks.

Every pair is compared by coarse descriptors (`descriptors.coarse`), the best few of them at full
resolution. Nothing larger than a block is held beside the set's descriptors, a byte a pixel.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.metrics import neighbours
from tf_medsynth.metrics.descriptors import Descriptors, coarse, describe, lengths

SHIFT = 3
"""Largest displacement along an axis that is looked through, px."""

CANDIDATES = 16
"""Images that are compared at full resolution."""

_MARGIN = SHIFT + 1
_COARSE_SHIFTS = (-2, 0, 2)
_AROUND = (-1, 0, 1)
_BLOCK = 32
_ROWS = 1024

Progress = Callable[..., Iterable[Any]]


class Neighbours(NamedTuple):
    """The nearest image of each query, one entry a query."""

    distance: NDArray[np.float64]  # 1 - correlation, in [0, 1]; 1 for a constant image
    nearest: NDArray[np.int64]  # of the nearest image
    flipped: NDArray[np.bool_]  # whether the query had to be mirrored left to right
    shift: NDArray[np.int64]  # (n, 2): dy, dx in px by which the (mirrored) query was moved


class ImageIndex:
    """A set of images to look for neighbours in.

    Args:
        fine: `(n, H, W, M)` int8 descriptors, as `describe` makes them; may be memory-mapped.
        sigma: as `describe` took it.
    """

    def __init__(self, fine: NDArray[np.int8], sigma: float | None = None) -> None:
        check("an index holds at least 1 image", fine.ndim == 4 and len(fine) > 0, shape=fine.shape)
        self.fine, self.length, self.sigma = fine, lengths(fine), sigma
        self._coarse = np.concatenate([coarse(one) for one in fine])
        self._coarse_length = lengths(self._coarse)

    @classmethod
    def of(cls, images: Any, sigma: float | None = None, progress: Progress | None = None) -> ImageIndex:
        """The index of `(n, H, W, M)` images in [0, 1]: an array, or anything sliced like one."""
        fine = np.empty(images.shape, np.int8)
        blocks = _described(images, sigma, progress, "describe")
        for start, block in zip(range(0, len(fine), _BLOCK), blocks, strict=True):
            fine[start : start + _BLOCK] = block.fine
        return cls(fine, sigma)

    def __len__(self) -> int:
        return len(self.fine)

    def nearest(
        self, images: Any, candidates: int = CANDIDATES, progress: Progress | None = None
    ) -> Neighbours:
        """The nearest image of the set for each of `images`.

        The distance of two images is 1 minus the correlation of their band-passed modalities, the
        least over mirroring left to right and every displacement of up to `SHIFT` px; what a
        displacement moves out of the frame counts as different. So it is 0 for a copy, also one
        of other brightness or contrast, and about 1 for images that share nothing.

        Args:
            images: `(q, H, W, M)` in [0, 1], of the set's size: an array, or anything sliced like one.
            candidates: how many images are compared at full resolution; more is slower and finds the
                nearest of a set of look-alikes more surely.
            progress: shows how far it is, like `runtime.progress`.

        Raises:
            MedSynthError: images of another size or range, no images, no candidates.
        """
        return self._search(_described(images, self.sigma, progress, "nearest"), images.shape, candidates)

    def nearest_described(
        self,
        fine: NDArray[np.int8],
        candidates: int = CANDIDATES,
        progress: Progress | None = None,
        apart: tuple[NDArray[Any], NDArray[Any]] | None = None,
    ) -> Neighbours:
        """As `nearest`, of descriptors that `describe` made with the set's `sigma`.

        Args:
            apart: groups `(q,)` of the queries and `(n,)` of the set: a query is compared with images of
                other groups alone, e.g. of other persons.
        """
        starts = _starts(len(fine), progress, "nearest")
        parts = (fine[start : start + _BLOCK] for start in starts)
        blocks = (Descriptors(part, lengths(part)) for part in parts)
        if apart is None:
            return self._search(blocks, fine.shape, candidates)
        own, groups = (np.asarray(names) for names in apart)
        several = len(np.unique(groups)) > 1
        check("images are compared with another group's: there must be two", several, groups=len(groups))
        return self._search(blocks, fine.shape, candidates, (groups != one for one in own))

    def _search(
        self,
        blocks: Iterable[Descriptors],
        shape: tuple[int, ...],
        candidates: int,
        allowed: Iterable[NDArray[np.bool_] | None] = itertools.repeat(None),
    ) -> Neighbours:
        check("candidates must be at least 1", candidates >= 1, candidates=candidates)
        check(
            "images and the set must have one size",
            tuple(shape[1:]) == self.fine.shape[1:],
            images=tuple(shape),
            set=self.fine.shape,
        )
        others = iter(allowed)
        found = [
            self._nearest_of(fine, float(length), scores, candidates, next(others))
            for block in blocks
            for fine, length, scores in zip(*block, self._coarse_scores(block), strict=True)
        ]
        distance, index, flipped, shift = zip(*found, strict=True)
        return Neighbours(np.array(distance), np.array(index), np.array(flipped), np.array(shift))

    def _coarse_scores(self, block: Descriptors) -> NDArray[np.float32]:
        """Coarse correlation of each query, mirrored and moved, with each image: `(q, 2 * s * s, n)`."""
        both = [coarse(view, _COARSE_SHIFTS) for fine in block.fine for view in (fine, fine[:, ::-1])]
        queries = np.concatenate(both)
        products = queries @ self._coarse.T
        products /= lengths(queries).astype(np.float32)[:, None]
        products /= self._coarse_length.astype(np.float32)
        return products.reshape(len(block.fine), -1, len(self))

    def _nearest_of(
        self,
        fine: NDArray[np.int8],
        length: float,
        scores: NDArray[Any],
        candidates: int,
        allowed: NDArray[np.bool_] | None,
    ) -> tuple[float, int, bool, tuple[int, int]]:
        ways, best = scores.argmax(0), scores.max(0)
        # Equal scores in order of the set, so that one answer is right.
        order = np.argsort(-best, kind="stable")
        order = (order if allowed is None else order[allowed[order]])[:candidates]
        queries = [_padded(view).ravel() for view in (fine, fine[:, ::-1])]
        nearest: tuple[float, int, bool, tuple[int, int]] = (1.0, int(order[0]), False, (0, 0))
        for number in order:
            image = _padded(self.fine[number])
            stride, step = image[0].size, image.shape[2]
            middle = image[_MARGIN:-_MARGIN].ravel()
            flipped, row, column = np.unravel_index(
                ways[number], (2, len(_COARSE_SHIFTS), len(_COARSE_SHIFTS))
            )
            for dy, dx in _displacements(_COARSE_SHIFTS[row], _COARSE_SHIFTS[column]):
                # Both are padded with zeros, so a displacement is another place to start reading.
                start = (_MARGIN - dy) * stride - dx * step
                product = np.dot(queries[flipped][start : start + middle.size], middle)
                distance = 1.0 - max(float(product) / (length * self.length[number]), 0.0)
                if distance < nearest[0]:
                    nearest = distance, int(number), bool(flipped), (dy, dx)
        return nearest


def nearest_features(
    samples: NDArray[Any], reference: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Euclidean distance and index of the nearest row of `reference` `(n, d)` for each of `samples`.

    Args:
        samples: `(q, d)` feature vectors, or `(v, q, d)`: of v views of each sample (itself, its
            mirror image, ...), of which the nearest counts.
        reference: `(n, d)`, from the same extractor.

    Raises:
        MedSynthError: other shapes, no rows, values that are not finite.
    """
    views, rows = np.asarray(samples), np.asarray(reference, np.float64)
    views = views[None] if views.ndim == 2 else views
    check(
        "features are rows of one length, at least 1 of each",
        views.ndim == 3 and rows.ndim == 2 and views.shape[2] == rows.shape[1] and views.size > 0 < rows.size,
        samples=views.shape,
        reference=rows.shape,
    )
    finite = bool(np.isfinite(views).all() and np.isfinite(rows).all())
    check("features must be finite", finite, "Look at the extractor.")
    index = np.stack([neighbours.nearest(view, rows).indices[:, 0] for view in views])
    # Once more from the difference: a search by expanded squares loses the digits of a small distance.
    distance = np.empty(index.shape)
    for start in range(0, views.shape[1], _ROWS):
        block = slice(start, start + _ROWS)
        distance[:, block] = np.linalg.norm(views[:, block] - rows[index[:, block]], axis=2)
    best, every = distance.argmin(0), np.arange(views.shape[1])
    return distance[best, every], index[best, every]


def _described(
    images: Any, sigma: float | None, progress: Progress | None, label: str
) -> Iterator[Descriptors]:
    for start in _starts(len(images), progress, label):
        yield describe(np.asarray(images[start : start + _BLOCK]), sigma)


def _starts(count: int, progress: Progress | None, label: str) -> Iterable[int]:
    """Where the blocks of `count` rows begin."""
    check("at least 1 image is needed", count > 0, images=count)
    starts = range(0, count, _BLOCK)
    return starts if progress is None else progress(starts, label=label, unit="block")


def _padded(fine: NDArray[np.int8]) -> NDArray[np.float32]:
    """`fine` among zeros: `SHIFT` to the left and right, and a row more than that above and below."""
    rows, columns, channels = fine.shape
    padded = np.zeros((rows + 2 * _MARGIN, columns + 2 * SHIFT, channels), np.float32)
    padded[_MARGIN:-_MARGIN, SHIFT:-SHIFT] = fine
    return padded


def _displacements(dy: int, dx: int) -> Iterator[tuple[int, int]]:
    """Displacements next to (dy, dx), itself included."""
    return ((dy + row, dx + column) for row in _AROUND for column in _AROUND)
