"""Distance between two sets of features: Frechet distance, and kernel distance with its interval.

Both say something about the features as much as about the images: name the extractor, and compare
values of one extractor and one number of samples only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, stats

from tf_medsynth.config.base import check

Matrix = NDArray[np.float64]

_ROWS_AT_ONCE = 512


class KernelDistance(NamedTuple):
    """An unbiased estimate, which may be below 0, with its confidence interval."""

    estimate: float
    low: float
    high: float
    n: int  # samples of each set


def as_features(features: ArrayLike, name: str = "features", least: int = 2) -> Matrix:
    """`(n, d)` float64 features, checked to be finite and enough.

    Raises:
        MedSynthError: another number of axes, fewer than `least` rows, values that are not finite.
    """
    array = np.asarray(features, np.float64)
    check(f"{name} must have shape (n, d)", array.ndim == 2 and array.shape[1] > 0, shape=array.shape)
    check(f"too few samples: {name} needs {least} or more", len(array) >= least, samples=len(array))
    check(f"{name} must be finite", bool(np.isfinite(array).all()), "Look at the extractor and its input.")
    return array


def as_feature_pair(real: ArrayLike, synthetic: ArrayLike, least: int = 2) -> tuple[Matrix, Matrix]:
    """Both sets by `as_features`, checked to come from one extractor."""
    pair = as_features(real, "real", least), as_features(synthetic, "synthetic", least)
    check(
        "both sets need features of one extractor",
        pair[0].shape[1] == pair[1].shape[1],
        real=pair[0].shape,
        synthetic=pair[1].shape,
    )
    return pair


def frechet_distance(real: ArrayLike, synthetic: ArrayLike) -> float:
    """Squared Frechet distance of the two sets taken as Gaussians; 0 for equal moments.

    It is biased upwards, strongly for few samples: only values of one `n` compare, and no value means
    anything without that of two real sets of this `n`.

    Args:
        real: `(n, d)`, more samples than features, or the covariance has no inverse.
        synthetic: `(m, d)`, the same.

    Raises:
        MedSynthError: too few samples for the number of features.

    Source: Heusel et al., NeurIPS 2017, eq. 6; with Inception's features it is the FID.
    """
    one, two = as_feature_pair(real, synthetic)
    least = one.shape[1] + 1
    check(
        "too few samples: a Frechet distance needs more samples than features",
        min(len(one), len(two)) >= least,
        "Draw more, take a smaller extractor, or read the kernel distance, which has no such need.",
        real=len(one),
        synthetic=len(two),
        features=one.shape[1],
    )
    difference = one.mean(axis=0) - two.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(a, rowvar=False)) for a in (one, two))
    # tr((AB)^(1/2)) by the symmetric product root(A) B root(A), whose root is real whatever rounding does.
    values, vectors = linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    shared = np.sqrt(np.maximum(linalg.eigvalsh(root @ second @ root), 0.0)).sum()
    distance = difference @ difference + np.trace(first) + np.trace(second) - 2.0 * shared
    return float(max(distance, 0.0))


def kernel_distance(
    real: ArrayLike,
    synthetic: ArrayLike,
    real_groups: ArrayLike | None = None,
    synthetic_groups: ArrayLike | None = None,
    confidence: float = 0.95,
) -> KernelDistance:
    """Squared maximum mean discrepancy under the cubic kernel ``(x.y / d + 1)^3``, unbiased.

    All pairs take part: this is what the mean over random subsets, in which others print the KID,
    tends to with their number, without its noise. The interval leaves out one group at a time
    (jackknife), so slices of a patient do not pass for independent; it is rough from few groups, and
    unknown (NaN) where either set is one group.

    Args:
        real: `(n, d)`.
        synthetic: `(m, d)`.
        real_groups: `(n,)` names of patients; None where each sample is its own.
        synthetic_groups: `(m,)`, the same.
        confidence: share of such intervals that hold the truth.

    Source: Binkowski et al., ICLR 2018, section 3; with Inception's features it is the KID.
    """
    one, two = as_feature_pair(real, synthetic)
    check("confidence must lie between 0 and 1", 0 < confidence < 1, confidence=confidence)
    codes = _codes(real_groups, len(one), "real"), _codes(synthetic_groups, len(two), "synthetic")
    sides = [_within(features, code) for features, code in zip((one, two), codes, strict=True)]
    real_rows, synthetic_rows = _row_sums(one, two)
    between = float(real_rows.sum())
    shares = [np.bincount(code, rows) for code, rows in zip(codes, (real_rows, synthetic_rows), strict=True)]
    means = [_mean(side.total, side.samples) for side in sides]
    estimate = float(means[0] + means[1] - 2.0 * between / (len(one) * len(two)))
    variance = 0.0
    for side, other, share, mean in zip(sides, sides[::-1], shares, means[::-1], strict=True):
        left = side.samples - side.sizes
        own = _mean(side.total - side.removed, left)
        across = (between - share) / (np.maximum(left, 1) * other.samples)
        variance += _jackknife_variance(own + mean - 2.0 * across)
    groups = min(len(side.sizes) for side in sides)
    half = float(stats.t.ppf(0.5 + confidence / 2, groups - 1) * np.sqrt(variance)) if groups > 1 else np.nan
    return KernelDistance(estimate, estimate - half, estimate + half, min(len(one), len(two)))


class _Within(NamedTuple):
    """Sums of the kernel over the pairs of different samples of one set."""

    samples: int
    total: float
    sizes: NDArray[np.int64]  # (groups,) samples
    removed: Matrix  # (groups,) what the total loses without the group


def _within(features: Matrix, codes: NDArray[np.int64]) -> _Within:
    diagonal = ((features**2).sum(axis=1) / features.shape[1] + 1.0) ** 3
    rows = _row_sums(features, features)[0] - diagonal
    groups = [features[codes == code] for code in range(codes.max() + 1)]
    blocks = np.array([_row_sums(group, group)[0].sum() for group in groups])
    inside = blocks - np.bincount(codes, diagonal)
    # A group's rows hold its pairs with others once, its columns again; its own pairs are in both.
    removed = 2.0 * np.bincount(codes, rows) - inside
    return _Within(len(features), float(rows.sum()), np.bincount(codes), np.asarray(removed, np.float64))


def _row_sums(rows: Matrix, columns: Matrix) -> tuple[Matrix, Matrix]:
    """Sums of the kernel along each row and each column; memory is that of a block of rows."""
    along, down = np.zeros(len(rows)), np.zeros(len(columns))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        kernel = rows[start : start + _ROWS_AT_ONCE] @ columns.T
        kernel /= rows.shape[1]
        kernel += 1.0
        kernel *= kernel * kernel
        along[start : start + _ROWS_AT_ONCE] = kernel.sum(axis=1)
        down += kernel.sum(axis=0)
    return along, down


def _mean(total: Any, count: Any) -> Any:
    """Mean over ordered pairs; NaN where there are none."""
    pairs = np.asarray(count, np.float64) * (np.asarray(count) - 1)
    return np.where(pairs > 0, total / np.maximum(pairs, 1), np.nan)


def _jackknife_variance(left_out: Matrix) -> float:
    n = len(left_out)
    return (n - 1) / n * float(np.square(left_out - left_out.mean()).sum())


def _codes(groups: ArrayLike | None, count: int, name: str) -> NDArray[np.int64]:
    names = np.arange(count) if groups is None else np.asarray(groups)
    check(f"each {name} sample needs its group", names.shape == (count,), samples=count, groups=names.shape)
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
