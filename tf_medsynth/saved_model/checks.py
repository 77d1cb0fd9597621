"""What a request must hold, checked inside the graph: every server answers in the same plain words."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tf_medsynth.types import Tensor


def checked_names(seed: Tensor) -> tuple[Tensor, Tensor]:
    """Run seeds and sample numbers, int64 ``(B,)`` each, of ``(B, 2)``."""
    seed = _holds(
        seed, _all(tf.shape(seed)[1:] == [2]), "seed must have shape (B, 2): run seed, sample number"
    )
    seed = _holds(seed, _all(seed >= 0), "run seed and sample number must not be negative")
    return seed[:, 0], seed[:, 1]


def checked_label(lesion_label: Tensor, image_size: tuple[int, int], num_classes: int) -> Tensor:
    """Class codes ``(B, H, W, 1)``."""
    label = _shaped("lesion_label", lesion_label, (*image_size, 1))
    codes = _all((label >= 0) & (label < num_classes))
    return _holds(label, codes, f"lesion_label must hold class codes 0 to {num_classes - 1}")


def checked_images(name: str, images: Tensor, image_size: tuple[int, int], channels: int) -> Tensor:
    """Finite values in [0, 1], ``(B, H, W, channels)``."""
    images = _shaped(name, images, (*image_size, channels))
    images = _holds(images, _all(tf.math.is_finite(images)), f"{name} must be finite")
    return _holds(images, _all((images >= 0.0) & (images <= 1.0)), f"{name} must lie in [0, 1]")


def checked_map(name: str, pixels: Tensor, image_size: tuple[int, int]) -> Tensor:
    """Zeros and ones, ``(B, H, W, 1)``."""
    pixels = _shaped(name, pixels, (*image_size, 1))
    return _holds(pixels, _all((pixels == 0.0) | (pixels == 1.0)), f"{name} must hold 0 and 1 only")


def checked_modality(name: str, number: Tensor, modalities: Sequence[str]) -> Tensor:
    """Indices into `modalities`, ``(B,)``."""
    known = ", ".join(f"{index} {modality}" for index, modality in enumerate(modalities))
    return _holds(number, _all((number >= 0) & (number < len(modalities))), f"{name} must be one of {known}")


def checked_numbers(number: Tensor, count: int) -> Tensor:
    """Numbers of labels in a pool of `count`, ``(B,)``."""
    return _holds(number, _all((number >= 0) & (number < count)), f"number must lie in 0 .. {count - 1}")


def same_rows(**arguments: Tensor) -> tuple[Tensor, ...]:
    """The arguments, which have one number of rows."""
    counts = tf.stack([tf.shape(value)[0] for value in arguments.values()])
    words = f"{', '.join(arguments)} must have the same number of rows"
    one = _all(counts == counts[0])
    return tuple(_holds(value, one, words) for value in arguments.values())


def _shaped(name: str, value: Tensor, shape: tuple[int, ...]) -> Tensor:
    words = ", ".join(map(str, shape))
    value = _holds(value, _all(tf.shape(value)[1:] == shape), f"{name} must have shape (B, {words})")
    return tf.ensure_shape(value, (None, *shape))


def _holds(value: Tensor, condition: Tensor, words: str) -> Tensor:
    with tf.control_dependencies([tf.debugging.Assert(condition, [words])]):
        return tf.identity(value)


def _all(conditions: Tensor) -> Tensor:
    return tf.reduce_all(conditions)
