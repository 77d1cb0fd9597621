"""Augmentation, sampled and then applied: draws in [0, 1) become parameters, parameters act on images.

`label_augmentation`, `image_augmentation` and `training_augmentation` read a `(B, n)` uniform draw, one
row a sample, and return parameters in degrees and px that can be read, kept and replayed. All motions
of a sample are multiplied into one matrix, so that it is resampled once.
"""

from __future__ import annotations

from typing import NamedTuple

from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import ImageAugmentConfig, LabelAugmentConfig, TrainAugmentConfig
from tf_medsynth.imaging import geometry
from tf_medsynth.types import Tensor

LABEL_UNIFORMS = 6
"""Columns that `label_augmentation` reads: which operation and its two parameters, twice."""

IMAGE_UNIFORMS = 7
"""Columns that `image_augmentation` reads: how many operations, then as for a label."""

_MOTIONS = 5


class Motion(NamedTuple):
    """One rigid or scaling step a sample, every field `(B,)` float32 and 0 where it does nothing."""

    degrees: Tensor  # anticlockwise
    fitted: Tensor  # 1: the turned frame is squeezed into the old one, 0: it is cut
    top_bottom: Tensor  # 1: mirrored upside down
    left_right: Tensor  # 1: mirrored left to right
    down: Tensor  # px
    right: Tensor  # px
    taller: Tensor  # px that the height grows by; negative shrinks
    wider: Tensor  # px that the width grows by; negative shrinks


class LabelAugmentation(NamedTuple):
    """Two motions of a lesion label, in their order."""

    first: Motion
    second: Motion


class ImageAugmentation(NamedTuple):
    """One or two motions of images and label, and noise on the images."""

    first: Motion
    second: Motion
    noise: Tensor  # (B,) half width of uniform noise, 0 for none


class TrainingAugmentation(NamedTuple):
    """A light change of images and label."""

    left_right: Tensor  # (B,) 1: mirrored
    degrees: Tensor  # (B,) anticlockwise
    scale: Tensor  # (B,) factor
    down: Tensor  # (B,) share of the height
    right: Tensor  # (B,) share of the width
    gain: Tensor  # (B, M) factor
    bias: Tensor  # (B, M) added inside the organ


def training_uniforms(modalities: int) -> int:
    """Columns that `training_augmentation` reads: five motions, a gain and a bias a modality."""
    return _MOTIONS + 2 * modalities


def label_augmentation(uniforms: Tensor, config: LabelAugmentConfig | None = None) -> LabelAugmentation:
    """Parameters that move a lesion label by exactly two of four equally likely operations.

    Rotation by whole degrees (cut by the frame, or fitted into it), mirroring along either axis,
    translation in one of four directions, shrinking each axis by whole px.

    Args:
        uniforms: `(B, LABEL_UNIFORMS)` float in [0, 1).
        config: ranges.

    Source: the thesis' released code; its text says "augmented" only.
    """
    config = config or LabelAugmentConfig()
    _check_columns(uniforms, LABEL_UNIFORMS)
    return LabelAugmentation(*(_label_motion(uniforms[:, k : k + 3], config) for k in (0, 3)))


def apply_label_augmentation(label: Tensor, augmentation: LabelAugmentation) -> Tensor:
    """Labels moved by `augmentation`, same shape and dtype; classes stay classes, 0 comes in.

    Args:
        label: `(B, H, W, C)`, any dtype.
        augmentation: of as many samples.

    Deviates: both operations act in one resampling, so what the first moves out of the frame the
    second can bring back; shrinking by an odd number of px is centred exactly.
    """
    _, height, width, _ = ops.shape(label)
    return geometry.transform(label, label_matrices(augmentation, height, width), "nearest")


def image_augmentation(uniforms: Tensor, config: ImageAugmentConfig | None = None) -> ImageAugmentation:
    """Parameters of the papers' "enhanced data": 1 or 2 of six equally likely operations.

    Rotation by whole degrees, mirroring upside down, translation in one of four directions, noise,
    enlarging and cropping, shrinking and pasting. The same for every modality and the label.

    Args:
        uniforms: `(B, IMAGE_UNIFORMS)` float in [0, 1).
        config: ranges.

    Source: the thesis' released code.
    """
    config = config or ImageAugmentConfig()
    _check_columns(uniforms, IMAGE_UNIFORMS)
    always = ops.ones_like(uniforms[:, 0])
    again = ops.cast(uniforms[:, 0] < config.second_probability, uniforms.dtype)
    first, noisy = _image_motion(uniforms[:, 1:4], config, always)
    second, noisy_again = _image_motion(uniforms[:, 4:7], config, again)
    return ImageAugmentation(first, second, config.noise * ops.maximum(noisy, noisy_again))


