"""Stage T: sums over ordered pairs, and one encoding that serves every target."""

import keras
import numpy as np
import pytest

from tests import tiny
from tf_medsynth.stages.translation import (
    TranslationStage,
    agreement,
    as_rows,
    modality_sum,
    pair_sum,
    row_modalities,
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


def test_rows_are_the_modalities_of_one_sample_after_another(images):
    rows = np.asarray(as_rows(images))
    assert rows.shape == (12, 32, 32, 1)
    for sample in range(3):
        for modality in range(M):
            assert np.array_equal(rows[M * sample + modality, ..., 0], images[sample, ..., modality])
    assert np.array_equal(row_modalities(rows), np.tile(np.eye(4), (3, 1)))
    np.testing.assert_allclose(modality_sum(np.arange(12.0)), [6.0, 22.0, 38.0])


def test_a_translation_equals_the_network_of_that_pair(stage, images):
    networks = stage.networks["translation_encoder"], stage.networks["translation_decoder"]
    offsets = [np.array([1, 2, 3], "int32"), np.array([3, 3, 1], "int32")]
    made = translate(*networks, images, offsets, training=False)
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

    offsets = translation_offsets("all", keras.ops.ones((3,)))
    translate(encoder, stage.networks["translation_decoder"], images, offsets, training=False)
    assert seen == [12]


def test_offsets_are_all_or_one_a_sample():
    drawn = keras.ops.convert_to_tensor([1.0, 1.99, 3.99])
    assert [np.asarray(o).tolist() for o in translation_offsets("all", drawn)] == [[1] * 3, [2] * 3, [3] * 3]
    assert [np.asarray(o).tolist() for o in translation_offsets("one", drawn)] == [[1, 1, 3]]


def test_back_and_forth_ends_at_the_same_modality(images):
    def encoder(rows, training):
        return [rows]

    def decoder(inputs, training):  # keeps the source and marks the target
        rows, condition = inputs
        return rows + 10.0 * keras.ops.cast(keras.ops.argmax(condition, -1), "float32")[:, None, None, None]

    offset = np.array([1, 2, 3], "int32")
    (forth,) = translate(encoder, decoder, images, [offset], training=False)
    (back,) = translate(encoder, decoder, forth, [-offset], training=False)
    for sample in range(3):
        for modality in range(M):
            between = (modality + offset[sample]) % M
            expected = images[sample, ..., modality] + 10.0 * between + 10.0 * modality
            np.testing.assert_allclose(back[sample, ..., modality], expected, rtol=1e-5)


def test_sums_run_over_the_twelve_ordered_pairs(images):
    rng = np.random.default_rng(0)
    made = [np.clip(images + rng.normal(0, 0.1, images.shape), 0, 1).astype("float32") for _ in range(3)]
    squared = [((image - images) ** 2).mean(axis=(1, 2)) for image in made]  # (B, M) each
    np.testing.assert_allclose(pair_sum(images, made), sum(squared).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(pair_sum(images, made[:1]), 3 * squared[0].sum(-1), rtol=1e-5)
    between = [((made[a] - made[b]) ** 2).mean(axis=(1, 2)).sum(-1) for a, b in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(agreement(made), sum(between), rtol=1e-5)
    assert np.asarray(agreement(made[:1])).tolist() == [0.0] * 3


def test_one_pair_a_source_estimates_the_sum_over_all(stage, images):
    rows = np.random.default_rng(1).random(3 * 3 * M).astype("float32")
    settings = tiny.settings("translation", {"pairs": "all"}).translation
    every = TranslationStage(settings, networks=stage.networks, seed=0)
    np.testing.assert_allclose(every._pairs(rows), rows.reshape(3, 3, M).sum(axis=(0, 2)), rtol=1e-5)
    assert stage.settings.pairs == "one"
    thirds = [np.asarray(stage._pairs(part)) for part in np.split(rows, 3)]
    np.testing.assert_allclose(sum(thirds) / 3, every._pairs(rows), rtol=1e-5)
    outputs = every.synthesise({"images": images}, {"offset": keras.ops.ones((3,))}, training=False)
    assert len(outputs["translated"]) == len(outputs["cycled"]) == 3
    assert outputs["validity_fake"].shape[0] == 3 * outputs["validity_real"].shape[0] == 36
