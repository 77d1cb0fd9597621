"""Fidelity and variety apart: precision, recall, density, coverage from neighbourhoods of features."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import pairwise_distances_chunked

from tf_medsynth.metrics.distribution import as_feature_pair
from tf_medsynth.metrics.neighbours import MEMORY_MIB, nearest

NEIGHBOURS = 5


class Manifold(NamedTuple):
    """The four values; higher is better, and a second real set tells what can be reached."""

    precision: float  # share of synthetic samples among the real ones
    recall: float  # share of real samples among the synthetic ones
    density: float  # how deep among the real ones the synthetic lie; 1 is as real, may exceed it
    coverage: float  # share of real samples with a synthetic one in their neighbourhood


def manifold_quality(
    real: ArrayLike, synthetic: ArrayLike, neighbours: int = NEIGHBOURS, memory_mib: int = MEMORY_MIB
) -> Manifold:
    """Precision, recall, density and coverage of a synthetic set.

    A sample's neighbourhood is the ball up to its `neighbours`-th nearest of its own set. All four
    depend on the number of samples: compare equal numbers only.

    Args:
        real: `(n, d)`, more than `neighbours`.
        synthetic: `(m, d)`, the same.
        neighbours: that make a neighbourhood.
        memory_mib: of a block of distances.

    Raises:
        MedSynthError: too few samples.

    Source: Kynkaanniemi et al., NeurIPS 2019 (precision, recall); Naeem et al., ICML 2020 (density,
        coverage).
    """
    one, two = as_feature_pair(real, synthetic)
    real_radius, synthetic_radius = (
        nearest(each, each, neighbours, itself=True, memory_mib=memory_mib).distances[:, -1]
        for each in (one, two)
    )
    in_real_balls = np.zeros(len(two), np.int64)

    def reduced(block: NDArray[np.float64], start: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether each real sample lies in a synthetic ball, and whether its own ball holds one."""
        nonlocal in_real_balls
        inside = block < real_radius[start : start + len(block), None]
        in_real_balls += inside.sum(axis=0)
        return np.any(block < synthetic_radius, axis=1), np.any(inside, axis=1)

    blocks = list(pairwise_distances_chunked(one, two, reduce_func=reduced, working_memory=memory_mib))
    recalled, covered = (np.concatenate(part) for part in zip(*blocks, strict=True))
    return Manifold(
        precision=float((in_real_balls > 0).mean()),
        recall=float(recalled.mean()),
        density=float(in_real_balls.mean() / neighbours),
        coverage=float(covered.mean()),
    )
