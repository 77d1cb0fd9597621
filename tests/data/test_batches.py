"""Training batches: a pure function of (seed, step), every example once an epoch, labels that fit."""

import dataclasses

import keras
import numpy as np
import pytest

from tests.tiny import OPERATORS
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.domain import Domain, LabelSpec
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.imaging import LabelAugmentConfig, TrainAugmentConfig
from tf_medsynth.data.batches import (
    DrawnMaps,
    augmented,
    training_batches,
    with_drawn_maps,
    with_structure,
)
from tf_medsynth.data.slices import SliceSource, open_slices
from tf_medsynth.imaging.labels.structure import coarse_label
from tf_medsynth.imaging.masks import map_and_mask


@pytest.fixture(scope="module")
def source(tiny_dataset) -> SliceSource:
    return open_slices(**tiny_dataset.where)


def read(source, **options) -> list[dict[str, np.ndarray]]:
    return list(training_batches(source, **options).as_numpy_iterator())


def rows(batches) -> list[bytes]:
    """Each row's pixels, by which it is recognised."""
    return [image.tobytes() for batch in batches for image in batch["images"]]


def same(one, other) -> bool:
    return len(one) == len(other) and all(
        a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)
        for a, b in zip(one, other, strict=True)
    )


def test_the_stream_is_a_function_of_the_seed(source):
    options = {"batch_size": 5, "stop": 4}
    once = read(source, seed=1, **options)
    assert [batch["index"].tolist() for batch in once] == [list(range(k, k + 5)) for k in (0, 5, 10, 15)]
    assert once[0]["images"].shape == (5, 32, 32, 4) and once[0]["lesion_label"].shape == (5, 32, 32, 1)
    assert same(once, read(source, seed=1, **options))
    assert rows(once) != rows(read(source, seed=2, **options))


@pytest.mark.parametrize("global_seed", [0, 1])
def test_the_process_seed_does_not_matter(source, global_seed):
    wanted = [b["index"].numpy().tolist() for b in training_batches(source, batch_size=2, seed=3, stop=3)]
    pictures = [b["images"].numpy() for b in training_batches(source, batch_size=2, seed=3, stop=3)]
    keras.utils.set_random_seed(global_seed)
    again = list(training_batches(source, batch_size=2, seed=3, stop=3))
    assert [b["index"].numpy().tolist() for b in again] == wanted
    for batch, picture in zip(again, pictures, strict=True):
        np.testing.assert_array_equal(batch["images"].numpy(), picture)


def test_a_stream_can_start_anywhere(source):
    steps = (augmented(TrainAugmentConfig(), BRAIN_MRI, 3), with_structure(OPERATORS, BRAIN_MRI, 3))
    options = {"batch_size": 5, "seed": 3, "steps": steps}
    whole = read(source, stop=12, **options)  # 60 rows: two epochs and a half
    for start, stop in ((1, 2), (4, 6), (5, 6), (11, 12)):
        assert same(read(source, start=start, stop=stop, **options), whole[start:stop])


