"""Do two sets of images look alike to a frozen network? Each value beside that of two real halves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.metrics.distribution import as_feature_pair, frechet_distance, kernel_distance
from tf_medsynth.metrics.manifold import NEIGHBOURS, manifold_quality


def distribution_quality(
    real: ArrayLike,
    patients: ArrayLike,
    synthetic: ArrayLike,
    neighbours: int = NEIGHBOURS,
    seed: int = 0,
) -> dict[str, Any]:
    """Distances and neighbourhoods of features, each beside its real-against-real floor.

    The floor is the same value of one half of the real patients against the other, at the same
    number of images: what two real sets of this size reach. It holds the difference between
    patients, so with few of them a synthetic set, which mixes all, may lie below it.

    Args:
        real: `(n, d)` features of real images.
        patients: `(n,)` names, two or more.
        synthetic: `(m, d)` features of synthetic images, by the same extractor.
        neighbours: that make a neighbourhood.
        seed: names the halves, and which images are taken where there are more than `n` of one.

    Returns:
        ``n``, the images of each set that every value is computed from; ``features`` d;
        ``frechet``, ``kernel``, ``precision``, ``recall``, ``density``, ``coverage``, each
        ``{"value", "floor"}``; ``kernel`` also ``interval`` and ``floor_interval`` (95 %, over patients
        and samples). The Frechet distance is NaN, with a ``why``, where n does not exceed d. Beside
        them ``real_images``, ``synthetic_images``, ``patients``.

    Raises:
        MedSynthError: fewer than two patients, or too few images for a neighbourhood.
    """
    held, drawn = as_feature_pair(real, synthetic)
    names = np.asarray(patients).astype(str)
    check("each image needs its patient", names.shape == (len(held),), images=len(held), names=names.shape)
    own = np.unique(names)
    check("two real halves need 2 patients or more", len(own) > 1, patients=len(own))
    random = np.random.default_rng(seed)
    first = np.isin(names, random.permutation(own)[: len(own) // 2])
    n = int(min(first.sum(), (~first).sum(), len(drawn)))
    check(
        "too few samples: a neighbourhood needs more images than neighbours",
        n > neighbours,
        "Give more images, or fewer neighbours.",
        images=n,
        neighbours=neighbours,
    )
    whole, one, other = (
        np.sort(random.permutation(np.flatnonzero(mask))[:n])
        for mask in (np.ones(len(held), bool), first, ~first)
    )
    some = drawn[np.sort(random.permutation(len(drawn))[:n])]
    value = _values(held[whole], names[whole], some, None, neighbours)
    floor = _values(held[one], names[one], held[other], names[other], neighbours)
    answer: dict[str, Any] = {
        key: {"value": value[key], "floor": floor[key]} for key in value if key != "interval"
    }
    answer["kernel"] |= {"interval": value["interval"], "floor_interval": floor["interval"]}
    if n <= held.shape[1]:
        answer["frechet"]["why"] = f"not measured: {n} images for {held.shape[1]} features"
    return {
        "n": n,
        "features": held.shape[1],
        "real_images": len(held),
        "synthetic_images": len(drawn),
        "patients": len(own),
        **answer,
    }


def _values(
    real: NDArray[np.float64],
    patients: NDArray[Any],
    other: NDArray[np.float64],
    groups: NDArray[Any] | None,
    neighbours: int,
) -> dict[str, Any]:
    kernel = kernel_distance(real, other, patients, groups)
    measurable = min(len(real), len(other)) > real.shape[1]
    return {
        "frechet": frechet_distance(real, other) if measurable else float("nan"),
        "kernel": kernel.estimate,
        "interval": [kernel.low, kernel.high],
        **manifold_quality(real, other, neighbours)._asdict(),
    }
