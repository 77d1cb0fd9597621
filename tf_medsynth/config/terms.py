"""Weights and the settings that switch their terms off: what is asked for must be what is trained."""

from __future__ import annotations

from collections.abc import Iterator

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.baselines import BaselineSettings
from tf_medsynth.config.stages import (
    LesionSettings,
    MultimodalSettings,
    PretrainingWeights,
    StructureSettings,
    TranslationSettings,
)
from tf_medsynth.types import MODALITIES

TrainableSettings = (
    StructureSettings | LesionSettings | TranslationSettings | MultimodalSettings | BaselineSettings
)

SECOND_PHASE: dict[type, tuple[str, ...]] = {
    StructureSettings: (
        "code_real", "code_fake", "map_real", "map_fake", "code_adversarial", "map_adversarial",
        "background_drawn",
    ),
    MultimodalSettings: (
        "real", "fake", "modality_real", "adversarial", "modality", "lesion", "registration", "background",
        "reconstruction", "squared_reconstruction", "masked_reconstruction", "dissimilarity",
    ),
}  # fmt: skip
"""Weights of `weights` whose terms the second phase alone computes, of the stages that have two phases."""


def check_terms(settings: TrainableSettings) -> None:
    """Raises where a weight is not 0 and its term is never computed, or a phase has no term.

    Not a rule of the settings themselves: what was trained with such weights is still read.

    Args:
        settings: of one stage or baseline.

    Raises:
        MedSynthError: naming the weights, the setting that switches their terms off, and the remedy.
    """
    for weights, switch, value, remedy in _switched_off(settings):
        held = {key: _value(settings, key) for key in weights if _value(settings, key)}
        check(
            f"{switch}={value} leaves {_words(held)} without a term",
            not held,
            f"Set {' '.join(f'{key}=0' for key in held)}, or {remedy}.",
            **{switch: value, **held},
        )
    training = settings.training
    if isinstance(settings, MultimodalSettings) and training.pretrain_steps:
        check(
            "a first phase needs a weight of its own that is not 0",
            any(settings.pretraining.to_dict().values()),
            "Set pretraining.squared_reconstruction=5 pretraining.masked_reconstruction=5 (eq. 18), "
            "or training.pretrain_steps=0.",
            **{"training.pretrain_steps": training.pretrain_steps},
            pretraining=settings.pretraining.to_dict(),
        )
    check(
        "only the stages structure and multimodal have a first phase",
        type(settings) in SECOND_PHASE or not training.pretrain_steps,
        "Set training.pretrain_steps=0.",
        **{"training.pretrain_steps": training.pretrain_steps},
    )


def _switched_off(settings: TrainableSettings) -> Iterator[tuple[tuple[str, ...], str, object, str]]:
    """Weights without a term, the setting that is why, its value, and what else would help."""
    if isinstance(settings, StructureSettings) and settings.drawing == "lines":
        yield ("weights.anatomy",), "drawing", settings.drawing, "drawing=anatomy"
    if isinstance(settings, TranslationSettings) and settings.pairs == "one":
        yield ("weights.agreement",), "pairs", settings.pairs, "pairs=all"
    if isinstance(settings, TranslationSettings | MultimodalSettings):
        heads = settings.discriminator.modalities
        if not heads:
            remedy = f"discriminator.modalities={len(MODALITIES)}"
            yield ("weights.modality_real", "weights.modality"), "discriminator.modalities", heads, remedy
    if isinstance(settings, BaselineSettings) and settings.sees == "noise":
        yield ("weights.squared_reconstruction",), "sees", settings.sees, "train skrgan"
    length = settings.training.pretrain_steps
    if isinstance(settings, MultimodalSettings) and not length:
        keys = tuple(f"pretraining.{name}" for name in PretrainingWeights().to_dict())
        yield keys, "training.pretrain_steps", length, "training.pretrain_steps to the phase's length"
    if type(settings) in SECOND_PHASE and length == settings.training.steps:
        keys = tuple(f"weights.{name}" for name in SECOND_PHASE[type(settings)])
        yield keys, "training.pretrain_steps", length, "training.steps to more"


def _value(settings: Config, key: str) -> float:
    group, _, name = key.partition(".")
    value: float = getattr(getattr(settings, group), name)
    return value


def _words(held: dict[str, float]) -> str:
    return " and ".join(filter(None, (", ".join(list(held)[:-1]), list(held)[-1]))) if held else "a weight"
