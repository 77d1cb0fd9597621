"""Stage L: who sees what, by the scheme."""

import functools

import keras
import numpy as np
import pytest
from scipy.special import softmax

from tests import tiny
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.presets import preset
from tf_medsynth.losses import lesion
from tf_medsynth.stages.guides import SCHEMES, lesion_logits, scheme_of, segmentor_names
from tf_medsynth.types import MedSynthError

MODALITIES = BRAIN_MRI.modalities


@pytest.fixture(scope="module")
def stage():
    return tiny.build("lesion")


@pytest.fixture(scope="module")
def batch():
    return tiny.batch(rows=2)


@functools.cache
def guides(scheme: str) -> dict[str, keras.Model]:
    return dict(tiny.build("lesion", {"scheme": scheme, "training.ema_decay": 0.0}).networks)


@pytest.mark.parametrize("scheme", ["single", "shared", "multiple"])
def test_each_segmentor_sees_its_own_modality(scheme, batch):
    networks = guides(scheme)
    usual = lesion_logits(networks, batch["images"], MODALITIES, training=False)
    for changed in range(4):
        images = batch["images"].copy()
        images[..., changed] = 0.5
        others = lesion_logits(networks, images, MODALITIES, training=False)
        differs = [not np.array_equal(a, b) for a, b in zip(usual, others, strict=True)]
        assert differs == [index == changed for index in range(4)]


@pytest.mark.parametrize(("scheme", "alike"), [("single", True), ("shared", False), ("multiple", False)])
def test_a_modality_has_networks_of_its_own_where_the_scheme_says_so(scheme, alike, batch):
    one = np.repeat(batch["images"][..., :1], 4, axis=-1)
    first, *others = lesion_logits(guides(scheme), one, MODALITIES, training=False)
    assert [bool(np.array_equal(first, other)) for other in others] == [alike] * 3


def test_schemes_hold_the_networks_of_the_papers():
    assert {scheme: len(segmentor_names(scheme, MODALITIES)) for scheme in SCHEMES} == {
        "single": 1, "shared": 5, "multiple": 4, "stacked": 1,
    }  # fmt: skip
    shared = guides("shared")
    sizes = {name: network.count_params() for name, network in guides("single").items()}
    halves = [shared[name].count_params() for name in ("segmentor_encoder", "segmentor_decoder_T2")]
    assert sum(halves) == sizes["segmentor_single"]
    assert all(scheme_of(guides(scheme), MODALITIES) == scheme for scheme in SCHEMES)
    with pytest.raises(MedSynthError, match="segmentors of one scheme"):
        scheme_of({"segmentor_encoder": shared["segmentor_encoder"]}, MODALITIES)


def test_terms_are_sums_over_segmentors(stage, batch):
    outputs = stage.synthesise(batch, {}, training=False)
    terms = stage.terms("segmentor", batch, outputs)
    label, weights = batch["lesion_label"], stage.guide.class_weights
    for name, loss in (
        ("cross_entropy", lambda x: lesion.weighted_cross_entropy(label, x, weights)),
        ("overlap", lambda x: lesion.overlap_loss(label, x)),
        ("label_error", lambda x: lesion.weighted_label_error(label, x, weights)),
    ):
        expected = np.sum([loss(logits) for logits in outputs["lesion_logits"]], axis=0)
        np.testing.assert_allclose(terms[name], expected, rtol=1e-5)


def test_the_published_segmentor_takes_one_sigmoid():
    published = preset("thesis").lesion.segmentor.to_dict() | {"image_size": (32, 32), "base_filters": 2}
    stage = tiny.build("lesion", {"segmentor": published, "scheme": "single", "training.ema_decay": 0.0})
    norm = stage.networks["segmentor_single"].get_layer("last_norm")
    norm.gain.assign(np.zeros(5))
    norm.offset.assign([20.0, -20.0, -20.0, -20.0, -20.0])  # certain of background, everywhere
    images, label = np.zeros((2, 32, 32, 4), "float32"), np.zeros((2, 32, 32, 1), "int32")
    label[1, :8, :8] = 2  # a sixteenth of the image
    outputs = stage.synthesise({"images": images}, {}, training=False)
    error = stage.terms("segmentor", {"lesion_label": label}, outputs)["label_error"]
    weights = stage.guide.class_weights
    np.testing.assert_allclose(error, [0.0, 4 * (weights[0] + weights[2]) / 16], rtol=1e-5, atol=1e-6)
    assert np.max(stage.segment_surely(images)[1]) < 1e-6


def test_a_segmentation_is_the_likeliest_class(stage, batch):
    found = np.asarray(stage.segment(batch["images"]))
    assert found.shape == (2, 32, 32, 4) and found.dtype == np.int32
    logits = lesion_logits(stage.ema_networks, batch["images"], MODALITIES, training=False)
    assert np.array_equal(found, np.stack([np.argmax(x, -1) for x in logits], -1))


def test_a_segmentation_says_how_likely_any_lesion_is(stage, batch):
    found, probability = map(np.asarray, stage.segment_surely(batch["images"]))
    np.testing.assert_array_equal(found, stage.segment(batch["images"]))
    logits = lesion_logits(stage.ema_networks, batch["images"], MODALITIES, training=False)
    wanted = [1.0 - softmax(np.asarray(x), axis=-1)[..., 0] for x in logits]
    np.testing.assert_allclose(probability, np.stack(wanted, -1), atol=1e-6)


def test_a_stacked_judge_sees_all_modalities_together(batch):
    judge = tiny.build("lesion", {"scheme": "stacked"})
    assert judge.names == segmentor_names("stacked", MODALITIES) == ("segmentor_stacked",)
    assert judge.segment(batch["images"]).shape == (2, 32, 32, 1)
    images = batch["images"].copy()
    images[..., 2] = 0.5
    usual, other = (judge.synthesise({"images": x}, {}, False) for x in (batch["images"], images))
    assert not np.array_equal(usual["lesion_logits"][0], other["lesion_logits"][0])
