"""Settings of a whole pipeline: data, trainings, samples, and what data and model must reach."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Self

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.bounds import CERTIFICATES, BlessingConfig
from tf_medsynth.config.datasets import brats_settings
from tf_medsynth.config.families import STAGES
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.config.presets import preset
from tf_medsynth.config.terms import check_terms

SHARED = ("data", "operators")
"""Parts of a preset that all stages of a run share."""

_OTHERS = ("prepare", "generate")


@dataclasses.dataclass(frozen=True)
class PhantomSettings(Config):
    """The embedded cohort: number of patients, and pixels along each axis of a slice."""

    patients: int = 12
    size: int = 80


@dataclasses.dataclass(frozen=True)
class DriftConfig(Config):
    """Most that data may differ from those the schema was made from, and a test split from training.

    Attributes:
        intensity: Jensen-Shannon divergence (base 2, in [0, 1]) of a modality's intensities.
        label: L-infinity distance (in [0, 1]) of the shares of the lesion classes.
        split: either distance between the splits; more is noted, but stops nothing.
    """

    intensity: float = 0.1
    label: float = 0.2
    split: float = 0.2

    def __post_init__(self) -> None:
        for name, value in self.to_dict().items():
            check(f"drift.{name} lies in [0, 1]", 0.0 <= value <= 1.0, **{name: value})


@dataclasses.dataclass(frozen=True)
class PipelineConfig(Config):
    """Every setting of a pipeline.

    Attributes:
        data: data set to prepare, ``brats/CONFIG``.
        preset: of the trainings.
        seed: of the phantom cohort, the trainings and the samples.
        precision: of the trainings.
        count: accepted samples to publish.
        unfiltered: samples without gates, which the evaluation looks at.
        name: of the pushed model, ``saved_models/NAME``.
        certificates: of the unfiltered samples, for report and cards; ``lesion`` trains judges.
        prepare: changed settings of the data set, as the verb takes them.
        train: changed settings of the stages, by ``STAGE.key``, ``data.key`` or ``operators.key``.
        generate: changed settings of the generation.
        phantom: the cohort where no patients are given.
        drift: what the data must keep.
        blessing: what the model must reach.
    """

    data: str = "brats/slices_64"
    preset: str = "tiny"
    seed: int = 0
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    count: int = 200
    unfiltered: int = 200
    name: str = "medsynth"
    certificates: tuple[str, ...] = ("registration", "memorisation")
    prepare: dict[str, Any] = dataclasses.field(default_factory=dict)
    train: dict[str, Any] = dataclasses.field(default_factory=dict)
    generate: dict[str, Any] = dataclasses.field(default_factory=dict)
    phantom: PhantomSettings = dataclasses.field(default_factory=PhantomSettings)
    drift: DriftConfig = dataclasses.field(default_factory=DriftConfig)
    blessing: BlessingConfig = dataclasses.field(default_factory=BlessingConfig)

    def __post_init__(self) -> None:
        check("count must be at least 1", self.count >= 1, count=self.count)
        check("unfiltered must be at least 2", self.unfiltered >= 2, unfiltered=self.unfiltered)
        check("seed lies in 0 .. 2^32 - 1", 0 <= self.seed < 2**32, seed=self.seed)
        plain = self.name.replace("_", "").replace("-", "").isalnum()
        check("name holds letters, digits, - and _", plain, name=self.name)
        trained = preset(self.preset).override(self.train)
        for stage in STAGES:
            check_terms(getattr(trained, stage))
        unknown = sorted(set(self.certificates) - set(CERTIFICATES))
        check("unknown certificate", not unknown, f"Known: {', '.join(CERTIFICATES)}.", certificates=unknown)
        head, _, config = self.data.partition("/")
        check("the data set of a pipeline is brats/CONFIG", head == "brats", data=self.data)
        brats_settings(config).override(self.prepare)
        GenerationConfig().override(self.generate)

    def assign(self, values: Mapping[str, Any]) -> Self:
        """A copy with settings changed by dotted key, as ``--set`` gives them.

        ``prepare.…`` and ``generate.…`` reach the data set and the generation; a stage's name,
        ``data.…``, ``operators`` and ``operators.…`` the trainings; everything else is one of this class.
        """
        changes: dict[str, Any] = {name: dict(getattr(self, name)) for name in (*_OTHERS, "train")}
        for key, value in values.items():
            head, _, rest = key.partition(".")
            if head in _OTHERS and rest:
                changes[head][rest] = value
            elif (head in (*STAGES, *SHARED) and rest) or key == "operators":
                changes["train"][key] = value
            else:
                changes[key] = value
        return self.override(changes)

    def overrides_of(self, stage: str) -> dict[str, Any]:
        """The changed settings of `stage`, as `train` takes them; those that all share included."""
        own = {k.removeprefix(f"{stage}."): v for k, v in self.train.items() if k.startswith(f"{stage}.")}
        return {**self.shared_overrides(), **own}

    def shared_overrides(self) -> dict[str, Any]:
        """The changed settings that all stages of a run share."""
        return {key: value for key, value in self.train.items() if key.partition(".")[0] in SHARED}
