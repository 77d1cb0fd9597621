"""Where and how large the lesions are, class by class: a table to compare label sets with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_medsynth.types import LESION_CLASSES

WHOLE = "whole"
REGIONS: tuple[str, ...] = (WHOLE, *LESION_CLASSES[1:])
"""The lesion as a whole, then each class."""

SIZE_EDGES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Bounds between size bins, as shares of the image's pixels."""

SIZES: tuple[str, ...] = ("<0.2%", "0.2-0.5%", "0.5-1%", "1-2%", "2-5%", "5-10%", ">=10%")
PLACES: tuple[str, ...] = tuple(
    f"{row} {column}" for row in ("top", "middle", "bottom") for column in ("left", "centre", "right")
)
"""Ninths of the image, in which a region's centroid lies."""


def describe_lesion(lesion_label: np.ndarray) -> dict[str, Any]:
    """Pixels and centroid of every region present in a `(H, W)` integer label.

    Returns:
        ``{"lesion_pixels": {region: int}, "lesion_centroid": {region: [row, column]}}`` with the
        centroid as fractions of height and width in [0, 1]; absent regions have 0 and no centroid.
    """
    pixels: dict[str, int] = {}
    centroid: dict[str, list[float]] = {}
    for region, inside in _regions(lesion_label):
        rows, columns = np.nonzero(inside)
        pixels[region] = int(rows.size)
        if rows.size:
            shares = (np.array([rows.mean(), columns.mean()]) + 0.5) / inside.shape
            centroid[region] = [round(float(share), 4) for share in shares]
    return {"lesion_pixels": pixels, "lesion_centroid": centroid}


class Coverage:
    """Counts of labels by region, size bin and place; grows by `add`, not with the data."""

    def __init__(self, image_size: tuple[int, int]) -> None:
        self.image_pixels = image_size[0] * image_size[1]
        self.counts = np.zeros((len(REGIONS), len(SIZES), len(PLACES)), np.int64)

    def add(self, description: Mapping[str, Any]) -> None:
        """Counts one label by what `describe_lesion` says of it."""
        for region, centroid in description["lesion_centroid"].items():
            share = description["lesion_pixels"][region] / self.image_pixels
            size = int(np.searchsorted(SIZE_EDGES, share, side="right"))
            row, column = (min(int(3 * part), 2) for part in centroid)
            self.counts[REGIONS.index(region), size, 3 * row + column] += 1

    def occupied(self) -> int:
        """Cells of the table that hold at least one label."""
        return int(np.count_nonzero(self.counts))

    def share_of(self, other: Coverage) -> float | None:
        """Share of the cells `other` occupies that are occupied here too; None if it has none."""
        wanted = other.counts > 0
        return float((self.counts[wanted] > 0).mean()) if wanted.any() else None

    def to_dict(self) -> dict[str, dict[str, dict[str, int]]]:
        """Counts as ``{region: {size: {place: count}}}``, empty cells left out."""
        table: dict[str, dict[str, dict[str, int]]] = {}
        for region, size, place in zip(*np.nonzero(self.counts), strict=True):
            cells = table.setdefault(REGIONS[region], {}).setdefault(SIZES[size], {})
            cells[PLACES[place]] = int(self.counts[region, size, place])
        return table

    @classmethod
    def from_dict(cls, image_size: tuple[int, int], table: Mapping[str, Any]) -> Coverage:
        """The coverage that `to_dict` wrote down."""
        coverage = cls(image_size)
        for region, sizes in table.items():
            for size, places in sizes.items():
                for place, count in places.items():
                    cell = (REGIONS.index(region), SIZES.index(size), PLACES.index(place))
                    coverage.counts[cell] = count
        return coverage


def _regions(lesion_label: np.ndarray) -> list[tuple[str, np.ndarray]]:
    classes = [(name, lesion_label == code) for code, name in enumerate(LESION_CLASSES)]
    return [(WHOLE, lesion_label > 0), *classes[1:]]
