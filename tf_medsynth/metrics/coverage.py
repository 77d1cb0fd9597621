"""Which lesions a set holds: counts by class, size and place, to compare two sets cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from tf_medsynth.config.base import check
from tf_medsynth.imaging.labels.classes import ClassMap

SIZE_EDGES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Bounds between size bins, as shares of the image's pixels; a bound belongs to the larger bin."""

SIZES: tuple[str, ...] = ("<0.2%", "0.2-0.5%", "0.5-1%", "1-2%", "2-5%", "5-10%", ">=10%")

PLACES: tuple[str, ...] = tuple(
    f"{row} {column}" for row in ("top", "middle", "bottom") for column in ("left", "centre", "right")
)
"""Ninths of the image, in which a region's centroid lies. Image words: left is the viewer's left."""


class CellChange(NamedTuple):
    """One cell of the table, before and after a selection."""

    region: str
    size: str
    place: str
    before: int
    after: int


def regions_of(classes: Sequence[str]) -> tuple[str, ...]:
    """All that is labelled as a whole, then each class.

    Args:
        classes: names of the codes, what is not labelled first.
    """
    return ClassMap(tuple(classes)).regions


def describe_lesion(lesion_label: ArrayLike, classes: Sequence[str]) -> dict[str, Any]:
    """Pixels and centroid of every region of one `(H, W)` integer label, as plain JSON values.

    Args:
        lesion_label: codes.
        classes: names of the codes, what is not labelled first.

    Returns:
        ``{"lesion_pixels": {region: int}, "lesion_centroid": {region: [row, column]}}``; centroids
        are fractions of height and width in [0, 1]. An absent region has 0 pixels and no centroid.
    """
    label = np.asarray(lesion_label)
    return ClassMap(tuple(classes)).describe(label, *label.shape[:2])


class Coverage:
    """Counts of labels by region, size and place: `(K, 7, 9)` integers, whatever was added.

    Args:
        image_size: rows and columns of the labels; sizes are shares of their product.
        classes: names of the K codes, what is not labelled first.
    """

    def __init__(self, image_size: tuple[int, int], classes: Sequence[str]) -> None:
        check("image_size must be positive", min(image_size) > 0, image_size=image_size)
        self.classes, self.regions = tuple(classes), regions_of(classes)
        self.image_pixels = int(image_size[0]) * int(image_size[1])
        self.counts = np.zeros((len(self.regions), len(SIZES), len(PLACES)), np.int64)

    @classmethod
    def of_labels(cls, lesion_labels: ArrayLike, classes: Sequence[str]) -> Self:
        """The coverage of a batch of `(B, H, W)` or `(B, H, W, 1)` integer labels."""
        labels = np.asarray(lesion_labels)
        labels = labels[..., 0] if labels.ndim == 4 else labels
        check("labels must have shape (B, H, W) or (B, H, W, 1)", labels.ndim == 3, shape=labels.shape)
        coverage = cls((labels.shape[1], labels.shape[2]), classes)
        for label in labels:
            coverage.add(describe_lesion(label, classes))
        return coverage

    def add(self, description: Mapping[str, Any]) -> None:
        """Counts one label by what `describe_lesion` says of it; an empty one adds nothing."""
        for region, (row, column) in description["lesion_centroid"].items():
            share = description["lesion_pixels"][region] / self.image_pixels
            size = int(np.searchsorted(SIZE_EDGES, share, side="right"))
            place = 3 * min(int(3 * row), 2) + min(int(3 * column), 2)
            self.counts[self.regions.index(region), size, place] += 1

    def occupied(self) -> int:
        """Cells that hold at least one label."""
        return int(np.count_nonzero(self.counts))

    def share_of(self, other: Coverage) -> float | None:
        """Share of the cells `other` occupies that are occupied here too; None if it has none."""
        wanted = other.counts > 0
        return float((self.counts[wanted] > 0).mean()) if wanted.any() else None

    def changes_from(self, before: Coverage) -> list[CellChange]:
        """Every cell occupied here or in `before`, in table order."""
        cells = np.argwhere((self.counts > 0) | (before.counts > 0))
        return [
            CellChange(
                self.regions[r], SIZES[s], PLACES[p], int(before.counts[r, s, p]), int(self.counts[r, s, p])
            )
            for r, s, p in cells
        ]

    def to_dict(self) -> dict[str, dict[str, dict[str, int]]]:
        """Counts as ``{region: {size: {place: count}}}``, empty cells left out."""
        table: dict[str, dict[str, dict[str, int]]] = {}
        for region, size, place in np.argwhere(self.counts > 0):
            cells = table.setdefault(self.regions[region], {}).setdefault(SIZES[size], {})
            cells[PLACES[place]] = int(self.counts[region, size, place])
        return table

    @classmethod
    def from_dict(cls, image_size: tuple[int, int], table: Mapping[str, Any], classes: Sequence[str]) -> Self:
        """The coverage that `to_dict` wrote down; an unknown name raises."""
        coverage = cls(image_size, classes)
        for region, sizes in table.items():
            for size, places in sizes.items():
                for place, count in places.items():
                    known = region in coverage.regions and size in SIZES and place in PLACES
                    check("unknown cell in a coverage table", known, region=region, size=size, place=place)
                    cell = coverage.regions.index(region), SIZES.index(size), PLACES.index(place)
                    coverage.counts[cell] = count
        return coverage
