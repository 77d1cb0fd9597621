"""Every stage on domains unlike brain MRI: one modality and six, colour, two classes and three.

The full contract is held on brain MRI; here, what could depend on M, C and K.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny
from tests.domains import DOMAINS, OTHERS
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.imaging import OPERATOR_PRESETS, TrainAugmentConfig
from tf_medsynth.data.batches import augmented, with_structure
from tf_medsynth.stages.base import AdversarialStage
from tf_medsynth.stages.guides import SCHEMES, lesion_logits
from tf_medsynth.types import MedSynthError

STAGES = [
    *((name, "multimodal") for name in OTHERS),
    *((name, "translation") for name in OTHERS if DOMAINS[name].num_modalities > 1),
    *(("colour", which) for which in ("structure", "lesion", "gan")),
    *(("pair", which) for which in ("lesion", "gan")),
]
"""What depends on the domain most, on each of them; the others where the domain is least like a brain."""
PLAIN = {"training.ema_decay": 0.0}


def batch_of(domain: Domain) -> dict[str, tf.Tensor]:
    return tiny.as_tensors(tiny.batch(rows=2, domain=domain))


def trained(stage: AdversarialStage, batch: dict[str, tf.Tensor]) -> dict[str, float]:
    """What the last step says, once every phase has taken one."""
    logs: dict[str, float] = {}
    for phase, players in stage.phases.items():
        stage.phase, before = phase, tiny.state(stage)
        logs = {name: float(value) for name, value in stage.train_step(batch).items()}
        assert all(np.isfinite(value) for value in logs.values()), logs
        after = tiny.state(stage)
        moved = {key.rsplit(" ", 1)[0] for key in before if not np.array_equal(before[key], after[key])}
        assert {network for player in players for network in stage.players[player]} <= moved
    return logs


@pytest.mark.parametrize(("name", "which"), STAGES)
def test_a_stage_trains_and_shows_images_of_its_domain(name, which):
    domain = DOMAINS[name]
    stage, batch = tiny.build(which, PLAIN, domain=domain), batch_of(domain)
    assert stage.domain is domain
    logs = trained(stage, batch)
    assert {term for term, value in logs.items() if value} >= {
        term for term, weight in stage.weights_by_term.items() if weight
    } - {"background_drawn", "background"}
    pictures = stage.preview(batch)
    for modality in domain.modalities if which in ("multimodal", "gan", "translation") else ():
        assert pictures[modality].shape[-1] == domain.channels
    for picture in pictures.values():
        assert np.isfinite(picture).all() and np.min(picture) >= 0.0 and np.max(picture) <= 1.0


@pytest.mark.parametrize("name", OTHERS)
def test_images_are_drawn_and_calibrated_channel_by_channel(name):
    domain = DOMAINS[name]
    stage, batch = tiny.build("multimodal", PLAIN, domain=domain), batch_of(domain)
    stage.finish(tf.data.Dataset.from_tensors(batch))
    parts = (batch[key] for key in ("drawn_map", "drawn_mask", "drawn_label"))
    images = stage.render(*parts, stage.drawn("training", batch, stage.noise_draws()))
    assert images.shape == (2, *tiny.SIZE, domain.image_channels)
    gain = stage.networks["calibration"].get_layer("intensity").gain
    assert gain.shape == (domain.image_channels,) and np.abs(np.asarray(gain) - 1.0).max() > 1e-3


def test_one_modality_has_no_head_no_translator_and_no_registration():
    stage = tiny.build("multimodal", PLAIN, domain=DOMAINS["colour"])
    assert not {"translation_encoder", "translation_decoder"} & set(stage.networks)
    assert stage.networks["discriminator"].output_names == ["validity"]
    assert len(stage.networks["decoder"].inputs) == 4
    named = ("modality_real", "modality", "registration")
    assert [stage.weights_by_term[term] for term in named] == [0.0] * 3
    assert all(tiny.settings("multimodal").multimodal.weights.to_dict()[term] for term in named)
    with pytest.raises(MedSynthError, match=r"a translation needs two modalities.*no other stage needs it"):
        tiny.build("translation", PLAIN, domain=DOMAINS["colour"])


def test_two_modalities_have_no_translations_that_could_agree():
    changes = {**PLAIN, "pairs": "all", "weights.agreement": 1.0}
    assert tiny.build("translation", changes, domain=DOMAINS["pair"]).weights_by_term["agreement"] == 0.0
    assert tiny.build("translation", changes, domain=DOMAINS["three"]).weights_by_term["agreement"] == 1.0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_segmentors_see_a_modality_with_all_its_channels(scheme):
    domain = DOMAINS["three"]
    networks = tiny.build("lesion", {**PLAIN, "scheme": scheme}, domain=domain).networks
    images = batch_of(domain)["images"].numpy()
    usual = lesion_logits(networks, images, domain.modalities, training=False)
    assert {x.shape[-1] for x in usual} == {domain.num_classes}
    for channel in range(9):
        other = images.copy()
        other[..., channel] = 0.5
        found = lesion_logits(networks, other, domain.modalities, training=False)
        differs = [not np.array_equal(a, b) for a, b in zip(usual, found, strict=True)]
        alone = [index == channel // 3 for index in range(3)]
        assert differs == ([True] if scheme == "stacked" else alone)


@pytest.mark.parametrize(
    ("which", "setting"), [("lesion", "class_weights"), ("multimodal", "lesion_class_weights")]
)
def test_weights_of_other_classes_are_refused_before_any_work(which, setting):
    with pytest.raises(MedSynthError, match=rf"{which}\.{setting} has a weight for each of 3 .* Set {which}"):
        tiny.build(which, {**PLAIN, setting: (0.5, 1.0, 2.0, 3.0)}, domain=DOMAINS["pair"])


def test_drawn_structures_stay_in_the_map_and_are_not_blanked():
    domain = DOMAINS["colour"]
    stage, batch = tiny.build("structure", PLAIN, domain=domain), batch_of(domain)
    np.testing.assert_array_equal(stage._kept(batch), np.ones((2, *tiny.SIZE, 1)))
    brain = tiny.build("structure", PLAIN)
    np.testing.assert_array_equal(brain._kept(batch), batch["lesion_label"].numpy() == 0)


@pytest.mark.parametrize("name", DOMAINS)
def test_batches_are_augmented_and_their_maps_taken(name):
    domain = DOMAINS[name]
    batch = batch_of(domain)
    moved = augmented(TrainAugmentConfig(degrees=0.0, scale=0.0, shift=0.0, bias=0.0), domain, 0)(batch)
    ratio = (moved["images"].numpy() / np.maximum(batch["images"].numpy(), 1e-3))[:, 8:24, 8:24]
    by_modality = np.median(ratio, axis=(1, 2)).reshape(2, domain.num_modalities, domain.channels)
    np.testing.assert_allclose(by_modality, by_modality[..., :1].repeat(domain.channels, -1), atol=1e-2)
    step = with_structure(OPERATOR_PRESETS["thesis/retina"], domain, 0)
    made = step(batch)
    assert made["anatomy"].shape == made["structure_map"].shape == (2, *tiny.SIZE, 1)
    if name != "brain":
        with pytest.raises(MedSynthError, match=f"{name} has no modality of this name"):
            with_structure(OPERATOR_PRESETS["measured/brats_64"], domain, 0)
