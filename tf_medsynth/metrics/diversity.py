"""How alike the images of one set are: MS-SSIM of random pairs of distinct images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.metrics.arrays import as_images
from tf_medsynth.metrics.ms_ssim import multiscale_similarity

PAIRS = 500


class PairSimilarity(NamedTuple):
    """MS-SSIM of the pairs of a set, and which they are."""

    scores: NDArray[np.float64]  # (pairs, C)
    pairs: NDArray[np.int64]  # (pairs, 2), indices into the set


def pair_similarity(
    images: ArrayLike, groups: ArrayLike | None = None, count: int = PAIRS, seed: int = 0
) -> PairSimilarity:
    """MS-SSIM within random pairs of distinct images: high where a set repeats itself.

    Args:
        images: `(n, H, W, C)` in [0, 1].
        groups: `(n,)` names whose members are never paired: neighbouring slices of one patient are
            alike, whatever the set; None where each image is its own.
        count: pairs, all different; fewer only where the set has no more.
        seed: names the pairs.
    """
    array = as_images(images)
    names = np.arange(len(array)) if groups is None else np.asarray(groups)
    check("each image needs its group", names.shape == (len(array),), images=len(array), groups=names.shape)
    pairs = random_pairs(names, count, seed)
    return PairSimilarity(multiscale_similarity(array[pairs[:, 0]], array[pairs[:, 1]]), pairs)


def random_pairs(groups: NDArray, count: int, seed: int) -> NDArray[np.int64]:
    """`(count, 2)` different pairs ``i < j`` of different groups; all there are, if those are fewer.

    Raises:
        MedSynthError: fewer than two groups.
    """
    check("count must be at least 1", count >= 1, count=count)
    names, codes = np.unique(groups, return_inverse=True)
    check("pairs need images of 2 groups or more", len(names) > 1, "Give more images.", groups=len(names))
    sizes = np.bincount(codes).astype(np.int64)
    possible = int((len(codes) ** 2 - (sizes**2).sum()) // 2)
    random = np.random.default_rng(seed)
    if possible <= 4 * count:
        first, second = np.triu_indices(len(codes), 1)
        apart = np.flatnonzero(codes[first] != codes[second])
        chosen = np.sort(random.permutation(apart)[:count])
        return np.stack([first[chosen], second[chosen]], axis=1)
    kept: set[tuple[int, int]] = set()
    while len(kept) < count:
        for a, b in np.sort(random.integers(len(codes), size=(2 * count, 2)), axis=1):
            if codes[a] != codes[b] and len(kept) < count:
                kept.add((int(a), int(b)))
    return np.array(sorted(kept), np.int64)
