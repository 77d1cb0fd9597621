"""Does a synthetic set repeat itself more than real patients resemble one another?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tf_medsynth.config.base import check
from tf_medsynth.metrics.diversity import PAIRS, PairSimilarity, pair_similarity
from tf_medsynth.metrics.ms_ssim import measure_name, scales_that_fit


def diversity(
    real: ArrayLike,
    patients: ArrayLike,
    synthetic: ArrayLike,
    pairs: int = PAIRS,
    seed: int = 0,
    *,
    modalities: Sequence[str],
) -> dict[str, Any]:
    """MS-SSIM within random pairs of synthetic images, beside pairs of real ones of two patients.

    Higher means more alike: well above the real value, the set lacks variety; well below it, its
    images have less in common than brains do. This is not the papers' MS-SSIM of synthetic with real images,
    which they read as "higher is better".

    Args:
        real: `(n, H, W, M)` in [0, 1].
        patients: `(n,)` names, two or more.
        synthetic: `(m, H, W, M)`, the same size.
        pairs: of each set; fewer only where it has no more.
        seed: names the pairs.
        modalities: names of the M channels.

    Returns:
        ``measure``, its name with the number of scales; ``real`` and ``synthetic``: ``{"mean": {modality},
        "std": {modality}, "pairs"}``; ``difference``: synthetic less real mean, by modality.
    """
    shapes = np.shape(real), np.shape(synthetic)
    check(
        "real and synthetic images must have one size and number of modalities",
        shapes[0][1:] == shapes[1][1:] and shapes[0][-1] == len(modalities),
        real=shapes[0],
        synthetic=shapes[1],
        modalities=tuple(modalities),
    )
    found = {
        "real": _summary(pair_similarity(real, np.asarray(patients).astype(str), pairs, seed), modalities),
        "synthetic": _summary(pair_similarity(synthetic, None, pairs, seed), modalities),
    }
    means = {name: found[name]["mean"] for name in found}
    return {
        "measure": measure_name(scales_that_fit(*shapes[0][1:3])),
        **found,
        "difference": {name: means["synthetic"][name] - means["real"][name] for name in modalities},
    }


def _summary(found: PairSimilarity, modalities: Sequence[str]) -> dict[str, Any]:
    columns = dict(zip(modalities, found.scores.T, strict=True))
    return {
        "mean": {name: float(column.mean()) for name, column in columns.items()},
        "std": {name: float(column.std()) for name, column in columns.items()},
        "pairs": len(found.pairs),
    }
