"""Mixes: the same budget whatever they are made of, phases in order, a pure function of seed and step."""

import functools

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tf_medsynth.config.imaging import ImageAugmentConfig
from tf_medsynth.config.studies import Mix
from tf_medsynth.data.batches import training_batches
from tf_medsynth.data.mixing import (
    augmented_pool,
    chosen_slices,
    mixed_batches,
    real_pool,
    schedule,
    synthetic_pool,
)
from tf_medsynth.data.slices import SliceSource, open_slices
from tf_medsynth.types import MedSynthError

OWNERS = [f"p{number % 10}" for number in range(200)]


@pytest.fixture(scope="module")
def source(tiny_dataset) -> SliceSource:
    return open_slices(**tiny_dataset.where)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """Thirty samples whose every pixel is their number / 100, as TFDS keeps them."""
    features = tfds.features.FeaturesDict(
        {
            "images": tfds.features.Tensor(shape=(32, 32, 4), dtype=np.float32),
            "lesion_label": tfds.features.Tensor(shape=(32, 32, 1), dtype=np.uint8),
            "sample_index": np.int64,
        }
    )
    rows = [
        {
            "images": np.full((32, 32, 4), number / 100, np.float32),
            "lesion_label": np.zeros((32, 32, 1), np.uint8),
            "sample_index": number,
        }
        for number in range(30)
    ]
    folder = tmp_path_factory.mktemp("synthetic")
    return tfds.dataset_builders.store_as_tfds_dataset(
        "drawn",
        "1.0.0",
        data_dir=folder,
        features=features,
        split_datasets={"train": tfds_rows(rows)},
    )


def tfds_rows(rows):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices({name: [row[name] for row in rows] for name in rows[0]})


def pools_of(source, synthetic, mix: Mix, seed: int = 1):
    n = source.count
    pools = []
    if mix.real:
        pools.append(real_pool(source, source.owners().tolist(), mix.real, seed))
    if mix.synthetic:
        pools.append(synthetic_pool(synthetic, round(mix.synthetic * n)))
    if mix.augmented:
        pools.append(augmented_pool(source, round(mix.augmented * n), seed, ImageAugmentConfig()))
    return pools


def batches_of(pools, mix: Mix, steps: int, seed: int = 1):
    order = schedule(pools, mix, steps, 4, seed)
    return functools.partial(mixed_batches, pools, order, batch_size=4, seed=seed, shuffle_buffer=64)


def is_synthetic(image: np.ndarray) -> bool:
    return bool((image == image[0, 0, 0]).all())


def rows(dataset) -> list[bytes]:
    return [image.tobytes() for batch in dataset.as_numpy_iterator() for image in batch["images"]]


def test_every_mix_has_the_same_budget(source, synthetic):
    mixes = (
        Mix(),
        Mix(0.5),
        Mix(0.0, 1.0),
        Mix(1.0, 0.5),
        Mix(1.0, 1.0, 0.0, "real_first"),
        Mix(1.0, 0, 2.0),
    )
    for mix in mixes:
        pools = pools_of(source, synthetic, mix)
        assert len(schedule(pools, mix, 7, 4, 0)) == 28
        assert len(rows(batches_of(pools, mix, 7)(stop=7))) == 28


def test_phases_follow_each_other_in_proportion(source, synthetic):
    mix = Mix(1.0, 0.5, 0.0, "synthetic_first")  # 24 real, 12 synthetic: a third of the steps is synthetic
    batches = batches_of(pools_of(source, synthetic, mix), mix, 9)(stop=9)
    seen = [[is_synthetic(image) for image in batch["images"]] for batch in batches.as_numpy_iterator()]
    assert [all(step) for step in seen] == [True] * 3 + [False] * 6
    assert [any(step) for step in seen] == [True] * 3 + [False] * 6


def test_the_flat_share_and_the_order_of_real_first(source, synthetic):
    flat = Mix(0.1, 1.0, 0.0, "synthetic_first", 0.9)
    pools = pools_of(source, synthetic, flat)
    assert [p.kind for p in pools] == ["real", "synthetic"]
    assert schedule(pools, flat, 10, 4, 0).tolist() == [1] * 36 + [0] * 4
    real_first = Mix(1.0, 1.0, 0.0, "real_first")
    order = schedule(pools_of(source, synthetic, real_first), real_first, 10, 4, 0)
    assert order.tolist() == [0] * 20 + [1] * 20