def apply_image_augmentation(
    images: Tensor, label: Tensor, augmentation: ImageAugmentation, noise_uniforms: Tensor
) -> tuple[Tensor, Tensor]:
    """Images and label after `augmentation`, of the same shapes; images float32 in [0, 1].

    Args:
        images: `(B, H, W, M)` in [0, 1], 0 in the background; resampled bilinearly.
        label: `(B, H, W, C)`, any dtype; resampled to the nearest.
        augmentation: of as many samples.
        noise_uniforms: `(B, H, W, M)` in [0, 1).

    Deviates: the papers add noise to the background too and rescale from minimum to maximum, which
    lifts the background off 0. Here the background stays 0, and a sample that got noise is rescaled
    to a maximum of 1 a modality. Height and width are never swapped; one resampling a sample.
    """
    _, height, width, _ = ops.shape(images)
    images, label = _move(images, label, _matrices(augmentation[:2], height, width))
    width = augmentation.noise[:, None, None, None]
    noisy = ops.maximum(images + _organ(images) * width * _signed(noise_uniforms), 0.0)
    peak = ops.max(noisy, axis=(1, 2), keepdims=True)
    return ops.where(width > 0, noisy / ops.where(peak > 0, peak, 1.0), images), label


def training_augmentation(uniforms: Tensor, config: TrainAugmentConfig | None = None) -> TrainingAugmentation:
    """Parameters of a light augmentation of training batches: mirror, turn, scale, shift, contrast.

    Args:
        uniforms: `(B, training_uniforms(M))` float in [0, 1).
        config: ranges.
    """
    config = config or TrainAugmentConfig()
    modalities = max((uniforms.shape[-1] - _MOTIONS) // 2, 1)
    _check_columns(uniforms, training_uniforms(modalities))
    return TrainingAugmentation(
        left_right=ops.cast(uniforms[:, 0] < config.flip_probability, "float32"),
        degrees=config.degrees * _signed(uniforms[:, 1]),
        scale=1 + config.scale * _signed(uniforms[:, 2]),
        down=config.shift * _signed(uniforms[:, 3]),
        right=config.shift * _signed(uniforms[:, 4]),
        gain=1 + config.gain * _signed(uniforms[:, _MOTIONS : _MOTIONS + modalities]),
        bias=config.bias * _signed(uniforms[:, _MOTIONS + modalities :]),
    )


def apply_training_augmentation(
    images: Tensor, label: Tensor, augmentation: TrainingAugmentation
) -> tuple[Tensor, Tensor]:
    """Images and label after `augmentation`, of the same shapes; images float32 in [0, 1].

    The background stays 0; what gain and bias push out of [0, 1] is limited to it.

    Args:
        images: `(B, H, W, M C)` in [0, 1], 0 in the background; resampled bilinearly. The channels of a
            modality get brighter together.
        label: `(B, H, W, n)`, any dtype; resampled to the nearest.
        augmentation: of as many samples.
    """
    _, height, width, _ = ops.shape(images)
    matrices = training_matrices(augmentation, height, width)
    images, label = _move(images, label, matrices)
    channels = images.shape[-1] // augmentation.gain.shape[-1]
    gain, bias = (
        (values if channels == 1 else ops.repeat(values, channels, axis=-1))[:, None, None, :]
        for values in (augmentation.gain, augmentation.bias)
    )
    return ops.clip(images * gain + _organ(images) * bias, 0.0, 1.0), label


def training_matrices(augmentation: TrainingAugmentation, height: Tensor, width: Tensor) -> Tensor:
    """The motion of `augmentation` as one matrix a sample, `(B, 3, 3)`, see `geometry`."""
    left_right = augmentation.left_right
    return _chain(
        geometry.flip_matrix(ops.zeros_like(left_right), left_right),
        geometry.rotation_matrix(augmentation.degrees),
        geometry.scaling_matrix(augmentation.scale, augmentation.scale),
        geometry.translation_matrix(
            augmentation.down * ops.cast(height, "float32"), augmentation.right * ops.cast(width, "float32")
        ),
    )


def label_matrices(augmentation: LabelAugmentation, height: Tensor, width: Tensor) -> Tensor:
    """Both motions of `augmentation` as one matrix a sample, `(B, 3, 3)`, see `geometry`."""
    return _matrices(augmentation[:2], height, width)


def _label_motion(draws: Tensor, config: LabelAugmentConfig) -> Motion:
    turn, mirror, move, shrink = _choice(draws[:, 0], 4)
    first, second = draws[:, 1], draws[:, 2]
    down, right = _direction(first, second, config.translate)
    upside = ops.cast(first >= 0.5, "float32")
    return Motion(
        degrees=turn * _whole(first, config.degrees),
        fitted=turn * ops.cast(second < config.expand_probability, "float32"),
        top_bottom=mirror * upside,
        left_right=mirror * (1 - upside),
        down=move * down,
        right=move * right,
        taller=-shrink * _whole(first, config.shrink),
        wider=-shrink * _whole(second, config.shrink),
    )


def _image_motion(draws: Tensor, config: ImageAugmentConfig, active: Tensor) -> tuple[Motion, Tensor]:
    """The drawn step, and 1 where it is noise; both do nothing where `active` is 0."""
    choice = (active * chosen for chosen in _choice(draws[:, 0], 6))
    turn, mirror, move, noise, enlarge, shrink = choice
    first, second = draws[:, 1], draws[:, 2]
    down, right = _direction(first, second, config.translate)
    growth = enlarge * _whole(first, config.enlarge) - shrink * _whole(first, config.shrink)
    zero = ops.zeros_like(turn)
    motion = Motion(
        degrees=turn * _whole(first, config.degrees),
        fitted=zero,
        top_bottom=mirror,
        left_right=zero,
        down=move * down,
        right=move * right,
        taller=growth,
        wider=growth,
    )
    return motion, noise


def _matrices(motions: tuple[Motion, ...], height: Tensor, width: Tensor) -> Tensor:
    height, width = ops.cast(height, "float32"), ops.cast(width, "float32")
    return _chain(*(_matrix(motion, height, width) for motion in motions))


def _matrix(motion: Motion, height: Tensor, width: Tensor) -> Tensor:
    turn = geometry.rotation_matrix(motion.degrees)
    cosine, sine = ops.abs(turn[:, 0, 0]), ops.abs(turn[:, 0, 1])
    fit_y = height / (height * cosine + width * sine)
    fit_x = width / (height * sine + width * cosine)
    return _chain(
        geometry.flip_matrix(motion.top_bottom, motion.left_right),
        turn,
        geometry.scaling_matrix(
            (1 + motion.fitted * (fit_y - 1)) * (height + motion.taller) / height,
            (1 + motion.fitted * (fit_x - 1)) * (width + motion.wider) / width,
        ),
        geometry.translation_matrix(motion.down, motion.right),
    )


def _chain(*steps: Tensor) -> Tensor:
    matrices = steps[0]
    for step in steps[1:]:
        matrices = ops.matmul(matrices, step)
    return matrices


def _move(images: Tensor, label: Tensor, matrices: Tensor) -> tuple[Tensor, Tensor]:
    moved = geometry.transform(ops.cast(images, "float32"), matrices, "bilinear")
    return moved, geometry.transform(label, matrices, "nearest")


def _organ(images: Tensor) -> Tensor:
    return ops.cast(images > 0, "float32")


def _check_columns(uniforms: Tensor, columns: int) -> None:
    check(
        f"uniform draws are (B, {columns})",
        len(uniforms.shape) == 2 and uniforms.shape[1] == columns,
        shape=tuple(uniforms.shape),
    )


def _signed(uniforms: Tensor) -> Tensor:
    return 2 * ops.cast(uniforms, "float32") - 1


def _whole(uniforms: Tensor, bounds: tuple[int, int]) -> Tensor:
    """Whole numbers as float32, each of ``low .. high`` equally likely."""
    low, high = bounds
    return low + ops.floor(ops.cast(uniforms, "float32") * (high - low + 1))


def _choice(uniforms: Tensor, count: int) -> list[Tensor]:
    """`count` arrays `(B,)`, the drawn one 1 and the others 0."""
    drawn = ops.one_hot(ops.cast(_whole(uniforms, (0, count - 1)), "int32"), count, dtype="float32")
    return [drawn[:, k] for k in range(count)]


def _direction(first: Tensor, second: Tensor, bounds: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """A move of whole px down, up, right or left, as ``(down, right)``."""
    down, up, right, left = _choice(second, 4)
    pixels = _whole(first, bounds)
    return pixels * (down - up), pixels * (right - left)
