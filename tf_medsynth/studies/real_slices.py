"""Real slices that a study compares samples with, by their number in the stored order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.data.slices import SliceSource

Images = NDArray[np.float32]


def slices_at(source: SliceSource, numbers: Iterable[int]) -> dict[str, Any]:
    """Images and labels of the slices `numbers`, in ascending order; only these are held."""
    wanted = set(map(int, numbers))
    stored = source.examples().as_numpy_iterator()
    return stacked([example for number, example in enumerate(stored) if number in wanted])


def partners(source: SliceSource, count: int, seed: int) -> Images:
    """A real image ``(count, H, W, M)`` for each of `count` samples, drawn from the seed.

    Every slice comes before any comes again.
    """
    numbers = np.random.default_rng(seed).permutation(source.count)[np.arange(count) % source.count]
    kept, places = np.unique(numbers, return_inverse=True)
    return slices_at(source, kept)["images"][places]


def stacked(examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Images and labels of `examples` as two arrays."""
    return {name: np.stack([example[name] for example in examples]) for name in ("images", "lesion_label")}
