"""Measured misalignment between images of one anatomy: sub-pixel shift, and worst local shift.

Modalities do not share intensities, nor which side of an edge is brighter, but they share where edges
are and which way they run. So the products ``g g^T`` of the gradient with itself, which are the same for
a rising and a falling edge, are compared. Large gradients are damped, so that a strong edge of one
contrast, which often lies a little elsewhere in another, does not outvote the rest. The damped
products are correlated through their spectra, and the peak is refined by a matrix-multiplication DFT
and a parabola. NumPy in, Python floats out.

Real, registered modalities have a reading too, part displacement and part contrast: see
``docs/certificates.md`` for the figures. Compare with real pairs, never with 0.

Source: Fitch et al., Orientation correlation, BMVC 2002; Haber and Modersitzki, Intensity gradient
based registration, MICCAI 2006 (products that ignore the sign); Guizar-Sicairos et al., Opt. Lett. 33,
2008 (upsampling).
Deviates: damped by a power, neither fully normalised as in the first two nor raw.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, ndimage

from tf_medsynth.config.base import check

GRADIENT_SIGMA = 0.5
"""Width in px of the Gaussian whose derivatives are the gradient: fine enough to place an edge."""

DAMPING = 0.75
"""Products are divided by this power of the squared gradient length: 1 leaves directions alone, 0
leaves all lengths. Chosen on real patients among 0.25, 0.5, 0.75, 1 and sigmas of 0.5 to 2 px."""

_NO_EDGE = 1e-6
_UPSAMPLING = 20


class LocalShift(NamedTuple):
    """The largest shift found in any patch; `nan` and `None` where no patch holds enough edges."""

    magnitude: float  # px
    shift: tuple[float, ...]  # px, (dy, dx)
    centre: tuple[int, int] | None  # row and column of the patch's centre


def edge_directions(image: ArrayLike) -> NDArray[np.float32]:
    """Where edges are and which way they run, whichever side is brighter: `(C, *image.shape)`.

    The components of the damped product of the gradient with itself, without its trace, so that
    edges at right angles count as opposite. C is 3 for an image and 6 for a volume. All 0 where
    there is no edge. A change of brightness, contrast or sign only scales all of it.

    Args:
        image: `(H, W)` or `(D, H, W)`, any real dtype and range, finite.

    Raises:
        MedSynthError: values that are not finite.
    """
    image = np.asarray(image)
    check("edges need finite values", bool(np.isfinite(image).all()), dtype=str(image.dtype))
    values = image.astype(np.float32)
    top = float(np.abs(values).max(initial=0))
    axes = range(image.ndim)
    gradient = [ndimage.gaussian_filter(values, GRADIENT_SIGMA, [int(a == b) for b in axes]) for a in axes]
    square = np.sum(np.square(gradient), axis=0)
    edges = square > (_NO_EDGE * top) ** 2  # what is below is rounding
    components = np.zeros((image.ndim * (image.ndim + 1) // 2, *image.shape), np.float32)
    if not edges.any():
        return components
    damped = edges / (square + square[edges].mean()) ** DAMPING
    for number, (a, b) in enumerate(itertools.combinations_with_replacement(axes, 2)):
        product = gradient[a] * gradient[b]
        components[number] = damped * (product - square / image.ndim if a == b else math.sqrt(2) * product)
    return components


def subpixel_shift(fixed: ArrayLike, moving: ArrayLike) -> tuple[float, ...]:
    """Displacement of `moving` relative to `fixed` in px, one float an axis: ``(dy, dx)``.

    ``moving[y + dy, x + dx]`` shows what ``fixed[y, x]`` shows, so content that lies lower in
    `moving` has dy > 0. All values are `nan` where either image holds no edge: a constant image has
    no position, and `nan` fails every comparison with a threshold.

    Args:
        fixed: `(H, W)` or `(D, H, W)`, any real dtype and range.
        moving: same shape, any contrast.

    Raises:
        MedSynthError: other number of axes, shapes that differ, values that are not finite.
    """
    fixed, moving = np.asarray(fixed), np.asarray(moving)
    _check_pair(fixed, moving, axes=(2, 3))
    return _peak(_spectrum(fixed), _spectrum(moving), fixed.shape)


def pairwise_shifts(images: ArrayLike) -> NDArray[np.float64]:
    """`subpixel_shift` between every two channels, `(M (M - 1) / 2, 2)` px, as ``(dy, dx)``.

    Pairs in the order of ``itertools.combinations``; NaN where a channel holds no edge.

    Args:
        images: `(H, W, M)`, any real dtype and range.

    Raises:
        MedSynthError: another number of axes, no pixel, values that are not finite.
    """
    images = np.asarray(images)
    check("channels are images (H, W, M)", images.ndim == 3 and images.size > 0, shape=images.shape)
    spectra = [_spectrum(channel) for channel in np.moveaxis(images, -1, 0)]
    shifts = [_peak(a, b, images.shape[:2]) for a, b in itertools.combinations(spectra, 2)]
    return np.array(shifts, np.float64).reshape(-1, 2)


def worst_local_shift(
    fixed: ArrayLike,
    moving: ArrayLike,
    patch: int = 64,
    stride: int = 32,
    search: int = 6,
    minimum_edge: float = 0.25,
    minimum_gain: float = 0.1,
) -> LocalShift:
    """The largest shift found in any of many overlapping square patches: finds local warps.

    Each patch of `fixed` is looked for in `moving` by normalised correlation of edge directions. Between
    contrasts a small patch often fits elsewhere almost as well, so a patch counts as shifted only
    where its correlation is better by `minimum_gain` than at no shift. Even so some registered real
    pairs read several px: compare distributions, do not gate on one value across contrasts. What
    moved within an outline that stayed, which holds `subpixel_shift` back, is seen here.

    Args:
        fixed: `(H, W)`, any real dtype and range.
        moving: same shape, any contrast.
        patch: side in px, at most the shorter side of the image.
        stride: distance in px between patches; the last patch is aligned with the image's end.
        search: largest shift looked for along an axis, px.
        minimum_edge: a patch is looked at where its edges' root mean square is at least this many
            times that of the whole image, in both images.
        minimum_gain: of the correlation coefficient.

    Raises:
        MedSynthError: shapes that differ, a patch larger than the image, values that are not finite.
    """
    fixed, moving = np.asarray(fixed), np.asarray(moving)
    _check_pair(fixed, moving, axes=(2,))
    check(
        "patch must be between 8 and the image's shorter side, stride and search at least 1",
        8 <= patch <= min(fixed.shape) and stride >= 1 and search >= 1,
        patch=patch,
        stride=stride,
        search=search,
        shape=fixed.shape,
    )
    first, second = _channels_last(fixed), _channels_last(moving)
    enough = [minimum_edge**2 * float(np.square(d).mean()) for d in (first, second)]
    second = np.pad(second, ((search, search), (search, search), (0, 0)))
    worst = LocalShift(math.nan, (math.nan, math.nan), None)
    for top, left in _corners(fixed.shape, patch, stride):
        template = first[top : top + patch, left : left + patch]
        region = second[top : top + patch + 2 * search, left : left + patch + 2 * search]
        there = (template, region[search:-search, search:-search])
        if any(np.square(d).mean() <= least for d, least in zip(there, enough, strict=True)):
            continue
        shift = _patch_shift(template, region, search, minimum_gain)
        magnitude = math.hypot(*shift)
        if not magnitude <= worst.magnitude:
            worst = LocalShift(magnitude, shift, (top + patch // 2, left + patch // 2))
    return worst


def _channels_last(image: NDArray) -> NDArray[np.float32]:
    return np.ascontiguousarray(np.moveaxis(edge_directions(image), 0, -1))


def _patch_shift(
    template: NDArray[np.float32], region: NDArray[np.float32], search: int, minimum_gain: float
) -> tuple[float, float]:
    """Where `template` lies in `region`, px from its middle, refined by a parabola an axis."""
    scores = cv2.matchTemplate(region, template, cv2.TM_CCORR_NORMED)
    row, column = (int(k) for k in np.unravel_index(int(scores.argmax()), scores.shape))
    if scores[row, column] - scores[search, search] < minimum_gain:
        return 0.0, 0.0
    return (
        row - search + _parabola_peak(scores[:, column], row),
        column - search + _parabola_peak(scores[row], column),
    )


def _parabola_peak(scores: NDArray, peak: int) -> float:
    if not 0 < peak < len(scores) - 1:
        return 0.0
    before, middle, after = (float(s) for s in scores[peak - 1 : peak + 2])
    curvature = before - 2 * middle + after
    return 0.5 * (before - after) / curvature if curvature < 0 else 0.0


def _spectrum(image: NDArray) -> NDArray[np.complex64] | None:
    """Half spectra of the edge directions, None where there is no edge."""
    directions = edge_directions(image)
    axes = tuple(range(1, directions.ndim))
    return fft.rfftn(directions, axes=axes) if directions.any() else None


def _peak(
    fixed: NDArray[np.complex64] | None, moving: NDArray[np.complex64] | None, shape: tuple[int, ...]
) -> tuple[float, ...]:
    """Where the correlation of two sets of edge directions is largest, px an axis."""
    if fixed is None or moving is None:
        return (math.nan,) * len(shape)
    cross = np.sum(np.conj(fixed) * moving, axis=0)
    surface = fft.irfftn(cross, shape)
    whole = np.unravel_index(int(surface.argmax()), shape)
    centre = [int(k) - n if k > n // 2 else int(k) for k, n in zip(whole, shape, strict=True)]
    grids = [k + np.arange(-_UPSAMPLING, _UPSAMPLING + 1) / _UPSAMPLING for k in centre]
    fine = _correlation_at(cross, grids, shape)
    best = tuple(int(k) for k in np.unravel_index(int(fine.argmax()), fine.shape))
    shift = []
    for axis, grid in enumerate(grids):
        line = np.moveaxis(fine, axis, -1)[best[:axis] + best[axis + 1 :]]
        shift.append(float(grid[best[axis]]) + _parabola_peak(line, best[axis]) / _UPSAMPLING)
    return tuple(shift)


def _correlation_at(
    cross: NDArray[np.complex64], grids: list[NDArray[np.float64]], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """The correlation at every point of a grid of fractional shifts, from its half spectrum."""
    last = shape[-1]
    twice = np.full(cross.shape[-1], 2.0)  # the half that is left out mirrors the one that is there
    twice[0] = 1.0
    if last % 2 == 0:
        twice[-1] = 1.0
    values = cross * twice
    for axis, (grid, size) in enumerate(zip(grids, shape, strict=True)):
        waves = fft.rfftfreq(size) if axis == len(shape) - 1 else fft.fftfreq(size)
        values = np.tensordot(values, np.exp(2j * np.pi * np.outer(waves, grid)), (0, 0))
    return np.real(values)


def _corners(shape: tuple[int, ...], patch: int, stride: int) -> Iterator[tuple[int, int]]:
    starts = [sorted({*range(0, size - patch, stride), size - patch}) for size in shape]
    for top in starts[0]:
        for left in starts[1]:
            yield top, left


def _check_pair(fixed: NDArray, moving: NDArray, axes: tuple[int, ...]) -> None:
    check(
        f"registration compares two arrays of one shape with {' or '.join(map(str, axes))} axes",
        fixed.shape == moving.shape and fixed.ndim in axes and 0 not in fixed.shape,
        fixed=fixed.shape,
        moving=moving.shape,
    )
