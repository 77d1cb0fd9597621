"""Images moved and resized: rotation, translation, scaling, mirroring, resizing, cropping, padding.

Everything that moves an image is a 3 x 3 matrix a sample, acting on ``(row, column, 1)`` in px about
the image's centre and leading from the OUTPUT to the input. Matrices of several operations are
multiplied (first operation leftmost) and the image is resampled once, by `transform`.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from keras import ops
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.types import Tensor

Interpolation = Literal["nearest", "bilinear"]
ResizeMethod = Literal["nearest", "bilinear", "area"]


def rotation_matrix(degrees: Tensor) -> Tensor:
    """Matrices that turn the content anticlockwise, as displayed, `(B, 3, 3)`; `degrees` is `(B,)`."""
    radians = ops.cast(degrees, "float32") * (math.pi / 180)
    cosine, sine = ops.cos(radians), ops.sin(radians)
    return _matrix(cosine, sine, -sine, cosine)


def translation_matrix(dy: Tensor, dx: Tensor) -> Tensor:
    """Matrices that move the content `dy` px down and `dx` px right, `(B, 3, 3)`; both are `(B,)`."""
    dy, dx = ops.cast(dy, "float32"), ops.cast(dx, "float32")
    one, zero = ops.ones_like(dy), ops.zeros_like(dy)
    return _matrix(one, zero, zero, one, -dy, -dx)


def scaling_matrix(scale_y: Tensor, scale_x: Tensor) -> Tensor:
    """Matrices that enlarge the content by these factors about the centre, `(B, 3, 3)`; both `(B,)` > 0."""
    scale_y, scale_x = ops.cast(scale_y, "float32"), ops.cast(scale_x, "float32")
    zero = ops.zeros_like(scale_y)
    return _matrix(1 / scale_y, zero, zero, 1 / scale_x)


def flip_matrix(top_bottom: Tensor, left_right: Tensor) -> Tensor:
    """Matrices that mirror the content upside down and / or left to right, `(B, 3, 3)`; both `(B,)` bool."""
    sign_y = 1 - 2 * ops.cast(top_bottom, "float32")
    sign_x = 1 - 2 * ops.cast(left_right, "float32")
    zero = ops.zeros_like(sign_y)
    return _matrix(sign_y, zero, zero, sign_x)


def transform(images: Tensor, matrices: Tensor, interpolation: Interpolation) -> Tensor:
    """Images resampled through `matrices`, same shape and dtype; what comes from outside is 0.

    Args:
        images: `(B, H, W, C)`, any real dtype (integers up to 2**24 survive "nearest" exactly).
        matrices: `(B, 3, 3)`, output to input, in px about the image's centre.
        interpolation: "nearest" for labels and masks, "bilinear" for images.
    """
    check(
        "interpolation is nearest or bilinear",
        interpolation in ("nearest", "bilinear"),
        interpolation=interpolation,
    )
    _, height, width, _ = ops.shape(images)
    row = (ops.cast(height, "float32") - 1) / 2
    column = (ops.cast(width, "float32") - 1) / 2
    matrices = ops.cast(matrices, "float32")
    yy, yx, y0 = (matrices[:, 0, k] for k in range(3))
    xy, xx, x0 = (matrices[:, 1, k] for k in range(3))
    zero = ops.zeros_like(yy)
    # Keras' order: x before y, and the origin in the first pixel.
    flat = [
        xx, xy, column + x0 - xx * column - xy * row,
        yx, yy, row + y0 - yx * column - yy * row,
        zero, zero,
    ]  # fmt: skip
    moved = ops.image.affine_transform(
        ops.cast(images, "float32"),
        ops.stack(flat, axis=-1),
        interpolation=interpolation,
        fill_mode="constant",
        fill_value=0.0,
        data_format="channels_last",
    )
    return ops.cast(ops.reshape(moved, ops.shape(images)), images.dtype)


def rotate(images: Tensor, degrees: Tensor, interpolation: Interpolation) -> Tensor:
    """Images turned anticlockwise about their centre, same shape; `degrees` is `(B,)`."""
    return transform(images, rotation_matrix(degrees), interpolation)


def translate(images: Tensor, dy: Tensor, dx: Tensor, interpolation: Interpolation) -> Tensor:
    """Images moved `dy` px down and `dx` px right, zeros moving in, same shape; both are `(B,)`."""
    return transform(images, translation_matrix(dy, dx), interpolation)


def flip(images: Tensor, top_bottom: Tensor, left_right: Tensor) -> Tensor:
    """Images mirrored upside down and / or left to right, same shape; both are `(B,)` bool."""
    images = ops.where(top_bottom[:, None, None, None], ops.flip(images, axis=1), images)
    return ops.where(left_right[:, None, None, None], ops.flip(images, axis=2), images)


def resize(images: Tensor, height: int, width: int, method: ResizeMethod) -> Tensor:
    """Images of another size, `(B, height, width, C)`; pixels are areas, so centres stay centres.

    "nearest" keeps the dtype. "bilinear" (OpenCV's INTER_LINEAR, no smoothing before shrinking) and
    "area" (INTER_AREA: the mean of what a pixel covers; for shrinking only) are float32.

    Args:
        images: `(B, H, W, C)`; H and W known unless `method` is "nearest".
        height: px.
        width: px.
        method: "nearest" for labels and masks.

    Raises:
        MedSynthError: unknown method, a size below 1, "area" asked to enlarge, H or W unknown.
    """
    check(
        "a resize method is nearest, bilinear or area",
        method in ("nearest", "bilinear", "area"),
        method=method,
    )
    check("an image has at least 1 px a side", min(height, width) >= 1, height=height, width=width)
    if method == "nearest":
        images = ops.take(images, _nearest_indices(ops.shape(images)[1], height), axis=1)
        return ops.take(images, _nearest_indices(ops.shape(images)[2], width), axis=2)
    source = tuple(images.shape[1:3])
    check(f"{method} resizing needs a known image size", None not in source, shape=tuple(images.shape))
    weigh = _area_weights if method == "area" else _bilinear_weights
    rows, columns = weigh(source[0], height), weigh(source[1], width)
    images = ops.einsum("ah,bhwc->bawc", rows, ops.cast(images, "float32"))
    return ops.einsum("dw,bawc->badc", columns, images)


def magnify_nearest(images: Tensor, pixels: int) -> Tensor:
    """Images grown by `pixels` along both axes and cropped to their old size, same shape and dtype.

    Args:
        images: `(B, H, W, C)`.
        pixels: at least 0; an odd number moves the content by half a px.
    """
    check("an image is magnified by 0 or more px", pixels >= 0, pixels=pixels)
    if pixels == 0:
        return images
    for axis in (1, 2):
        size = ops.shape(images)[axis]
        indices = _nearest_indices(size, size + pixels)[pixels // 2 :][:size]
        images = ops.take(images, indices, axis=axis)
    return images


def centre_crop(images: Tensor, height: int, width: int) -> Tensor:
    """The middle of images, `(B, height, width, C)`; an odd remainder loses one more px at the end.

    Raises:
        MedSynthError: a size larger than the image.
    """
    _, rows, columns, _ = images.shape
    check(
        "a crop is not larger than the image",
        (rows is None or 1 <= height <= rows) and (columns is None or 1 <= width <= columns),
        shape=tuple(images.shape),
        height=height,
        width=width,
    )
    _, rows, columns, _ = ops.shape(images)
    top, left = (rows - height) // 2, (columns - width) // 2
    return images[:, top : top + height, left : left + width]


def centre_pad(images: Tensor, height: int, width: int) -> Tensor:
    """Images in the middle of zeros, `(B, height, width, C)`; an odd remainder adds one more px at the end.

    Raises:
        MedSynthError: a size smaller than the image, or an image of unknown size.
    """
    _, rows, columns, _ = images.shape
    check(
        "a padded image is not smaller than the image, whose size is known",
        rows is not None and columns is not None and height >= rows and width >= columns,
        shape=tuple(images.shape),
        height=height,
        width=width,
    )
    spare = [(height - rows), (width - columns)]
    return ops.pad(images, [[0, 0], *([s // 2, s - s // 2] for s in spare), [0, 0]])


def _matrix(yy: Tensor, yx: Tensor, xy: Tensor, xx: Tensor, y0: Tensor = None, x0: Tensor = None) -> Tensor:
    zero, one = ops.zeros_like(yy), ops.ones_like(yy)
    first = ops.stack([yy, yx, zero if y0 is None else y0], axis=-1)
    second = ops.stack([xy, xx, zero if x0 is None else x0], axis=-1)
    return ops.stack([first, second, ops.stack([zero, zero, one], axis=-1)], axis=-2)


def _nearest_indices(source: Tensor, target: Tensor) -> Tensor:
    """For each target pixel the source pixel its centre lies in, `(target,)` int32, in whole numbers."""
    return ((2 * ops.arange(target, dtype="int32") + 1) * source) // (2 * target)


def _bilinear_weights(source: int, target: int) -> NDArray[np.float32]:
    position = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    distance = np.abs(position[:, None] - np.arange(source))
    return np.maximum(0, 1 - distance).astype(np.float32)


def _area_weights(source: int, target: int) -> NDArray[np.float32]:
    check("area resizing only makes an image smaller", target <= source, source=source, target=target)
    edges = np.arange(target + 1) * (source / target)
    start, stop = np.arange(source), np.arange(1, source + 1)
    overlap = np.minimum(edges[1:, None], stop) - np.maximum(edges[:-1, None], start)
    return (np.clip(overlap, 0, None) * (target / source)).astype(np.float32)
