"""Family `translation`, stage T: modality i to modality j."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from tf_medsynth.config.base import Weights
from tf_medsynth.config.family import Family, FamilySettings, SwitchedOff, published
from tf_medsynth.config.networks import TINY_SPECS, DiscriminatorSpec, UNetSpec
from tf_medsynth.config.training import MIRRORED, PUBLISHED_TRAINING, TrainingSettings


@dataclasses.dataclass(frozen=True)
class TranslationWeights(Weights):
    """Weights of stage T, `method` section 4.5."""

    real: float = 5.0
    fake: float = 3.0
    modality_real: float = 5.0
    adversarial: float = 3.0
    modality: float = 5.0
    cycle: float = 20.0
    agreement: float = 0.0
    paired: float = 0.0


@dataclasses.dataclass(frozen=True)
class TranslationSettings(FamilySettings):
    """Stage T: modality i to modality j.

    Attributes:
        pairs: ``all`` twelve ordered pairs a step, or ``one`` target a source, drawn by sample,
            which estimates the same sum at a third of the cost; no two translations then meet in
            one target, so `agreement` has no term.
    """

    pairs: Literal["all", "one"] = "all"
    generator: UNetSpec = published("translator_brats")
    discriminator: DiscriminatorSpec = published("discriminator_brats")
    weights: TranslationWeights = dataclasses.field(default_factory=TranslationWeights)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)

    def switched_off(self) -> Iterator[SwitchedOff]:
        """No two translations meet where one a source is drawn; no head, no modality to tell."""
        if self.pairs == "one":
            yield SwitchedOff(("weights.agreement",), "pairs", self.pairs, "pairs=all")
        if not self.discriminator.modalities:
            yield SwitchedOff(
                ("weights.modality_real", "weights.modality"),
                "discriminator.modalities",
                self.discriminator.modalities,
                "discriminator.modalities to the number of modalities",
            )


_TINY: Mapping[str, Any] = {
    "pairs": "one",
    "generator": TINY_SPECS["translator"].override({"patch": 2}),
    "discriminator": TINY_SPECS["discriminator"],
    "weights.real": 1.0,
    "weights.fake": 1.0,
    "weights.modality_real": 0.5,
    "weights.adversarial": 0.1,
    "weights.modality": 0.1,
    "weights.cycle": 2.0,
    "weights.paired": 10.0,
    "training": TrainingSettings(steps=150, batch_size=4, learning_rate=1e-3, augment=MIRRORED),
}
_BRATS96: Mapping[str, Any] = {**_TINY, "training.steps": 300}
_PHANTOM96: Mapping[str, Any] = {
    **_BRATS96,
    "generator": TINY_SPECS["translator"].override({"patch": 2, "base_filters": 10}),
}

FAMILY = Family(
    name="translation",
    about="a modality from another, which registers what `multimodal` draws",
    settings=TranslationSettings(),
    presets={
        "thesis": {"training": PUBLISHED_TRAINING},
        "tiny": _TINY,
        "brats96": _BRATS96,
        "phantom96": _PHANTOM96,
    },
    model_family="thesis",
    least_modalities=2,
    label_free=True,
)
