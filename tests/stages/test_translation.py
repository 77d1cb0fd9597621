"""Stage T: sums over ordered pairs, and one encoding that serves every target."""

from collections import Counter

import keras
import numpy as np
import pytest

from tests import tiny
from tf_medsynth.stages.translation import (
    TranslationStage,
    agreement,
    pair_sum,
    pairings,
    registration_loss,
    translate,
    translation_offsets,
)

M = 4


@pytest.fixture(scope="module")
def stage():
    return tiny.build("translation")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return tiny.batch(rows=3)["images"]


def test_a_translation_equals_the_network_of_that_pair(stage, images):
    networks = stage.networks["translation_encoder"], stage.networks["translation_decoder"]
    offsets = [np.array([1, 2, 3], "int32"), np.array([3, 3, 1], "int32")]
    made = translate(*networks, images, offsets, M, training=False)
    for offset, image in zip(offsets, made, strict=True):
        assert image.shape == images.shape
        for sample in range(3):
            for target in range(M):
                source = (target - offset[sample]) % M
                features = networks[0](images[sample : sample + 1, ..., source : source + 1])
                one = networks[1]([*features, keras.ops.eye(M)[target : target + 1]])
                np.testing.assert_allclose(image[sample, ..., target], one[0, ..., 0], atol=1e-5)


def test_a_source_is_encoded_once_for_all_targets(stage, images):
    seen = []

    def encoder(rows, training):
        seen.append(rows.shape[0])
        return stage.networks["translation_encoder"](rows, training=training)

    offsets = translation_offsets("all", keras.ops.ones((3,)), M)
    translate(encoder, stage.networks["translation_decoder"], images, offsets, M, training=False)
    assert seen == [12]


def test_offsets_are_all_or_one_a_sample():
    drawn = keras.ops.convert_to_tensor([1.0, 1.99, 3.99])
    assert [np.asarray(o).tolist() for o in translation_offsets("all", drawn, M)] == [
        [1] * 3,
        [2] * 3,
        [3] * 3,
    ]
    assert [np.asarray(o).tolist() for o in translation_offsets("one", drawn, M)] == [[1, 1, 3]]


def test_back_and_forth_ends_at_the_same_modality(images):
    def encoder(rows, training):
        return [rows]

    def decoder(inputs, training):  # keeps the source and marks the target
        rows, condition = inputs
        return rows + 10.0 * keras.ops.cast(keras.ops.argmax(condition, -1), "float32")[:, None, None, None]

    offset = np.array([1, 2, 3], "int32")
    (forth,) = translate(encoder, decoder, images, [offset], M, training=False)
    (back,) = translate(encoder, decoder, forth, [-offset], M, training=False)
    for sample in range(3):
        for modality in range(M):
            between = (modality + offset[sample]) % M
            expected = images[sample, ..., modality] + 10.0 * between + 10.0 * modality
            np.testing.assert_allclose(back[sample, ..., modality], expected, rtol=1e-5)


def test_sums_run_over_the_twelve_ordered_pairs(images):
    rng = np.random.default_rng(0)
    made = [np.clip(images + rng.normal(0, 0.1, images.shape), 0, 1).astype("float32") for _ in range(3)]
    squared = [((image - images) ** 2).mean(axis=(1, 2)) for image in made]  # (B, M) each
    np.testing.assert_allclose(pair_sum(images, made, M), sum(squared).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(pair_sum(images, made[:1], M), 3 * squared[0].sum(-1), rtol=1e-5)
    between = [((made[a] - made[b]) ** 2).mean(axis=(1, 2)).sum(-1) for a, b in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(agreement(made, M), sum(between), rtol=1e-5)


@pytest.mark.parametrize(
    ("modalities", "count", "met"), [(2, 1, 0), (3, 6, 1), (4, 12, 2), (5, 300, 2), (6, 600, 3)]
)
def test_a_drawn_pairing_holds_every_pair_alike(modalities, count, met):
    found = pairings(modalities)
    pairs, meetings = Counter(), Counter()
    for targets, partners in found:
        pairs.update((source, target) for source, target in enumerate(targets))
        meetings.update(
            (target, frozenset((source, partners[source])))
            for source, target in enumerate(targets)
            if source < partners[source]
        )
    assert len(pairs) == modalities * (modalities - 1) and len(set(pairs.values())) == 1
    assert all(source != target for source, target in pairs)
    assert len(meetings) == (modalities * (modalities - 1) * (modalities - 2) // 2 if met else 0)
    assert len(found) == count and sum(meetings.values()) == met * len(found)
    assert len(set(meetings.values())) <= 1
    if modalities == 4:  # two targets, each also the other's source
        for targets, _ in found:
            first, second = set(targets)
            assert targets[first] == second and targets[second] == first


def test_the_registration_loss_keeps_its_scale_with_one_translation_a_source():
    """Modality i is i / 10 everywhere, and its translation to j is off by i / 10.

    Over the 12 ordered pairs the squares are 3 (0 + 1 + 4 + 9) / 100 = .42; translations of a and b into
    one modality differ by (a - b) / 10, for two targets each: 2 (1 + 4 + 9 + 1 + 4 + 1) / 100 = .40.
    """
    rows = 12
    images = np.broadcast_to(np.arange(4) / 10, (rows, 2, 2, 4)).astype("float32")

    def encoder(seen, training):
        return [seen]

    def decoder(inputs, training):
        target = keras.ops.cast(keras.ops.argmax(inputs[1], -1), "float32")
        return inputs[0] + target[:, None, None, None] / 10

    drawn = keras.ops.convert_to_tensor((np.arange(rows) + 0.5) / rows, "float32")  # each pairing once
    whole = registration_loss(encoder, decoder, images, "all", drawn, M)
    np.testing.assert_allclose(whole, [0.42 + 0.25 * 0.40] * rows, rtol=1e-5)
    one = np.asarray(registration_loss(encoder, decoder, images, "one", drawn, M))
    assert np.unique(one.round(5)).size > 1
    assert one.mean() == pytest.approx(0.52, rel=1e-5)


def test_one_pair_a_source_estimates_the_sum_over_all(stage, images):
    rows = np.random.default_rng(1).random(3 * 3 * M).astype("float32")
    settings = tiny.settings("translation", {"pairs": "all"}).translation
    every = TranslationStage(settings, tiny.DOMAIN, networks=stage.networks, seed=0)
    np.testing.assert_allclose(every._pairs(rows), rows.reshape(3, 3, M).sum(axis=(0, 2)), rtol=1e-5)
    assert stage.settings.pairs == "one"
    thirds = [np.asarray(stage._pairs(part)) for part in np.split(rows, 3)]
    np.testing.assert_allclose(sum(thirds) / 3, every._pairs(rows), rtol=1e-5)
    outputs = every.synthesise({"images": images}, {"offset": keras.ops.ones((3,))}, training=False)
    assert len(outputs["translated"]) == len(outputs["cycled"]) == 3
    assert outputs["validity_fake"].shape[0] == 3 * outputs["validity_real"].shape[0] == 36
