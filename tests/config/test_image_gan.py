"""Baselines: the published weights, networks as wide as stage M's, and what is refused."""

import pytest

from tf_medsynth.config.families import BASELINES, FAMILIES
from tf_medsynth.config.families.multimodal import MultimodalSettings
from tf_medsynth.config.image_gan import BaselineWeights, as_wide_as
from tf_medsynth.config.presets import PRESETS, Preset
from tf_medsynth.types import MedSynthError


def test_published_weights():
    gan, skrgan = (FAMILIES[name].settings for name in ("gan", "skrgan"))
    assert gan.weights == BaselineWeights(100.0, 70.0, 70.0, 0.0)
    assert skrgan.weights == BaselineWeights(5.0, 3.0, 3.0, 5.0)
    assert (gan.sees, skrgan.sees) == ("noise", "sketch")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", BASELINES)
def test_a_preset_compares_networks_of_one_width(preset, name):
    settings = PRESETS[preset]
    own, stage = getattr(settings, name), settings.multimodal
    assert own.generator.filters == stage.generator.filters
    assert own.discriminator.convolutions == stage.discriminator.convolutions
    assert own.training.steps == stage.training.steps
    assert (own.generator.in_channels, own.generator.conditions, own.discriminator.modalities) == (1, 0, 0)


def test_widths_follow_a_changed_stage():
    wide = as_wide_as(MultimodalSettings().override({"generator.base_filters": 8}))
    assert wide["generator"].base_filters == 8 and wide["discriminator"].base_filters == 64


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gan.weights.squared_reconstruction": 1}, "drawn from noise is of no real image"),
        ({"skrgan.generator.conditions": 4}, "no condition and no modality head"),
        ({"skrgan.sees": "noise", "skrgan.weights.squared_reconstruction": 0}, "gan sees noise and skrgan"),
    ],
)
def test_what_cannot_be_is_refused(changes, words):
    with pytest.raises(MedSynthError, match=words):
        Preset().override(changes)
