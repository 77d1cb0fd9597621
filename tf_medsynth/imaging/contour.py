"""Closed-contour test of structure maps: fill the outline, compare it with the background mask.

NumPy in, NumPy out: OpenCV finds and fills contours. The papers' pseudocode repeats the draw while the
error is at most the limit, which would throw the good maps away; their prose and their code keep those.
So: draw again while the error EXCEEDS the limit, a bounded number of times, and accept no other way.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import ContourConfig


def contour_mask(structure_map: ArrayLike, blur: bool = True) -> NDArray[np.float32]:
    """Background mask of filled outlines, `(B, H, W, 1)` float32: 0 on and inside them, 1 outside.

    Args:
        structure_map: `(B, H, W, 1)`, 0 or 1, 1 on a line.
        blur: thicken lines by a 3 x 3 Gaussian (anything above 0 counts) first, which closes gaps of
            one or two px and grows the outline by 1 px.

    Raises:
        MedSynthError: another number of axes or channels, values other than 0 and 1.

    Source: Qu et al., algorithm 3.
    """
    maps = np.asarray(structure_map)
    _check_single_channel(structure_map=maps)
    check("a structure map holds 0 and 1 only", bool(np.isin(maps, (0, 1)).all()), dtype=str(maps.dtype))
    return (
        np.stack([_filled(lines, blur) for lines in maps[..., 0]])[..., None]
        if len(maps)
        else (np.zeros(maps.shape, np.float32))
    )


def contour_error(
    structure_map: ArrayLike, background_mask: ArrayLike, blur: bool = True
) -> NDArray[np.float64]:
    """Share of pixels where filled outline and mask disagree (mean absolute error), `(B,)` in [0, 1].

    Args:
        structure_map: `(B, H, W, 1)`, 0 or 1, 1 on a line.
        background_mask: `(B, H, W, 1)` in [0, 1], 1 outside the organ: a mask network's answer, or an
            extracted mask. It should be filled and expanded, since outlines lie outside the organ.
        blur: see `contour_mask`.
    """
    masks = np.asarray(background_mask, np.float64)
    _check_single_channel(background_mask=masks)
    filled = contour_mask(structure_map, blur)
    check(
        "structure map and background mask have one shape",
        masks.shape == filled.shape,
        structure_map=filled.shape,
        background_mask=masks.shape,
    )
    return np.abs(filled - masks).mean(axis=(1, 2, 3))


def closed(structure_map: ArrayLike, background_mask: ArrayLike, config: ContourConfig) -> NDArray[np.bool_]:
    """Whether each map passes the contour filter, `(B,)`: its error is at most `config.max_mae`."""
    return contour_error(structure_map, background_mask, config.blur) <= config.max_mae


def _filled(lines: NDArray, blur: bool) -> NDArray[np.float32]:
    canvas = cv2.GaussianBlur(lines.astype(np.float32), (3, 3), 0) if blur else lines
    binary = (canvas > 0).astype(np.uint8)
    outlines, _ = cv2.findContours(binary, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(binary, outlines, -1, 1, thickness=cv2.FILLED)
    return (binary == 0).astype(np.float32)


def _check_single_channel(**arrays: NDArray) -> None:
    for name, array in arrays.items():
        check(f"{name} is (B, H, W, 1)", array.ndim == 4 and array.shape[-1] == 1, shape=array.shape)
