"""Real, synthetic and augmented slices in one stream of training batches.

Every mix has the same budget: ``steps * batch_size`` presentations, whatever it is made of. `schedule`
says of each of them where its slice is from; each pool gives its own in a shuffled order of its own.
Both are pure functions of the seed, so a stream can go on at any step. Memory holds a shuffle buffer a
pool, and a byte a presentation.

Source: Qu et al., availability experiments (Table 2): equal numbers of iterations for every mix, and
phases in proportion to the amounts.
Deviates: N, to which amounts refer, is the number of training slices; theirs counts the test slices too.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import ImageAugmentConfig
from tf_medsynth.config.studies import AvailabilitySettings, Mix, Shares
from tf_medsynth.data.draws import Draw, draw
from tf_medsynth.data.epochs import Batch, Step, shuffled_epochs
from tf_medsynth.data.slices import READ_IN_ORDER, SliceSource
from tf_medsynth.imaging.augment import IMAGE_UNIFORMS, apply_image_augmentation, image_augmentation
from tf_medsynth.types import Tensor

Kind = Literal["real", "synthetic", "augmented"]

COPY_DRAWS = {"enhanced": Draw((IMAGE_UNIFORMS,), "uniform")}
COPY_NOISE = "enhanced_noise"
"""What an augmented copy is drawn from; the noise has the shape of its slice."""
_COPIES = "augmented copies"

_SHARE, _ORDER = 1, 2
"""Parts of a seed: which real slices are kept, and in which order kinds follow each other."""


@dataclasses.dataclass(frozen=True)
class Pool:
    """Slices of one kind, each presented once before any comes again.

    Attributes:
        count: how many.
        stored: they as they are stored, always in the same order.
        finish: makes images and label of a stored one, as `SliceSource.normalised` does.
        facts: which they are, as JSON values.
    """

    kind: Kind
    count: int
    stored: Callable[[], tf.data.Dataset]
    finish: Step
    facts: dict[str, Any]


def chosen_slices(
    owners: Sequence[str], share: float, seed: int, shares: Shares = "auto"
) -> tuple[NDArray[np.bool_], dict[str, Any]]:
    """``(n,)`` which of the real slices a share keeps, and how it was chosen.

    Patients, or slices, are put in an order drawn from the seed and the first are kept, so a smaller
    share is a part of every larger one. Of few patients a small share is less than one of them: then
    ``auto`` keeps slices of all, which says little of having few patients, since neighbouring slices
    are alike.

    Args:
        owners: whose slice each one is.
        share: in (0, 1].
        seed: names the order.
        shares: ``patients``, at least one; ``slices``; or ``auto``.
    """
    names = np.array(sorted(set(owners)))
    wanted = share * len(names)
    rng = np.random.default_rng((seed, _SHARE))
    by_patient = shares == "patients" or (shares == "auto" and wanted >= 1.0)
    if by_patient or share == 1.0:
        kept = rng.permutation(names)[: max(1, int(wanted + 0.5))]
        mask = np.isin(np.asarray(owners), kept)
    else:
        order = rng.permutation(len(owners))
        mask = np.zeros(len(owners), bool)
        mask[order[: max(1, int(share * len(owners) + 0.5))]] = True
        kept = names[np.isin(names, np.asarray(owners)[mask])]
    facts = {
        "share": share,
        "chosen_by": "all" if share == 1.0 else "patients" if by_patient else "slices",
        "slices": int(mask.sum()),
        "patients": sorted(kept.tolist()),
    }
    return mask, facts


def real_pool(
    source: SliceSource, owners: Sequence[str], share: float, seed: int, shares: Shares = "auto"
) -> Pool:
    """A share of the real slices; see `chosen_slices`."""
    mask, facts = chosen_slices(owners, share, seed, shares)
    kept = tf.constant(mask)

    def stored() -> tf.data.Dataset:
        numbered = source.stored().enumerate()
        return numbered.filter(lambda number, _: tf.gather(kept, number)).map(lambda _, example: example)

    whole = bool(mask.all())
    return Pool("real", int(mask.sum()), source.stored if whole else stored, source.normalised, facts)


def augmented_pool(source: SliceSource, count: int, seed: int, config: ImageAugmentConfig) -> Pool:
    """`count` classically augmented copies: the k-th is a fixed change of the real slice k modulo N."""
    height, width = source.image_size
    kind = source.domain.label.kind
    check(
        "boxes are not moved with their images yet", kind != "boxes", "Leave augmented copies out.", kind=kind
    )
    is_map = kind in ("classes", "structure")

    def stored() -> tf.data.Dataset:
        copies = source.stored().repeat(-(-count // source.count)).take(count).enumerate()
        return copies.map(lambda number, example: {**example, "copy": number})

    def finish(example: Batch) -> Batch:
        plain = source.normalised(example)
        number = example["copy"][None]
        parameters = image_augmentation(draw(COPY_DRAWS, seed, number, purpose=_COPIES)["enhanced"], config)
        shape = (height, width, plain["images"].shape[-1])
        noise = draw({COPY_NOISE: Draw(shape, "uniform")}, seed, number, purpose=_COPIES)[COPY_NOISE]
        # A label that is no map stays as it is; the images then stand in for one.
        label = plain["lesion_label" if is_map else "images"]
        images, moved = apply_image_augmentation(plain["images"][None], label[None], parameters, noise)
        return {
            "images": images[0],
            "lesion_label": tf.cast(moved[0], tf.int32) if is_map else plain["lesion_label"],
        }

    return Pool("augmented", count, stored, finish, {"slices": count})


def synthetic_pool(builder: Any, count: int) -> Pool:
    """The first `count` samples of a generated dataset, which are in no order.

    Args:
        builder: TFDS builder of what `generate` published.

    Raises:
        MedSynthError: it holds fewer.
    """
    held, features = builder.info.splits["train"].num_examples, builder.info.features
    label = next((name for name in ("lesion_label", "label") if name in features), None)
    check("the synthetic set holds too few samples", held >= count, needed=count, held=held)

    def stored() -> tf.data.Dataset:
        samples = builder.as_dataset(split="train", shuffle_files=False, read_config=READ_IN_ORDER)
        return samples.take(count).map(lambda e: {n: e[n] for n in ("images", label) if n})

    def finish(example: Batch) -> Batch:
        shown = tf.zeros(0, tf.int32) if label is None else tf.cast(example[label], tf.int32)
        return {"images": tf.cast(example["images"], tf.float32), "lesion_label": shown}

    return Pool("synthetic", count, stored, finish, {"slices": count})


def amount(multiple: float, count: int) -> int:
    """Slices that a multiple of N = `count` is, at least 1."""
    return max(1, int(multiple * count + 0.5))


def pools_of_real(
    source: SliceSource, owners: Sequence[str], settings: AvailabilitySettings, seed: int
) -> list[Pool]:
    """What of a row is made of real slices: a share of them, and augmented copies; amounts are times N."""
    mix, pools = settings.mix, []
    if mix.real:
        pools.append(real_pool(source, owners, mix.real, seed, settings.shares))
    if mix.augmented:
        pools.append(augmented_pool(source, amount(mix.augmented, source.count), seed, settings.enhanced))
    return pools


def schedule(pools: Sequence[Pool], mix: Mix, steps: int, batch_size: int, seed: int) -> NDArray[np.uint8]:
    """``(steps * batch_size,)`` the pool, by its number, of every presentation.

    At random: all slices in one pile, shuffled anew for every pass through it. In two phases: the
    first pool's own slices for its share of the steps, to the whole step, then the other's.
    """
    budget = steps * batch_size
    counts = [pool.count for pool in pools]
    if mix.mixing == "random":
        pile = np.repeat(np.arange(len(pools), dtype=np.uint8), counts)
        passes = range(-(-budget // len(pile)))
        return np.concatenate(
            [np.random.default_rng((seed, _ORDER, number)).permutation(pile) for number in passes]
        )[:budget]
    kinds = [pool.kind for pool in pools]
    first = kinds.index("real" if mix.mixing == "real_first" else "synthetic")
    share = mix.first_share or counts[first] / sum(counts)
    turn = int(steps * share + 0.5) * batch_size
    order = np.full(budget, 1 - first, np.uint8)
    order[:turn] = first
    return order


def mixed_batches(
    pools: Sequence[Pool],
    order: NDArray[np.uint8],
    *,
    batch_size: int,
    seed: int,
    shuffle_buffer: int,
    start: int = 0,
    stop: int,
    steps: tuple[Step, ...] = (),
    share: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Batches of steps `start` to `stop` as `data.batches.training_batches` gives them, of several pools.

    Args:
        pools: what `order`, of `schedule`, numbers.
        batch_size: rows of the whole batch.
        shuffle_buffer: stored examples held to shuffle, for each pool.
        share: (i, n): only the i-th of n equal runs of rows of each batch, for one worker of several.
    """
    part, parts = share
    first, last = start * batch_size, stop * batch_size
    choice = order[first:last]
    before = np.bincount(order[:first], minlength=len(pools))
    during = np.bincount(choice, minlength=len(pools))
    streams = [
        _stream(pool, seed, shuffle_buffer, int(done), int(done + more))
        for pool, done, more in zip(pools, before, during, strict=True)
    ]
    chosen = tf.data.Dataset.from_tensor_slices(tf.constant(choice, tf.int64))
    rows = tf.data.Dataset.choose_from_datasets(streams, chosen, stop_on_empty_dataset=False)
    numbered = rows.enumerate(first).map(lambda index, example: {"index": index, **example})
    result = numbered.batch(batch_size // parts, drop_remainder=True).shard(parts, part)
    for step in steps:
        result = result.map(step, num_parallel_calls=2, deterministic=True)
    return result.prefetch(2)


def _stream(pool: Pool, seed: int, buffer: int, first: int, last: int) -> tf.data.Dataset:
    """The `first` to `last` presentation of a pool."""
    epochs = range(first // pool.count, max(-(-last // pool.count), first // pool.count + 1))
    seeds = (seed, zlib.crc32(pool.kind.encode()))
    stream = shuffled_epochs(pool.stored(), _shaped(pool), buffer, seeds, epochs)
    return stream.skip(first % pool.count).take(last - first)


def _shaped(pool: Pool) -> Step:
    """`pool.finish` with nothing but what a `Slice` has, so that pools fit together."""

    def finish(example: dict[str, Tensor]) -> dict[str, Tensor]:
        made = pool.finish(example)
        return {"images": made["images"], "lesion_label": made["lesion_label"]}

    return finish
