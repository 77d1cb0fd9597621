"""Weights whose terms the other settings switch off: refused before data are opened or a run is made."""

from __future__ import annotations

from tests.hard_input.case import Case

_REFUSED = {
    "structure": {
        "drawing=lines critic_sees=map": r"drawing=lines leaves weights\.anatomy without a term.*anatomy=0",
        "training.pretrain_steps=600": r"leaves weights\.code_real, .* without a term.*steps to more",
    },
    "translation": {
        "weights.agreement=5": r"pairs=one leaves weights\.agreement without a term.*pairs=all",
        "discriminator.modalities=0": r"leaves weights\.modality_real and weights\.modality without a term",
        "training.pretrain_steps=20": r"only the stages structure and multimodal have a first phase",
    },
    "multimodal": {
        "discriminator.modalities=0": r"leaves weights\.modality_real and weights\.modality without a term",
        "training.pretrain_steps=0": r"leaves pretraining\.reconstruction.*without a term.*phase's length",
        "training.pretrain_steps=400": r"leaves weights\.real, .* without a term",
        "pretraining.reconstruction=0 pretraining.squared_reconstruction=0 "
        "pretraining.masked_reconstruction=0 pretraining.dissimilarity=0": r"first phase needs a weight",
        "pretraining.lesion=1": r"unknown setting of PretrainingWeights",
        "weights.beauty=1": r"unknown setting of MultimodalWeights",
    },
    "lesion": {"training.pretrain_steps=20": r"only the stages structure and multimodal have a first phase"},
    "gan": {
        "weights.squared_reconstruction=5": r"of no real image that it could be compared with",
        "training.pretrain_steps=20": r"only the stages structure and multimodal have a first phase",
    },
    "skrgan": {"training.pretrain_steps=20": r"only the stages structure and multimodal have a first phase"},
}


def _cases(stage: str, settings: dict[str, str]) -> list[Case]:
    where = ("--data", "brats/slices_64", "--data-dir", "{here}/none", "--run", "{here}/run")
    return [
        Case(f"{stage}: {words}", ("train", stage, *where, "--set", *words.split()), rule)
        for words, rule in settings.items()
    ]


CASES = [case for stage, settings in _REFUSED.items() for case in _cases(stage, settings)]
CASES.append(
    Case(
        "pipeline: a weight without its term",
        ("pipeline", "run", "--out", "{here}/o", "--set", "translation.weights.agreement=5"),
        r"pairs=one leaves weights\.agreement without a term",
    )
)
