"""Do the images look like images? Sharpness, intensities and similarity, modality by modality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tf_medsynth.config.base import check
from tf_medsynth.metrics.arrays import as_images, as_mask, known_mean
from tf_medsynth.metrics.image_error import mean_absolute_error, peak_signal_to_noise, structural_similarity
from tf_medsynth.metrics.moments import pooled_moments
from tf_medsynth.metrics.sharpness import mean_absolute_laplacian, sharpness_ratio

INTERIOR_RIM = 2
"""px taken off the organ for the second sharpness: without the step to the background."""


def image_quality(
    real: ArrayLike,
    synthetic_of_same_maps: ArrayLike | None,
    synthetic: ArrayLike,
    real_organ: ArrayLike,
    synthetic_organ: ArrayLike,
    modalities: Sequence[str],
) -> dict[str, Any]:
    """Quality of each modality, as ``{measure: {modality: float}}`` beside the real values.

    Args:
        real: `(n, H, W, M)` in [0, 1], held-out patients.
        synthetic_of_same_maps: same shape: drawn from the real images' own maps and labels; None leaves
            out what is measured on them.
        synthetic: `(m, H, W, M)`: drawn from generated maps, unfiltered, unpaired.
        real_organ: `(n, H, W)`, True inside; serves `synthetic_of_same_maps` too.
        synthetic_organ: `(m, H, W)`, True inside.
        modalities: names of the M channels.

    Returns:
        ``laplacian_ratio`` and ``laplacian_ratio_interior`` (2 px rim left out) of `synthetic` to
        `real`, 1 is as sharp; ``laplacian_ratio_same_maps``; ``laplacian_real``;
        ``intensity_mean`` and ``intensity_std``, each ``{"real", "synthetic",
        "relative_difference"}`` over organ pixels (a difference of -0.1 is 10 % too low);
        ``ssim``, ``mae``, ``psnr`` (dB) of `synthetic_of_same_maps` to `real`, and each again inside the
        organ as ``…_inside``; the counts
        ``real_images``, ``synthetic_images``, ``synthetic_without_organ`` (those enter no average).
    """
    real, synthetic = as_images(real, "real"), as_images(synthetic, "synthetic")
    check(
        "each modality needs its name",
        real.shape[3] == synthetic.shape[3] == len(modalities),
        real=real.shape,
        synthetic=synthetic.shape,
        modalities=tuple(modalities),
    )
    inside, drawn_inside = as_mask(real_organ, real.shape), as_mask(synthetic_organ, synthetic.shape)

    def named(values: Any) -> dict[str, float]:
        return {name: float(value) for name, value in zip(modalities, values, strict=True)}

    moments = zip(pooled_moments(real, inside), pooled_moments(synthetic, drawn_inside), strict=True)
    mean, std = (
        {"real": named(a), "synthetic": named(b), "relative_difference": named(_relative(a, b))}
        for a, b in moments
    )
    return {
        "laplacian_ratio": named(sharpness_ratio(synthetic, drawn_inside, real, inside)),
        "laplacian_ratio_interior": named(
            sharpness_ratio(synthetic, drawn_inside, real, inside, INTERIOR_RIM)
        ),
        "laplacian_real": named(known_mean(mean_absolute_laplacian(real, inside), axis=0)),
        "intensity_mean": mean,
        "intensity_std": std,
        **({} if synthetic_of_same_maps is None else _paired(synthetic_of_same_maps, real, inside, named)),
        "real_images": len(real),
        "synthetic_images": len(synthetic),
        "synthetic_without_organ": int((~drawn_inside.any(axis=(1, 2))).sum()),
    }


def _paired(
    synthetic_of_same_maps: ArrayLike,
    real: np.ndarray,
    inside: np.ndarray,
    named: Callable[[Any], dict[str, float]],
) -> dict[str, dict[str, float]]:
    """What needs the same anatomy in both: the images' difference from the real ones."""
    paired = as_images(synthetic_of_same_maps, "synthetic_of_same_maps")
    return {
        "laplacian_ratio_same_maps": named(sharpness_ratio(paired, inside, real, inside)),
        "ssim": named(known_mean(structural_similarity(paired, real), axis=0)),
        "ssim_inside": named(known_mean(structural_similarity(paired, real, inside), axis=0)),
        "mae": named(known_mean(mean_absolute_error(paired, real), axis=0)),
        "mae_inside": named(known_mean(mean_absolute_error(paired, real, inside), axis=0)),
        "psnr": named(known_mean(peak_signal_to_noise(paired, real), axis=0)),
        "psnr_inside": named(known_mean(peak_signal_to_noise(paired, real, inside), axis=0)),
    }


def _relative(real: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    return np.where(real > 0, (synthetic - real) / np.where(real > 0, real, 1.0), np.nan)
