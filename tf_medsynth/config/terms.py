"""Weights and the settings that switch their terms off: what is asked for must be what is trained."""

from __future__ import annotations

from collections.abc import Iterator

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.families import FAMILIES
from tf_medsynth.config.family import FamilySettings, SwitchedOff


def check_terms(settings: FamilySettings) -> None:
    """Raises where a weight is not 0 and its term is never computed, or a phase has no term.

    Not a rule of the settings themselves: what was trained with such weights is still read.

    Args:
        settings: of one family.

    Raises:
        MedSynthError: naming the weights, the setting that switches their terms off, and the remedy.
    """
    for weights, switch, value, remedy in (*settings.switched_off(), *_never_reached(settings)):
        held = {key: _value(settings, key) for key in weights if _value(settings, key)}
        check(
            f"{switch}={value} leaves {_words(list(held))} without a term",
            not held,
            f"Set {' '.join(f'{key}=0' for key in held)}, or {remedy}.",
            **{switch: value, **held},
        )
    settings.check_training()
    length = settings.training.pretrain_steps  # type: ignore[attr-defined]
    two_phases = [name for name, family in FAMILIES.items() if family.settings.second_phase]
    check(
        f"only the stages {_words(two_phases)} have a first phase",
        bool(settings.second_phase) or not length,
        "Set training.pretrain_steps=0.",
        **{"training.pretrain_steps": length},
    )


def _never_reached(settings: FamilySettings) -> Iterator[SwitchedOff]:
    """Weights of a second phase that has no steps."""
    training = settings.training  # type: ignore[attr-defined]
    if settings.second_phase and training.pretrain_steps == training.steps:
        keys = tuple(f"weights.{name}" for name in settings.second_phase)
        yield SwitchedOff(keys, "training.pretrain_steps", training.pretrain_steps, "training.steps to more")


def _value(settings: Config, key: str) -> float:
    group, _, name = key.partition(".")
    value: float = getattr(getattr(settings, group), name)
    return value


def _words(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "a weight"
