"""Nearest neighbours in feature space, block by block, so that memory does not grow with the sets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import pairwise_distances_chunked

from tf_medsynth.config.base import check
from tf_medsynth.metrics.distribution import as_feature_pair

Distances = NDArray[np.float64]

MEMORY_MIB = 128
"""Of a block of distances."""


class Neighbours(NamedTuple):
    """The nearest of a pool to each query, nearest first."""

    distances: Distances  # (n, count)
    indices: NDArray[np.int64]  # (n, count), into the pool


def nearest(
    queries: ArrayLike, pool: ArrayLike, count: int = 1, itself: bool = False, memory_mib: int = MEMORY_MIB
) -> Neighbours:
    """The `count` nearest of `pool` to each of `queries`, by Euclidean distance.

    Args:
        queries: `(n, d)`.
        pool: `(m, d)`.
        count: how many, at most m.
        itself: the queries are the pool: row i is no neighbour of query i.
        memory_mib: of a block of distances.

    Raises:
        MedSynthError: a pool of fewer than `count`.
    """
    asked, held = as_feature_pair(queries, pool, 1)
    check("itself needs queries that are the pool", not itself or len(asked) == len(held))
    check(
        "too few samples: the pool must hold as many as are asked for",
        1 <= count <= len(held) - itself,
        pool=len(held),
        count=count,
        itself=itself,
    )

    def reduced(block: Distances, start: int) -> tuple[Distances, NDArray[np.int64]]:
        if itself:
            rows = np.arange(len(block))
            block[rows, start + rows] = np.inf
        few = np.argpartition(block, count - 1, axis=1)[:, :count]
        distances = np.take_along_axis(block, few, axis=1)
        order = np.argsort(distances, axis=1, kind="stable")
        return np.take_along_axis(distances, order, axis=1), np.take_along_axis(few, order, axis=1)

    blocks = list(pairwise_distances_chunked(asked, held, reduce_func=reduced, working_memory=memory_mib))
    distances, indices = (np.concatenate(part) for part in zip(*blocks, strict=True))
    return Neighbours(distances, indices)
