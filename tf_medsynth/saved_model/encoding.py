"""Pictures as bytes inside the graph: what a client reads without an array library."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from tf_medsynth.saved_model.checks import checked_label
from tf_medsynth.types import Tensor

IMAGE_SCALE = 65_535
"""An image's PNG holds ``round(IMAGE_SCALE * value)`` in 16 bits."""


def packed_labels(labels: Iterable[np.ndarray]) -> Tensor:
    """``(N,)`` PNG files of labels ``(H, W, 1)`` of class codes: a hundredth of their size."""
    return tf.constant([tf.io.encode_png(tf.cast(label, tf.uint8)).numpy() for label in labels])


def picker(packed: Tensor, image_size: tuple[int, int]) -> Callable[[Tensor], Tensor]:
    """Function of numbers ``(B,)`` to labels ``(B, H, W, 1)`` int32 out of `packed_labels`."""
    spec = tf.TensorSpec((*image_size, 1), tf.uint8)

    def pick(numbers: Tensor) -> Tensor:
        decode = _decode_uint8
        return tf.cast(tf.map_fn(decode, tf.gather(packed, numbers), fn_output_signature=spec), tf.int32)

    return pick


def decoded_labels(files: Tensor, image_size: tuple[int, int], num_classes: int) -> Tensor:
    """Labels ``(B, H, W, 1)`` int32 of PNG files ``(B,)`` with one channel of class codes."""
    spec = tf.TensorSpec((*image_size, 1), tf.int32)

    def decode(file: Tensor) -> Tensor:
        return checked_label(tf.cast(_decode_uint8(file), tf.int32)[None], image_size, num_classes)[0]

    return tf.map_fn(decode, files, fn_output_signature=spec)


def encoded_images(images: Tensor, channels: int) -> Tensor:
    """16-bit PNG files ``(B, M)`` of images ``(B, H, W, M * channels)`` in [0, 1]; three make a colour."""
    levels = tf.cast(tf.round(images * IMAGE_SCALE), tf.uint16)
    starts = range(0, images.shape[-1], channels)
    by_modality = [_encode(levels[..., start : start + channels]) for start in starts]
    return tf.stack(by_modality, axis=1)


def encoded_labels(labels: Tensor) -> Tensor:
    """8-bit PNG files ``(B,)`` of labels ``(B, H, W, 1)``; a pixel is its class code."""
    return _encode(tf.cast(labels, tf.uint8))


def parsed_examples(examples: Tensor) -> tuple[Tensor, Tensor]:
    """``seed`` ``(B, 2)`` int64 and ``lesion_label`` ``(B,)`` PNG files of serialized `tf.Example`."""
    features = {
        "seed": tf.io.FixedLenFeature((2,), tf.int64),
        "lesion_label": tf.io.FixedLenFeature((), tf.string),
    }
    parsed = tf.io.parse_example(examples, features)
    return parsed["seed"], parsed["lesion_label"]


def _decode_uint8(file: Tensor) -> Tensor:
    return tf.io.decode_png(file, channels=1)


def _encode(pixels: Tensor) -> Tensor:
    return tf.map_fn(tf.io.encode_png, pixels, fn_output_signature=tf.TensorSpec((), tf.string))
