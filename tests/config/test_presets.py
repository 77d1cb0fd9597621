"""Presets: complete, valid, and varied by rows of words."""

import pytest

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.families import STAGES
from tf_medsynth.config.presets import PRESETS, Preset, preset
from tf_medsynth.types import MedSynthError


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_a_dictionary(name):
    settings = preset(name)
    assert Preset.from_dict(settings.to_dict()) == settings
    assert preset(name) is settings


def test_presets_differ():
    assert len({settings.fingerprint() for settings in PRESETS.values()}) == len(PRESETS)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(MedSynthError, match=r"unknown preset.*preset='huge'.*Known: thesis, tiny"):
        preset("huge")


@pytest.mark.parametrize("name", PRESETS)
def test_networks_of_a_preset_fit_each_other(name):
    settings = preset(name)
    generator = settings.multimodal.generator
    assert generator.in_channels == 1 + BRAIN_MRI.num_classes
    assert generator.conditions == BRAIN_MRI.num_modalities
    assert settings.translation.generator.conditions == BRAIN_MRI.num_modalities
    assert settings.lesion.segmentor.out_channels == BRAIN_MRI.num_classes
    for stage in ("translation", "multimodal"):
        assert getattr(settings, stage).discriminator.modalities == BRAIN_MRI.num_modalities


def test_the_thesis_is_as_published():
    settings = preset("thesis")
    assert settings.data.normalisation == "minmax"
    assert (settings.structure.drawing, settings.structure.critic_sees) == ("lines", "map")
    assert settings.structure.vae.base_filters == settings.multimodal.generator.base_filters == 64
    assert settings.structure.prior == "standard" and settings.structure.vae.working_size == (512, 512)
    assert settings.lesion.segmentor.output == "linear" and settings.lesion.segmentor.output_norm
    assert settings.lesion.weights.label_error == 5.0 and settings.lesion.weights.overlap == 0.0
    for stage in STAGES:
        training = getattr(settings, stage).training
        assert (training.learning_rate, training.final_rate, training.gradient_clip) == (1e-5, 1.0, 0.0)
        assert (training.ema_decay, training.augment) == (0.0, None)


def test_words_reach_any_setting_of_a_run():
    changed = preset("tiny").override(
        {
            "multimodal.weights.lesion": "2",
            "structure.training.steps": "10",
            "structure.training.pretrain_steps": "4",
            "data.normalisation": "minmax",
        }
    )
    assert changed.multimodal.weights.lesion == 2.0
    training = changed.structure.training
    assert (training.steps, training.pretrain_steps) == (10, 4)
    assert changed.data.normalisation == "minmax"
    assert changed.lesion == preset("tiny").lesion
