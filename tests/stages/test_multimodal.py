"""Stage M: what goes into the generator, one encoding for all modalities, and who judges."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import tiny
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.imaging import FusionConfig
from tf_medsynth.data.draws import draw
from tf_medsynth.imaging.labels import label_kind
from tf_medsynth.losses import lesion
from tf_medsynth.networks.encode_once import decode_each_unrolled
from tf_medsynth.stages.guides import segmentor_names
from tf_medsynth.stages.multimodal import MultimodalStage, fuse, render

MODALITIES = BRAIN_MRI.modalities
KIND = label_kind(BRAIN_MRI)


@pytest.fixture(scope="module")
def stage():
    return tiny.build("multimodal")


@pytest.fixture(scope="module")
def batch():
    return tiny.batch(rows=2)


def noise(stage, batch) -> dict:
    return draw(stage.noise_draws(), stage.seed, batch["index"], purpose="training")


def test_the_generator_is_given_lines_noise_and_label():
    lines = np.array([1, 1, 0, 0, 0], "float32").reshape(1, 1, 5, 1)
    mask = np.array([0, 0, 0, 0, 1], "float32").reshape(1, 1, 5, 1)
    label = np.array([0, 2, 4, 0, 0], "int32").reshape(1, 1, 5, 1)
    uniform = np.full((1, 1, 5, 1), 0.55, "float32")
    fused = np.asarray(fuse(lines, mask, label, uniform, FusionConfig(), KIND))[0, 0]
    assert fused.shape == (5, 6)
    # a line; a line in the lesion, which is noise now; lesion; organ; background
    np.testing.assert_allclose(fused[:, 0], [1.0, 0.55, 0.55, 0.55, 0.0], rtol=1e-6)
    assert fused[:, 1:].argmax(-1).tolist() == [0, 2, 4, 0, 0] and (fused[:, 1:].sum(-1) == 1).all()


def test_one_encoding_gives_the_images_of_the_unrolled_network(stage, batch):
    networks = stage.networks["encoder"], stage.networks["decoder"]
    drawn = noise(stage, batch)
    fused = fuse(
        *(batch[n] for n in ("drawn_map", "drawn_mask", "drawn_label")), drawn["noise"], FusionConfig(), KIND
    )
    pixels = drawn.get("pixel_noise")
    images = render(*networks, fused, pixels, len(MODALITIES), training=False)
    unrolled = decode_each_unrolled(
        fused if pixels is None else [fused, pixels], *networks, keras.ops.eye(4), training=False
    )
    assert images.shape == (2, 32, 32, 4)
    np.testing.assert_allclose(images, unrolled, atol=1e-5)


def test_map_label_and_noise_all_reach_the_images(stage, batch):
    parts = [batch[name] for name in ("drawn_map", "drawn_mask", "drawn_label")]
    usual = np.asarray(stage.render(*parts, noise(stage, batch)))
    for number, part in enumerate(parts):
        other = [*parts]
        other[number] = np.roll(part, 5, axis=1)
        assert np.abs(stage.render(*other, noise(stage, batch)) - usual).max() > 1e-4
    later = {**batch, "index": batch["index"] + 1}
    assert np.abs(stage.render(*parts, noise(stage, later)) - usual).max() > 1e-4


def test_frozen_networks_belong_to_no_player(stage):
    owned = {name for names in stage.players.values() for name in names}
    assert len(stage.networks) == 10 and len(owned) == 3
    for name, network in stage.networks.items():
        assert bool(network.trainable_variables) == (name in owned), name


def test_a_sample_does_not_depend_on_its_batch(stage, batch):
    parts = [batch[name] for name in ("drawn_map", "drawn_mask", "drawn_label")]
    together = np.asarray(stage.render(*parts, noise(stage, batch)))
    for row in range(2):
        alone = {name: value[row : row + 1] for name, value in batch.items()}
        one = stage.render(*(part[row : row + 1] for part in parts), noise(stage, alone))
        np.testing.assert_allclose(together[row : row + 1], one, atol=1e-5)


def test_pretraining_looks_at_real_patients_only(stage, batch):
    stage.phase = "pretrain"
    outputs = stage.synthesise(batch, stage.drawn("training", batch), training=True)
    assert set(outputs) == {"paired"}
    assert set(stage.terms("generator", batch, outputs)) == {
        "reconstruction", "squared_reconstruction", "masked_reconstruction", "dissimilarity",
    }  # fmt: skip
    stage.phase = "adversarial"


def test_a_lesion_pixel_weighs_more_in_the_reconstruction(stage, batch):
    images = batch["images"]
    off = np.full_like(images, 0.1)
    for label, factor in ((0, 1.0), (3, stage.settings.lesion_emphasis)):
        known = {**batch, "lesion_label": np.full_like(batch["lesion_label"], label)}
        terms = stage._paired_terms(known, images + off)
        np.testing.assert_allclose(terms["reconstruction"], [0.1 * factor] * 2, rtol=1e-4)
        np.testing.assert_allclose(terms["squared_reconstruction"], [0.01] * 2, rtol=1e-3)
    assert stage.settings.lesion_emphasis > 1.0


def test_drawn_patients_are_judged_by_the_label_they_were_drawn_from(stage, batch):
    outputs = stage.synthesise(batch, stage.drawn("training", batch), training=False)
    assert [x.shape[0] for x in outputs["lesion_logits"]] == [2] * 4
    expected = sum(
        lesion.weighted_cross_entropy(batch["drawn_label"], x, stage.guide.class_weights)
        + lesion.overlap_loss(batch["drawn_label"], x)
        for x in outputs["lesion_logits"]
    )
    terms = stage.terms("generator", batch, outputs)
    np.testing.assert_allclose(terms["lesion"], expected, rtol=1e-5)
    changes = {"lesion_loss": "label_error", "weights.registration": 0.0}
    settings = tiny.settings("multimodal", changes).multimodal
    published = MultimodalStage(settings, BRAIN_MRI, tiny.SIZE, networks=stage.networks, seed=0)
    outputs = published.synthesise(batch, published.drawn("training", batch), training=False)
    terms = published.terms("generator", batch, outputs)
    weights = published.guide.class_weights
    expected = sum(
        lesion.weighted_label_error(batch["drawn_label"], x, weights) for x in outputs["lesion_logits"]
    )
    np.testing.assert_allclose(terms["lesion"], expected, rtol=1e-5)
    assert "registration" not in outputs and "registration" not in terms


@pytest.mark.parametrize("scheme", ["single", "shared", "stacked"])
def test_a_guide_of_any_scheme_teaches_every_modality_with_the_same_weight(scheme, stage, batch):
    settings = tiny.settings("multimodal", {"weights.registration": 0.0}).multimodal
    networks = {**stage.networks, **tiny.frozen("multimodal", scheme)}
    for name in segmentor_names("multiple", MODALITIES):
        del networks[name]
    guided = MultimodalStage(settings, BRAIN_MRI, tiny.SIZE, networks=networks, seed=0)
    outputs = guided.synthesise(batch, guided.drawn("training", batch), training=False)
    losses = [
        lesion.weighted_cross_entropy(batch["drawn_label"], x, guided.guide.class_weights)
        + lesion.overlap_loss(batch["drawn_label"], x)
        for x in outputs["lesion_logits"]
    ]
    terms = guided.terms("generator", batch, outputs)
    np.testing.assert_allclose(terms["lesion"], 4 * np.mean(losses, axis=0), rtol=1e-5)
    images = tf.convert_to_tensor(outputs["free"])
    with tf.GradientTape() as tape:
        tape.watch(images)
        found = guided.guide.agreement(batch["drawn_label"], guided.guide.reads(images))
    moved = np.abs(tape.gradient(found, images)).sum(axis=(0, 1, 2))
    assert (moved > 0).all()


def test_the_pictures_show_map_label_and_every_modality(stage, batch):
    pictures = stage.preview(batch)
    assert list(pictures) == ["map", "label", *MODALITIES]
    assert np.array_equal(np.asarray(pictures["label"]) * 4, batch["drawn_label"])
    assert 0.0 <= stage.diagnose(batch)["lesion_agreement"] <= 1.0