def test_workers_shares_of_a_batch_are_the_batch(source):
    steps = (augmented(TrainAugmentConfig(), BRAIN_MRI, 3), with_structure(OPERATORS, BRAIN_MRI, 3))
    options = {"batch_size": 6, "seed": 3, "start": 1, "stop": 5, "steps": steps}
    shares = [read(source, share=(part, 3), **options) for part in range(3)]
    joined = [
        {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        for parts in zip(*shares, strict=True)
    ]
    assert same(joined, read(source, **options))


def test_every_example_comes_once_an_epoch_in_another_order(source):
    stream = rows(read(source, batch_size=6, seed=0, stop=12))
    epochs = [stream[k : k + 24] for k in (0, 24, 48)]
    everything = sorted(example["images"].tobytes() for example in source.examples().as_numpy_iterator())
    assert all(sorted(epoch) == everything for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_a_small_buffer_still_gives_every_example(source):
    small = dataclasses.replace(source, settings=DataSettings(shuffle_buffer=3))
    stream = read(small, batch_size=8, seed=0, stop=3)
    assert len(set(rows(stream))) == 24
    assert same(stream[2:], read(small, batch_size=8, seed=0, start=2, stop=3))


def test_augmentation_belongs_to_a_row_not_to_its_batch(source):
    steps = (augmented(TrainAugmentConfig(), BRAIN_MRI, 3),)
    large = read(source, batch_size=6, seed=3, stop=2, steps=steps)
    small = read(source, batch_size=3, seed=3, stop=4, steps=steps)
    assert rows(large) == rows(small)
    plain = read(source, batch_size=6, seed=3, stop=2)
    assert not set(rows(large)) & set(rows(plain))


def test_structure_is_taken_from_the_anatomy_and_the_lesion_is_left_out(source):
    (batch,) = read(source, batch_size=8, seed=0, stop=1, steps=(with_structure(OPERATORS, BRAIN_MRI, 0),))
    assert np.array_equal(batch["anatomy"], batch["images"][..., :1])  # T1, as measured for BraTS
    lines, mask = map_and_mask(batch["anatomy"], batch["images"], OPERATORS)
    lesion_free = (batch["lesion_label"] == 0).astype("float32")
    assert np.array_equal(batch["structure_map"], np.asarray(lines) * lesion_free)
    assert np.array_equal(batch["background_mask"], mask)
    assert set(np.unique(batch["structure_map"])) == {0.0, 1.0}
    assert (np.asarray(lines)[batch["lesion_label"] > 0]).any()


def pool(labels: list[np.ndarray], masks: list[np.ndarray]) -> DrawnMaps:
    maps = [np.eye(8, dtype=bool)[..., None] ^ mask for mask in masks]
    return DrawnMaps(np.stack(maps), np.stack(masks), np.stack(labels))


def block(top: int, left: int, side: int, code: int) -> np.ndarray:
    label = np.zeros((8, 8, 1), np.uint8)
    label[top : top + side, left : left + side] = code
    return label


LEFT, RIGHT = np.zeros((2, 8, 8, 1), bool)
LEFT[:, 4:] = True  # the organ is the left half
RIGHT[:, :4] = True


def drawn(
    held: DrawnMaps, count: int = 64, augment=None, seed: int = 0, place="inside"
) -> dict[str, np.ndarray]:
    step = with_drawn_maps(held, BRAIN_MRI, seed, augment, place)
    return {n: np.asarray(v) for n, v in step({"index": np.arange(count, dtype="int64")}).items()}


def test_a_map_comes_with_its_own_mask():
    held = pool([block(0, 0, 1, 1)], [LEFT, RIGHT])
    batch = drawn(held)
    chosen = [int(np.array_equal(mask, RIGHT)) for mask in batch["drawn_mask"]]
    assert 16 < sum(chosen) < 48
    assert np.array_equal(batch["drawn_map"], held.maps[chosen].astype("float32"))
    assert batch["drawn_label"].dtype == np.int32


def test_of_the_drawn_labels_one_that_fits_is_taken_whole():
    left, right = block(2, 0, 3, 1), block(2, 5, 3, 4)
    batch = drawn(pool([left, right], [LEFT, RIGHT]))
    fitting = {False: left, True: right}
    whole = [
        np.array_equal(label, fitting[np.array_equal(mask, RIGHT)])
        for label, mask in zip(batch["drawn_label"], batch["drawn_mask"], strict=True)
    ]
    assert np.mean(whole) > 0.95  # eight tries miss it once in 256
    assert not (batch["drawn_label"] * batch["drawn_mask"]).any()


def test_where_none_fits_the_least_outside_is_cut_at_the_organ():
    far, near = block(2, 4, 4, 2), block(2, 2, 3, 3)  # all outside, and a third of it
    batch = drawn(pool([far, near], [LEFT]))
    cut = near * ~LEFT
    assert np.mean([np.array_equal(label, cut) for label in batch["drawn_label"]]) > 0.95
    assert not (batch["drawn_label"] * batch["drawn_mask"]).any()


def test_labels_may_lie_anywhere_where_they_are_let():
    far, near = block(2, 4, 4, 2), block(2, 2, 3, 3)  # neither lies inside
    batch = drawn(pool([far, near], [LEFT]), place="anywhere")
    chosen = [int(np.array_equal(label, near)) for label in batch["drawn_label"]]
    assert 16 < sum(chosen) < 48
    assert np.array_equal(batch["drawn_label"], np.stack([far, near])[chosen])


def test_moved_labels_stay_inside_and_keep_their_classes():
    batch = drawn(pool([block(2, 1, 3, 4)], [LEFT, RIGHT]), augment=LabelAugmentConfig())
    labels = batch["drawn_label"]
    assert set(np.unique(labels)) == {0, 4}
    assert not (labels * batch["drawn_mask"]).any()
    assert len({label.tobytes() for label in labels}) > 8


def test_what_is_drawn_belongs_to_a_row_not_to_its_batch():
    held = pool([block(k, 1, 2, 1 + k % 4) for k in range(5)], [LEFT, RIGHT])
    step = with_drawn_maps(held, BRAIN_MRI, 3, LabelAugmentConfig())
    together = step({"index": np.arange(8, dtype="int64")})
    halves = [step({"index": np.arange(k, k + 4, dtype="int64")}) for k in (0, 4)]
    for name in ("drawn_map", "drawn_mask", "drawn_label"):
        assert np.array_equal(together[name], np.concatenate([half[name] for half in halves]))
    other = with_drawn_maps(held, BRAIN_MRI, 4, LabelAugmentConfig())({"index": np.arange(8, dtype="int64")})
    assert not np.array_equal(together["drawn_label"], other["drawn_label"])


def test_a_label_that_follows_its_map_is_read_off_the_drawn_one():
    vessels = Domain("vessels", ("fundus",), 3, LabelSpec("structure", ("background", "vessel")))
    held = pool([block(0, 0, 1, 1)], [LEFT, RIGHT])
    batch = with_drawn_maps(held, vessels, 0, LabelAugmentConfig())({"index": np.arange(8, dtype="int64")})
    expected = coarse_label(batch["drawn_map"], batch["drawn_mask"])
    assert np.array_equal(batch["drawn_label"], expected) and np.asarray(expected).any()


def test_a_label_of_the_whole_image_is_drawn_from_the_pool_as_it_is():
    diagnoses = Domain("lungs", ("xray",), 1, LabelSpec("plane", ("normal", "viral")))
    held = dataclasses.replace(pool([block(0, 0, 1, 1)], [LEFT]), labels=np.array([1, 0], np.uint8))
    step = with_drawn_maps(held, diagnoses, 0, LabelAugmentConfig())
    drawn_label = np.asarray(step({"index": np.arange(64, dtype="int64")})["drawn_label"])
    assert drawn_label.shape == (64,) and drawn_label.dtype == np.int32
    assert 16 < drawn_label.sum() < 48
