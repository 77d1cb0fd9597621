"""Training batches; a batch is a pure function of (seed, step), so a run can go on anywhere."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from tf_medsynth.config.domain import Domain
from tf_medsynth.config.imaging import LabelAugmentConfig, LabelPlace, OperatorConfig, TrainAugmentConfig
from tf_medsynth.data.draws import Draw, draw
from tf_medsynth.data.epochs import Batch, Step
from tf_medsynth.data.slices import SliceSource
from tf_medsynth.imaging.augment import LABEL_UNIFORMS, training_augmentation, training_uniforms
from tf_medsynth.imaging.labels import LabelKind, label_kind
from tf_medsynth.imaging.masks import map_and_mask
from tf_medsynth.imaging.modalities import check_choice, select_modality
from tf_medsynth.types import Tensor

_LABEL_TRIES = 8

STRUCTURE_DRAWS = {"modality": Draw((), "uniform")}
POOL_DRAWS = {
    "map_choice": Draw((), "uniform"),
    "label_choice": Draw((_LABEL_TRIES,), "uniform"),
    "label_augmentation": Draw((_LABEL_TRIES, LABEL_UNIFORMS), "uniform"),
}
"""What each step of a batch draws, whatever it is drawn for."""


@dataclasses.dataclass(frozen=True)
class DrawnMaps:
    """What stage M's free part is drawn from: accepted maps with their masks, and labels.

    Maps and masks ``(N, H, W, 1)`` bool, labels ``(L, ...)``, each as its kind has it; where labels follow
    their map, none of them is used.
    """

    maps: np.ndarray
    masks: np.ndarray
    labels: np.ndarray


def training_batches(
    source: SliceSource,
    *,
    batch_size: int,
    seed: int,
    start: int = 0,
    stop: int,
    steps: tuple[Step, ...] = (),
    share: tuple[int, int] = (0, 1),
    purpose: str = "training",
) -> tf.data.Dataset:
    """Batches of steps `start` to `stop`: index, images, lesion_label, and what `steps` add.

    Every epoch is shuffled by (seed, epoch) within the source's buffer; `index` is the position
    in the stream of all epochs and names the draws of augmentation and training.

    Args:
        source: of any form: slices, stacks, patches of volumes, unpaired draws.
        batch_size: rows of the whole batch.
        purpose: of what the source itself draws, see `draws.PURPOSES`.
        share: (i, n): only the i-th of n equal runs of rows of each batch, for one worker of several.
    """
    part, parts = share
    first, last = start * batch_size, stop * batch_size
    stream = source.stream(seed, first, last, purpose)
    batches = stream.batch(batch_size // parts, drop_remainder=True).shard(parts, part).take(stop - start)
    for step in steps:
        batches = batches.map(step, num_parallel_calls=2, deterministic=True)
    return batches.prefetch(2)


def augmentation_draws(modalities: int) -> dict[str, Draw]:
    """What `augmented` draws for images of so many modalities."""
    return {"augmentation": Draw((training_uniforms(modalities),), "uniform")}


def augmented(config: TrainAugmentConfig, domain: Domain, seed: int, purpose: str = "training") -> Step:
    """Adds the light training augmentation: flip, small affine changes, gain and bias.

    Args:
        purpose: of the draws, see `draws.PURPOSES`; in the other steps as well.
    """
    draws, kind = augmentation_draws(domain.num_modalities), label_kind(domain)

    def apply(batch: Batch) -> Batch:
        uniform = draw(draws, seed, batch["index"], purpose=purpose)
        parameters = training_augmentation(uniform["augmentation"], config)
        images, label = kind.augment_with(batch["images"], batch["lesion_label"], parameters)
        return {**batch, "images": images, "lesion_label": label}

    return apply


def with_structure(operators: OperatorConfig, domain: Domain, seed: int, purpose: str = "real maps") -> Step:
    """Adds structure_map, background_mask, and the anatomy the map was taken from.

    The map is without what the label erases: without its lesion, with its vessels.

    Raises:
        MedSynthError: the operators take lines from a modality that `domain` does not have.
    """
    check_choice(operators.structure.modality, domain)
    kind = label_kind(domain)

    def apply(batch: Batch) -> Batch:
        uniform = draw(STRUCTURE_DRAWS, seed, batch["index"], purpose=purpose)["modality"]
        anatomy = select_modality(batch["images"], operators.structure.modality, domain, uniform)
        lines, background = map_and_mask(anatomy, batch["images"], operators)
        return {
            **batch,
            "anatomy": anatomy,
            "structure_map": kind.erase(lines, batch["lesion_label"]),
            "background_mask": background,
        }

    return apply


def with_drawn_maps(
    drawn: DrawnMaps,
    domain: Domain,
    seed: int,
    augment: LabelAugmentConfig | None,
    place: LabelPlace = "inside",
    purpose: str = "training",
) -> Step:
    """Adds drawn_map, drawn_mask and drawn_label: a map of the pool and a label that fits into it.

    Of a few drawn labels the first that lies inside the organ is taken; where none does, the one
    with the least outside is cut at the organ's edge, so that a batch is always whole. Generation
    never cuts a label. With `place` ``anywhere`` the first drawn label is taken as it is. A label that
    follows its map is read off the map.
    """
    kind = label_kind(domain)
    maps, masks, labels = (tf.constant(array) for array in (drawn.maps, drawn.masks, drawn.labels))
    height, width = drawn.maps.shape[1:3]

    def label_of(uniform: Batch, mask: Tensor) -> Tensor:
        tried = tf.gather(labels, _pick(uniform["label_choice"], len(drawn.labels)))
        flat = tf.cast(tf.reshape(tried, (-1, *drawn.labels.shape[1:])), kind.dtype)
        if augment is not None:
            words = tf.reshape(uniform["label_augmentation"], (-1, LABEL_UNIFORMS))
            flat = kind.augment(flat, words, augment, height, width)
        tried = tf.reshape(flat, (-1, _LABEL_TRIES, *drawn.labels.shape[1:]))
        return tried[:, 0] if place == "anywhere" else _least_outside(kind, tried, mask)

    def apply(batch: Batch) -> Batch:
        uniform = draw(POOL_DRAWS, seed, batch["index"], purpose=purpose)
        chosen = _pick(uniform["map_choice"], len(drawn.maps))
        mask = tf.cast(tf.gather(masks, chosen), tf.float32)
        lines = tf.cast(tf.gather(maps, chosen), tf.float32)
        label = kind.of_map(lines, mask) if kind.follows_map else label_of(uniform, mask)
        return {**batch, "drawn_map": lines, "drawn_mask": mask, "drawn_label": label}

    return apply


def _least_outside(kind: LabelKind, labels: Tensor, mask: Tensor) -> Tensor:
    """Of labels ``(B, N, ...)`` a row, the one with the least outside the organ, without that."""
    flat = tf.reshape(labels, (-1, *labels.shape[2:]))
    outside = kind.outside(tf.repeat(mask, labels.shape[1], axis=0), flat)
    best = tf.argmin(tf.reshape(outside, (-1, labels.shape[1])), axis=1)  # of equals the first, which fits
    return kind.cut(mask, tf.gather(labels, best, batch_dims=1))


def _pick(uniform: Tensor, count: int) -> Tensor:
    return tf.minimum(tf.cast(uniform * count, tf.int32), count - 1)