def test_at_random_every_slice_comes_once_a_pass(source, synthetic):
    mix = Mix(1.0, 0.5)
    pools = pools_of(source, synthetic, mix)
    seen = rows(batches_of(pools, mix, 18)(stop=18))  # 36 slices, twice
    assert len(set(seen[:36])) == 36 and set(seen[:36]) == set(seen[36:]) and seen[:36] != seen[36:]
    kinds = schedule(pools, mix, 18, 4, 1)
    assert kinds[:36].sum() == kinds[36:].sum() == 12 and 0 < kinds[:18].sum() < 12


def test_a_stream_goes_on_at_any_step(source, synthetic):
    for mix in (Mix(1.0, 0.5, 0.4), Mix(0.4, 1.0, 0.0, "synthetic_first")):
        between = batches_of(pools_of(source, synthetic, mix), mix, 17)
        whole = list(between(stop=17).as_numpy_iterator())
        for start, stop in ((5, 12), (12, 17)):
            for one, other in zip(
                between(start=start, stop=stop).as_numpy_iterator(), whole[start:stop], strict=True
            ):
                np.testing.assert_equal(one, other)


def test_the_seed_decides(source, synthetic):
    mix = Mix(1.0, 1.0)
    pools = pools_of(source, synthetic, mix)
    once, again, other = (rows(batches_of(pools, mix, 6, seed)(stop=6)) for seed in (1, 1, 2))
    assert once == again and once != other


def test_real_alone_are_the_slices_that_training_reads(source):
    pools = [real_pool(source, source.owners().tolist(), 1.0, 0)]
    mixed = rows(batches_of(pools, Mix(), 6)(stop=6))
    plain = rows(training_batches(source, batch_size=4, seed=1, stop=6))
    assert sorted(mixed) == sorted(plain)


def test_augmented_copies_are_fixed_and_their_labels_go_along(source):
    mix = Mix(1.0, 0.0, 2.0)
    pools = [augmented_pool(source, 48, 3, ImageAugmentConfig())]
    batches = list(batches_of(pools, mix, 24)(stop=24).as_numpy_iterator())
    seen = [image.tobytes() for batch in batches for image in batch["images"]]
    assert set(seen[:48]) == set(seen[48:])  # the same copies in the second pass
    labels = np.concatenate([batch["lesion_label"] for batch in batches])
    images = np.concatenate([batch["images"] for batch in batches])
    assert labels.dtype == np.int32 and set(np.unique(labels)) <= {0, 1, 2, 4}
    assert (images.max(axis=-1)[labels[..., 0] > 0] > 0).mean() > 0.95  # lesions lie in the organ


def test_shares_are_nested_and_of_patients_where_one_is_left():
    mask, facts = chosen_slices(OWNERS, 0.3, 5)
    smaller, _ = chosen_slices(OWNERS, 0.1, 5)
    assert facts["chosen_by"] == "patients" and len(facts["patients"]) == 3 and facts["slices"] == 60
    assert {OWNERS[k] for k in np.flatnonzero(mask)} == set(facts["patients"])
    assert (mask | smaller).tolist() == mask.tolist()
    assert chosen_slices(OWNERS, 0.3, 6)[1]["patients"] != facts["patients"]


def test_a_share_of_patients_is_read_whole(source):
    owners = source.owners().tolist()
    pool = real_pool(source, owners, 0.34, 2)
    read = [example["patient"].decode() for example in pool.stored().as_numpy_iterator()]
    assert set(read) == set(pool.facts["patients"]) and len(set(read)) == 1
    assert len(read) == pool.count == owners.count(read[0]) == 8


def test_less_than_a_patient_is_a_share_of_slices():
    mask, facts = chosen_slices(OWNERS, 0.05, 5)
    assert facts["chosen_by"] == "slices" and mask.sum() == 10
    forced, facts = chosen_slices(OWNERS, 0.05, 5, "patients")
    assert facts["chosen_by"] == "patients" and len(facts["patients"]) == 1 and forced.sum() == 20
    assert chosen_slices(OWNERS, 1.0, 5)[0].all()


def test_too_few_samples_are_refused(synthetic):
    with pytest.raises(MedSynthError, match=r"too few samples.*needed=31, held=30"):
        synthetic_pool(synthetic, 31)
