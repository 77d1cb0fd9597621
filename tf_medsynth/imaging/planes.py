"""Single slices in 2-D image files, with the geometry of their plane."""

from __future__ import annotations

import os

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check


def write_plane(
    pixels: NDArray, path: str | os.PathLike[str], spacing: ArrayLike, origin: ArrayLike = (0.0, 0.0)
) -> None:
    """Writes one slice as a compressed 2-D image, e.g. ``.nii.gz``, with axes along x and y.

    Args:
        pixels: `(H, W)` float32, or integers of up to 16 bits.
        path: its ending names the format.
        spacing: mm between rows and between columns.
        origin: mm, (y, x) of the centre of the first pixel.

    Raises:
        MedSynthError: another number of axes or type, a spacing that is not positive.
    """
    steps, start = np.asarray(spacing, float), np.asarray(origin, float)
    known = pixels.dtype == np.float32 or (pixels.dtype.kind in "iu" and pixels.dtype.itemsize <= 2)
    check(
        "a plane is (H, W) of float32 or small integers",
        pixels.ndim == 2 and known,
        shape=pixels.shape,
        dtype=str(pixels.dtype),
    )
    check(
        "spacing and origin of a plane are two numbers each, spacing positive",
        steps.shape == start.shape == (2,) and bool((steps > 0).all() and np.isfinite(start).all()),
        spacing=spacing,
        origin=origin,
    )
    image = sitk.GetImageFromArray(pixels)
    image.SetSpacing([float(value) for value in steps[::-1]])
    image.SetOrigin([float(value) for value in start[::-1]])
    sitk.WriteImage(image, os.fspath(path), useCompression=True)
