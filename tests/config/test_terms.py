"""A weight other than 0 has a term: every setting that switches one off is told, and no preset trips."""

from __future__ import annotations

import dataclasses

import pytest

from tf_medsynth.config.families import TRAINABLE
from tf_medsynth.config.families.multimodal import MultimodalSettings, PretrainingWeights
from tf_medsynth.config.pipeline import PipelineConfig
from tf_medsynth.config.presets import PRESETS, preset
from tf_medsynth.config.studies import ABLATION, LESION_GUIDANCE
from tf_medsynth.config.terms import check_terms
from tf_medsynth.types import MedSynthError

REFUSED = {
    "structure drawing=lines critic_sees=map": r"drawing=lines leaves weights\.anatomy without a term\. "
    r"Received: drawing='lines', weights\.anatomy=4\.0\. Set weights\.anatomy=0, or drawing=anatomy\.$",
    "structure training.pretrain_steps=600": r"training\.pretrain_steps=600 leaves weights\.code_real, .* "
    r"and weights\.map_adversarial without a term.*or training\.steps to more\.$",
    "translation weights.agreement=5": r"pairs=one leaves weights\.agreement without a term.*"
    r"Set weights\.agreement=0, or pairs=all\.$",
    "translation discriminator.modalities=0": r"weights\.modality_real and weights\.modality without.*"
    r"Set weights\.modality_real=0 weights\.modality=0, or discriminator\.modalities to the number of mod",
    "multimodal discriminator.modalities=0": r"weights\.modality_real and weights\.modality without",
    "multimodal training.pretrain_steps=0": r"leaves pretraining\.reconstruction, .* without a term.*"
    r"pretraining\.dissimilarity=0, or training\.pretrain_steps to the phase's length\.$",
    "multimodal training.pretrain_steps=400": r"leaves weights\.real, .* without a term",
    "lesion training.pretrain_steps=5": r"only the stages structure and multimodal have a first phase",
    "gan training.pretrain_steps=5": r"only the stages structure and multimodal have a first phase",
}
"""Stage of the preset ``tiny``, what is changed of it, and what is said."""


def changed(name: str, stage: str, *words: str):
    return preset(name).override({f"{stage}.{k}": v for k, v in (word.split("=", 1) for word in words)})


@pytest.mark.parametrize("case", REFUSED)
def test_a_weight_whose_term_is_switched_off_is_refused(case):
    stage, *words = case.split()
    with pytest.raises(MedSynthError, match=REFUSED[case]):
        check_terms(getattr(changed("tiny", stage, *words), stage))


def test_the_remedies_help():
    check_terms(
        changed("tiny", "structure", "drawing=lines", "critic_sees=map", "weights.anatomy=0").structure
    )
    check_terms(changed("tiny", "translation", "weights.agreement=5", "pairs=all").translation)
    off = [f"pretraining.{field.name}=0" for field in dataclasses.fields(PretrainingWeights)]
    check_terms(changed("tiny", "multimodal", "training.pretrain_steps=0", *off).multimodal)
    published = ("pretraining.squared_reconstruction=5", "pretraining.masked_reconstruction=5")
    check_terms(changed("thesis", "multimodal", "training.pretrain_steps=1000", *published).multimodal)


def test_a_first_phase_without_a_weight_is_refused():
    with pytest.raises(MedSynthError, match=r"needs a weight of its own.*squared_reconstruction=5.*eq\. 18"):
        check_terms(changed("thesis", "multimodal", "training.pretrain_steps=1000").multimodal)


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_and_no_row_of_a_study_trips(name):
    for row in [{}, *(row.overrides for row in (*ABLATION.values(), *LESION_GUIDANCE.values()))]:
        settings = preset(name).override(dict(row))
        for stage in TRAINABLE:
            check_terms(getattr(settings, stage))


def test_a_pipeline_is_told_before_it_starts():
    with pytest.raises(MedSynthError, match=r"pairs=one leaves weights\.agreement without a term"):
        PipelineConfig().assign({"translation.weights.agreement": "5"})


def test_a_record_from_before_the_first_phase_had_weights_says_what_it_was_trained_with():
    held = preset("tiny").multimodal.to_dict()
    del held["pretraining"]
    assert MultimodalSettings.from_dict(held) == preset("tiny").multimodal
    held["training"]["pretrain_steps"] = 0
    assert MultimodalSettings.from_dict(held).pretraining == PretrainingWeights()
