"""How far two outlines lie apart: 95 % Hausdorff distance and surface Dice, in px or mm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from tf_medsynth.config.base import check

Scores = NDArray[np.float64]


class SurfaceDistances(NamedTuple):
    """Distance of every surface pixel to the other surface, both ways."""

    from_predicted: Scores
    from_label: Scores


def surface_distances(
    predicted: ArrayLike, label: ArrayLike, spacing: Sequence[float] | None = None
) -> SurfaceDistances:
    """Distances between the surfaces of two regions, each `(number of surface pixels,)`.

    A surface pixel is a pixel of the region with a face (4 neighbours in a slice, 6 in a volume) on
    the outside; the border of the image counts as outside. Infinite where the other region is empty.

    Args:
        predicted: `(H, W)` or `(D, H, W)` booleans, or 0 and 1.
        label: same shape.
        spacing: size of a pixel along each axis, e.g. mm; None for distances in px.
    """
    found, wanted = _regions(predicted, label)
    sizes = _spacing(spacing, found.ndim)
    found, wanted = _cut_out(found, wanted)
    surfaces = [region & ~ndimage.binary_erosion(region) for region in (found, wanted)]
    to_found, to_wanted = (_distance_to(surface, sizes) for surface in surfaces)
    return SurfaceDistances(to_wanted[surfaces[0]], to_found[surfaces[1]])


def hausdorff_95(predicted: ArrayLike, label: ArrayLike, spacing: Sequence[float] | None = None) -> Scores:
    """95 % Hausdorff distance of each sample, `(B,)`; NaN where the label is empty.

    The larger of the 95th percentiles of both directions. Infinite where only the prediction is
    empty: count those apart from averages.

    Args:
        predicted: `(B, H, W)` or `(B, D, H, W)` booleans, or 0 and 1: one class, or the whole lesion.
        label: same shape.
        spacing: as `surface_distances`, without the batch axis.

    Source: Menze et al., the BraTS benchmark, IEEE TMI 34(10), 2015.
    """
    found, wanted = _batch(predicted, label)
    return np.array([_hausdorff_95(*pair, spacing) for pair in zip(found, wanted, strict=True)])


def surface_dice(
    predicted: ArrayLike, label: ArrayLike, tolerance: float, spacing: Sequence[float] | None = None
) -> Scores:
    """Share of both surfaces that lies within `tolerance` of the other, `(B,)` in [0, 1]; NaN as above.

    Args:
        predicted: as `hausdorff_95`.
        label: same shape.
        tolerance: in the units of `spacing`, px without it.
        spacing: as `hausdorff_95`.

    Source: Nikolov et al., J. Med. Internet Res. 23(7), 2021.
    Deviates: surface pixels count alike; there each has the area of its piece of surface.
    """
    check("tolerance must be at least 0", tolerance >= 0, tolerance=tolerance)
    found, wanted = _batch(predicted, label)
    scores = np.full(len(found), np.nan)
    for row in range(len(found)):
        if wanted[row].any():
            both = np.concatenate(surface_distances(found[row], wanted[row], spacing))
            scores[row] = (both <= tolerance).mean()
    return scores


def _hausdorff_95(
    found: NDArray[np.bool_], wanted: NDArray[np.bool_], spacing: Sequence[float] | None
) -> float:
    if not wanted.any():
        return float("nan")
    if not found.any():
        return float("inf")
    return float(max(np.percentile(d, 95) for d in surface_distances(found, wanted, spacing)))


def _cut_out(
    found: NDArray[np.bool_], wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both regions in the smallest box that holds them: no surface lies beyond, and it is soon done."""
    box = next(iter(ndimage.find_objects((found | wanted).astype(np.uint8))), None)
    return (found, wanted) if box is None else (found[box], wanted[box])


def _distance_to(surface: NDArray[np.bool_], sizes: Sequence[float]) -> Scores:
    if not surface.any():
        return np.full(surface.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~surface, sampling=sizes), np.float64)


def _spacing(spacing: Sequence[float] | None, axes: int) -> Sequence[float]:
    sizes = (1.0,) * axes if spacing is None else tuple(map(float, spacing))
    check(
        "spacing takes a positive size for each axis",
        len(sizes) == axes and min(sizes) > 0,
        spacing=sizes,
        axes=axes,
    )
    return sizes


def _batch(predicted: ArrayLike, label: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    found, wanted = np.asarray(predicted), np.asarray(label)
    check(
        "regions to compare must have one shape (B, H, W) or (B, D, H, W)",
        found.shape == wanted.shape and found.ndim in (3, 4) and found.size > 0,
        "Give one class, without a channel axis: label == code, or label > 0.",
        predicted=found.shape,
        label=wanted.shape,
    )
    return _booleans(found, "predicted"), _booleans(wanted, "label")


def _regions(predicted: ArrayLike, label: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    found, wanted = np.asarray(predicted), np.asarray(label)
    check(
        "two regions must have one shape (H, W) or (D, H, W)",
        found.shape == wanted.shape and found.ndim in (2, 3),
        predicted=found.shape,
        label=wanted.shape,
    )
    return _booleans(found, "predicted"), _booleans(wanted, "label")


def _booleans(region: NDArray, name: str) -> NDArray[np.bool_]:
    inside = region.astype(bool)
    check(f"{name} must hold only 0 and 1", bool((region == inside).all()), "Give label == code, one class.")
    return inside
