"""Settings of the stages: the published weights, and what is refused."""

import dataclasses

import pytest

from tf_medsynth.config.families.lesion import LesionSettings
from tf_medsynth.config.families.multimodal import MultimodalSettings, MultimodalWeights
from tf_medsynth.config.families.structure import StructureSettings, StructureWeights
from tf_medsynth.config.families.translation import TranslationSettings
from tf_medsynth.config.networks import PAPER_SPECS
from tf_medsynth.config.training import TrainingSettings
from tf_medsynth.types import MedSynthError


def test_defaults_are_the_thesis():
    weights = StructureWeights()
    assert (weights.map_real, weights.line_squared, weights.line_absolute, weights.mask) == (25, 25, 10, 15)
    assert (weights.code_mean, weights.code_deviation, weights.code_divergence) == (0.001, 0.001, 0.0)
    weights = MultimodalWeights()
    assert (weights.real, weights.fake, weights.lesion, weights.registration) == (5, 3, 5, 20)
    assert LesionSettings().class_weights == (0.5, 5.0, 25.0, 25.0, 25.0)


def test_networks_default_to_the_published_ones():
    assert StructureSettings().vae == PAPER_SPECS["structure_vae"]
    assert TranslationSettings().generator == PAPER_SPECS["translator_brats"]
    settings = MultimodalSettings()
    assert settings.generator == PAPER_SPECS["generator_brats"]
    assert settings.discriminator == PAPER_SPECS["discriminator_brats"]


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_a_segmentor_of_probabilities_is_refused(output):
    with pytest.raises(MedSynthError, match=rf"draws logits.*output='{output}'.*segmentor.output=linear"):
        LesionSettings().override({"segmentor.output": output})


@pytest.mark.parametrize(
    "settings", [StructureSettings(), LesionSettings(), TranslationSettings(), MultimodalSettings()]
)
def test_settings_survive_a_dictionary(settings):
    assert type(settings).from_dict(settings.to_dict()) == settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be positive"),
        ({"steps": -3}, "steps must be positive"),
        ({"batch_size": 0}, "batch_size must be positive"),
        ({"pretrain_steps": 500, "steps": 400}, "pretrain_steps must lie within steps"),
        ({"pretrain_steps": -1}, "pretrain_steps must lie within steps"),
        ({"log_every": 0}, "log_every must be positive"),
        ({"log_every": 30, "checkpoint_every": 100}, "multiple of log_every"),
        ({"checkpoint_every": 0}, "multiple of log_every"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"learning_rate": float("nan")}, "learning_rate must be positive"),
        ({"discriminator_rate": -1e-3}, "discriminator_rate must be positive"),
        ({"ema_decay": 1.0}, "ema_decay lies in"),
        ({"gradient_clip": -1.0}, "gradient_clip"),
        ({"final_rate": -0.5}, "final_rate"),
        ({"beta_1": 1.0}, "beta_1"),
    ],
)
def test_a_training_that_cannot_be_is_refused(changes, message):
    with pytest.raises(MedSynthError, match=message):
        TrainingSettings(**changes)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: StructureSettings(drawing="lines", critic_sees="map_and_anatomy"),
            r"can see the anatomy only where one is drawn.*critic_sees=map",
        ),
        (lambda: LesionSettings(class_weights=(1.0,)), "one weight a class"),
        (lambda: MultimodalSettings(lesion_class_weights=(1.0,)), "one weight a class"),
        (lambda: LesionSettings(folds=2, fold=2), r"fold must lie in"),
        (lambda: LesionSettings(fold=-1), r"fold must lie in"),
        (lambda: MultimodalSettings(map_pool=0), "map_pool must be positive"),
    ],
)
def test_a_stage_that_cannot_be_is_refused(build, message):
    with pytest.raises(MedSynthError, match=message):
        build()


def test_a_critic_of_lines_sees_the_map_alone():
    settings = StructureSettings(drawing="lines", critic_sees="map")
    assert dataclasses.replace(settings, drawing="anatomy").critic_sees == "map"
