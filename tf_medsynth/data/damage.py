"""Images damaged in one of a few known ways: what an encoder can learn to tell without any annotation."""

from __future__ import annotations

import tensorflow as tf

from tf_medsynth.data.batches import Batch, Step
from tf_medsynth.data.draws import Draw, draw
from tf_medsynth.imaging.filters import gaussian_blur
from tf_medsynth.types import Tensor

DAMAGES = ("none", "blurred", "noisy", "shifted", "contrast", "exchanged", "foreign")
"""Nothing; blur and noise of all modalities; one modality shifted, of other contrast, exchanged with
the next, or another slice's."""

BLUR_PX, NOISE, SHIFT_PX, GAMMA = 1.0, 0.06, 3, 1.6


def with_damage(seed: int, purpose: str = "damage") -> Step:
    """Adds ``damage``, `(B,)` int32 index into `DAMAGES`, and damages ``images`` accordingly.

    Each kind is as likely. Images stay `(B, H, W, M)` float32 in [0, 1], the lesion label as it is.
    """

    def apply(batch: Batch) -> Batch:
        images = batch["images"]
        shape = tuple(images.shape[1:])
        uniform = draw(damage_draws(shape), seed, batch["index"], purpose=purpose)
        kind = _whole(uniform["damage"][:, 0], len(DAMAGES))
        one = tf.one_hot(_whole(uniform["damage"][:, 1], shape[-1]), shape[-1])[:, None, None, :]
        way = _whole(uniform["damage"][:, 2], 4)
        versions = _versions(images, one, way, uniform["noise"])
        chosen = tf.gather(tf.stack([versions[name] for name in DAMAGES], axis=1), kind, batch_dims=1)
        return {**batch, "images": tf.clip_by_value(chosen, 0.0, 1.0), "damage": kind}

    return apply


def damage_draws(shape: tuple[int, ...]) -> dict[str, Draw]:
    """What a slice of `shape` is damaged by."""
    return {"damage": Draw((3,), "uniform"), "noise": Draw(shape)}


def _versions(images: Tensor, one: Tensor, way: Tensor, noise: Tensor) -> dict[str, Tensor]:
    """Every damage of every image; `one` is 1 for the modality that is damaged alone."""
    moves = [(SHIFT_PX, 1), (-SHIFT_PX, 1), (SHIFT_PX, 2), (-SHIFT_PX, 2)]
    rolled = tf.stack([tf.roll(images, by, axis) for by, axis in moves], axis=1)
    moved = tf.gather(rolled, way, batch_dims=1)
    darker = tf.cast(way % 2 == 0, tf.float32)[:, None, None, None]
    gamma = darker * GAMMA + (1.0 - darker) / GAMMA
    following = tf.roll(one, 1, axis=-1)
    exchanged = tf.roll(images, -1, axis=-1) * one + tf.roll(images, 1, axis=-1) * following
    alone = {
        "shifted": moved,
        "contrast": tf.pow(tf.maximum(images, 1e-6), gamma) * tf.cast(images > 0, tf.float32),
        "foreign": tf.roll(images, 1, axis=0),
    }
    return {
        "none": images,
        "blurred": gaussian_blur(images, sigma=BLUR_PX, size=7),
        "noisy": images + NOISE * noise * tf.cast(images > 0, tf.float32),
        "exchanged": images * (1.0 - one - following) + exchanged,
        **{name: images * (1.0 - one) + version * one for name, version in alone.items()},
    }


def _whole(uniform: Tensor, count: int) -> Tensor:
    return tf.minimum(tf.cast(uniform * count, tf.int32), count - 1)
