"""From settings to a stage: networks of the domain at the images' size, optimisers, frozen networks.

A specification's numbers of channels, conditions and modalities are replaced by those that follow from the
domain: images `(B, H, W, M C)`, M modalities of C channels, and K classes of the label.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import keras

from tf_medsynth.config.domain import Domain
from tf_medsynth.config.families import FAMILIES
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.config.presets import Preset
from tf_medsynth.config.training import TrainingSettings
from tf_medsynth.stages.base import AdversarialStage
from tf_medsynth.stages.optimisers import optimisers_of
from tf_medsynth.stages.sizes import Size


def build_stage(
    name: str,
    settings: Preset,
    operators: OperatorConfig,
    domain: Domain,
    image_size: Size,
    seed: int,
    frozen: Mapping[str, keras.Model] | None = None,
) -> AdversarialStage:
    """Stage `name` with its optimisers; call it inside the strategy's scope, after `runtime.configure`.

    Args:
        settings: of the whole run; the stage takes its own part.
        operators: that take structure maps from images.
        domain: of the data.
        image_size: of the data.
        seed: of the stage's draws; initial weights follow the process's seed.
        frozen: networks of earlier stages; stage M needs guides and, of two modalities or more, a
            translator.

    Raises:
        MedSynthError: settings that do not fit the domain.
    """
    own = getattr(settings, name)
    training: TrainingSettings = own.training
    common = {"seed": seed, "ema_decay": training.ema_decay, "gradient_clip": training.gradient_clip}
    built = build_networks(name, own, domain, image_size) | dict(frozen or {})
    stage: AdversarialStage = _module(name).stage_of(
        own, operators, domain, image_size, networks=built, **common
    )
    stage.compile_players(optimisers_of(stage, training))
    return stage


def build_networks(name: str, own: Any, domain: Domain, image_size: Size) -> dict[str, keras.Model]:
    """The networks that stage `name` trains, by their names.

    Args:
        own: settings of the stage.
        domain: of the data; what the settings say of channels, conditions and modalities is replaced.
        image_size: of the data; what the settings say of it is replaced.
    """
    built: dict[str, keras.Model] = _module(name).networks_of(own, domain, image_size)
    return built


def _module(name: str) -> Any:
    """The module that a family names, with its `networks_of` and `stage_of`."""
    return importlib.import_module(FAMILIES[name].module)
