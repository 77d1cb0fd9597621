"""Players' optimisers, from their settings."""

from __future__ import annotations

from typing import Any

import keras

from tf_medsynth.config.training import PlayerSettings, TrainingSettings
from tf_medsynth.stages.base import AdversarialStage


def optimisers_of(stage: AdversarialStage, training: TrainingSettings) -> dict[str, Any]:
    """An optimiser for each player of `stage`, for `compile_players`; call it inside the strategy's scope."""
    return {player: _optimiser(stage, training, player) for player in stage.players}


def _optimiser(stage: AdversarialStage, training: TrainingSettings, player: str) -> Any:
    settings, updates = training.player(player), stage.updates.get(player, 1)
    spans = training.spans(list(stage.phases)).items()
    # A player counts its updates from its first phase on.
    lengths = [updates * (end - start) for phase, (start, end) in spans if player in stage.phases[phase]]
    first = lengths[0] if len(lengths) > 1 else 0
    rate = _rate(settings, max(sum(lengths), 1), first)
    decay = settings.weight_decay or None
    if settings.optimiser == "sgd":
        return keras.optimizers.SGD(rate, momentum=settings.beta_1, weight_decay=decay)
    if settings.optimiser == "rmsprop":
        betas = {"rho": settings.beta_2, "momentum": settings.beta_1}
        return keras.optimizers.RMSprop(rate, weight_decay=decay, **betas)
    return keras.optimizers.Adam(rate, beta_1=settings.beta_1, beta_2=settings.beta_2, weight_decay=decay)


def _rate(
    settings: PlayerSettings, updates: int, first_phase: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    later: dict[str, Any] = {
        "second_phase": first_phase,
        "factor": settings.later_rate if first_phase else 1.0,
    }
    if settings.schedule == "stairs":
        return StairRate(settings.rate, settings.stair_steps, settings.stair_factor, **later)
    return PhaseRate(settings.rate, updates, settings.final_rate, hold=int(settings.hold * updates), **later)


@keras.saving.register_keras_serializable(package="tf_medsynth")
class PhaseRate(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls linearly, and is scaled once the player's first phase is over.

    Args:
        start: rate at update 0.
        steps: update at which it reaches `final` of `start`.
        final: share left at the end.
        second_phase: update at which the second phase begins, 0 for none.
        factor: of the rate from that update on.
        hold: update at which it begins to fall.
    """

    def __init__(
        self, start: float, steps: int, final: float, second_phase: int, factor: float, hold: int = 0
    ) -> None:
        self.start, self.steps, self.final = start, steps, final
        self.second_phase, self.factor, self.hold = second_phase, factor, hold

    def __call__(self, step: Any) -> Any:
        """The rate at `step`, a float32 scalar."""
        step = keras.ops.cast(step, "float32")
        fallen = keras.ops.maximum(step - self.hold, 0.0) if self.hold else step
        done = keras.ops.minimum(fallen / (self.steps - self.hold), 1.0)
        rate = self.start * (1.0 - (1.0 - self.final) * done)
        return _later(rate, step, self.second_phase, self.factor)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "start": self.start,
            "steps": self.steps,
            "final": self.final,
            "second_phase": self.second_phase,
            "factor": self.factor,
            "hold": self.hold,
        }


@keras.saving.register_keras_serializable(package="tf_medsynth")
class StairRate(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is multiplied every so many updates, and once the player's first phase is over.

    Args:
        start: rate at update 0.
        every: updates of one stair.
        fall: what a stair multiplies the rate by.
        second_phase: update at which the second phase begins, 0 for none.
        factor: of the rate from that update on.
    """

    def __init__(self, start: float, every: int, fall: float, second_phase: int, factor: float) -> None:
        self.start, self.every, self.fall = start, every, fall
        self.second_phase, self.factor = second_phase, factor

    def __call__(self, step: Any) -> Any:
        """The rate at `step`, a float32 scalar."""
        step = keras.ops.cast(step, "float32")
        rate = self.start * keras.ops.power(self.fall, keras.ops.floor(step / self.every))
        return _later(rate, step, self.second_phase, self.factor)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "start": self.start,
            "every": self.every,
            "fall": self.fall,
            "second_phase": self.second_phase,
            "factor": self.factor,
        }


def _later(rate: Any, step: Any, second_phase: int, factor: float) -> Any:
    return keras.ops.where(step < second_phase, rate, factor * rate) if second_phase else rate
