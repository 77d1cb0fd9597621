"""Are the generated structure maps anatomy? Closed contours, lines inside, and not copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from skimage.morphology import skeletonize

from tf_medsynth.config.base import check
from tf_medsynth.imaging.contour import contour_error
from tf_medsynth.metrics.arrays import as_mask, known_mean

Scores = NDArray[np.float64]

CONTOUR_THRESHOLD = 0.05
"""Mean absolute error up to which filled outline and mask agree. Source: Qu et al., Algorithm 3."""

INTERIOR_MARGIN = 0.04
"""Share of the image's height taken off the organ, so that its own outline is left out."""


def contour_pass_rate(
    structure_map: ArrayLike, background_mask: ArrayLike, threshold: float = CONTOUR_THRESHOLD
) -> float:
    """Share of maps whose filled outline agrees with their mask, in [0, 1].

    Args:
        structure_map: `(n, H, W, 1)` of 0 and 1, 1 on a line.
        background_mask: same shape, 1 outside the organ.
        threshold: largest mean absolute error that passes.

    Source: Qu et al., Algorithm 3.
    """
    lines, masks = _binary(structure_map), _binary(background_mask, "background_mask")
    errors = contour_error(lines[..., None], masks[..., None])
    return float((errors <= threshold).mean())


def line_share(structure_map: ArrayLike, background_mask: ArrayLike, margin: float = 0.0) -> Scores:
    """Share of the organ's pixels that lie on a line, `(n,)` in [0, 1]; NaN without an organ.

    Args:
        structure_map: `(n, H, W)` or `(n, H, W, 1)` of 0 and 1.
        background_mask: same, 1 outside the organ.
        margin: share of the height to take off the organ all around; see `INTERIOR_MARGIN`.
    """
    lines = _binary(structure_map)
    organ = _interior(~as_mask(background_mask, lines.shape, "background_mask"), margin)
    count = organ.sum(axis=(1, 2))
    return np.where(count > 0, (lines & organ).sum(axis=(1, 2)) / np.maximum(count, 1), np.nan)


def line_thickness(structure_map: ArrayLike, background_mask: ArrayLike) -> Scores:
    """Line pixels over the pixels of their skeleton, in the interior, `(n,)` px; NaN without lines.

    About 2 for Sobel lines; blobs are thicker. Args: as `line_share`.
    """
    lines = _binary(structure_map)
    organ = _interior(~as_mask(background_mask, lines.shape, "background_mask"), INTERIOR_MARGIN)
    inside = lines & organ
    skeleton = np.array([int(skeletonize(one).sum()) for one in inside], np.float64)
    return np.where(skeleton > 0, inside.sum(axis=(1, 2)) / np.maximum(skeleton, 1), np.nan)


def mean_pairwise_distance(structure_map: ArrayLike) -> float:
    """Mean share of differing pixels over all pairs of maps, in [0, 1]; NaN for fewer than 2.

    Exact for any number of maps: a pixel that is a line in k of n maps differs in k (n - k) pairs.
    """
    lines = _binary(structure_map)
    n = len(lines)
    if n < 2:
        return float("nan")
    on = lines.sum(axis=0, dtype=np.int64)
    return float((on * (n - on)).mean() / (n * (n - 1) / 2))


def nearest_distance(structure_map: ArrayLike, others: ArrayLike, chunk: int = 256) -> Scores:
    """Share of pixels in which each map differs from the nearest of `others`, `(n,)` in [0, 1].

    0 is a copy. Shifts and flips are not looked for.

    Args:
        structure_map: `(n, H, W)` or `(n, H, W, 1)` of 0 and 1.
        others: the same for the maps to search, e.g. those the generator was trained on.
        chunk: maps compared at once, which bounds the memory.
    """
    maps, pool = _binary(structure_map), _binary(others)
    check("maps must have one size", maps.shape[1:] == pool.shape[1:], maps=maps.shape, others=pool.shape)
    flat, searched = (a.reshape(len(a), -1).astype(np.float32) for a in (maps, pool))
    sizes = searched.sum(axis=1)
    nearest = []
    for start in range(0, len(flat), chunk):
        part = flat[start : start + chunk]
        differing = part.sum(axis=1)[:, None] + sizes - 2 * (part @ searched.T)
        nearest.append(differing.min(axis=1))
    return np.concatenate(nearest).astype(np.float64) / flat.shape[1]


def structure_quality(
    generated: ArrayLike,
    generated_mask: ArrayLike,
    real: ArrayLike,
    real_mask: ArrayLike,
    training: ArrayLike | None = None,
) -> dict[str, Any]:
    """Generated maps beside real ones, measure by measure.

    Args:
        generated: `(n, H, W, 1)` of 0 and 1, unfiltered.
        generated_mask: same shape, 1 outside the organ, from the mask generator.
        real: `(m, H, W, 1)`, held-out patients, lesion lines removed.
        real_mask: same shape as `real`.
        training: `(k, H, W, 1)`, maps the generator learned from; without them nothing is said
            about copies.

    Returns:
        ``{measure: {"generated": float, "real": float}}`` for ``contour_pass_rate``,
        ``line_share``, ``interior_line_share``, ``line_thickness``, ``mean_pairwise_distance`` and
        ``nearest_training_distance``; ``line_share_ratio``; the counts ``generated_maps``,
        ``real_maps``, ``without_organ`` (generated maps whose mask leaves none).
    """
    sets = {"generated": (generated, generated_mask), "real": (real, real_mask)}
    answer: dict[str, Any] = {
        "contour_pass_rate": {name: contour_pass_rate(*maps) for name, maps in sets.items()},
        "line_share": {name: known_mean(line_share(*maps)) for name, maps in sets.items()},
        "interior_line_share": {
            name: known_mean(line_share(*maps, INTERIOR_MARGIN)) for name, maps in sets.items()
        },
        "line_thickness": {name: known_mean(line_thickness(*maps)) for name, maps in sets.items()},
        "mean_pairwise_distance": {name: mean_pairwise_distance(maps) for name, (maps, _) in sets.items()},
    }
    if training is not None:
        answer["nearest_training_distance"] = {
            name: float(nearest_distance(maps, training).mean()) for name, (maps, _) in sets.items()
        }
    shares = answer["line_share"]
    answer["line_share_ratio"] = shares["generated"] / shares["real"] if shares["real"] > 0 else float("nan")
    masks = _binary(generated_mask, "generated_mask")
    answer |= {"generated_maps": len(masks), "real_maps": len(np.asarray(real))}
    answer["without_organ"] = int(masks.all(axis=(1, 2)).sum())
    return answer


def _binary(maps: ArrayLike, name: str = "structure_map") -> NDArray[np.bool_]:
    array = np.asarray(maps)
    check(
        f"{name} must have shape (n, H, W) or (n, H, W, 1)",
        array.ndim in (3, 4) and array.size > 0,
        shape=array.shape,
    )
    return as_mask(array, array.shape, name)


def _interior(organ: NDArray[np.bool_], margin: float) -> NDArray[np.bool_]:
    check("margin must lie between 0 and 0.5", 0 <= margin < 0.5, margin=margin)
    steps = round(margin * organ.shape[1])
    if not steps:
        return organ
    return np.asarray(
        ndimage.binary_erosion(organ, ndimage.generate_binary_structure(2, 1)[None], iterations=steps)
    )
