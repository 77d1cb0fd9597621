"""How a family is optimised: phases with lengths of their own, and players with optimisers of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal, Self

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.imaging import TrainAugmentConfig


@dataclasses.dataclass(frozen=True)
class PlayerSettings(Config):
    """The optimiser of one player, and how its rate falls over the player's own updates.

    Attributes:
        beta_1: of Adam; the momentum of the others.
        beta_2: of Adam; the decay of RMSprop's mean square.
        weight_decay: share of each weight that an update takes away, times the rate; 0 takes none.
        schedule: ``linear``, from `rate` to `final_rate` of it; ``stairs``, times `stair_factor` every
            `stair_steps` updates.
        hold: share of the player's updates in which a linear rate does not fall yet.
        later_rate: factor on the rate once the first of several phases in which the player steps is over.
    """

    optimiser: Literal["adam", "rmsprop", "sgd"] = "adam"
    rate: float = 1e-3
    beta_1: float = 0.5
    beta_2: float = 0.999
    weight_decay: float = 0.0
    schedule: Literal["linear", "stairs"] = "linear"
    hold: float = 0.0
    final_rate: float = 0.1
    stair_steps: int = 10_000
    stair_factor: float = 0.5
    later_rate: float = 1.0

    def __post_init__(self) -> None:
        check("rate must be positive", self.rate > 0, rate=self.rate)
        for name in ("beta_1", "beta_2", "hold"):
            value = getattr(self, name)
            check(f"{name} lies in [0, 1)", 0.0 <= value < 1.0, **{name: value})
        check("final_rate lies in [0, 1]", 0.0 <= self.final_rate <= 1.0, final_rate=self.final_rate)
        for name in ("stair_factor", "later_rate"):
            value = getattr(self, name)
            check(f"{name} lies in (0, 1]", 0.0 < value <= 1.0, **{name: value})
        check("stair_steps must be positive", self.stair_steps > 0, stair_steps=self.stair_steps)
        check("weight_decay must not be negative", self.weight_decay >= 0, weight_decay=self.weight_decay)


@dataclasses.dataclass(frozen=True)
class TrainingSettings(Config):
    """How a stage is optimised, in short: up to two phases, and Adam for every player.

    `steps` counts every step; the first `pretrain_steps` of them are the stage's first phase. The
    learning rates fall linearly to `final_rate` of their start over the whole training, and what
    was pre-trained goes on at `second_phase_rate` of its rate. `augment`
    none trains on the slices as they are; resampling blurs, so what must look real only mirrors.

    A family that says more derives a class with a `PlayerSettings` field of each player's name, and
    from `PhasedTraining` where it has more than two phases.
    """

    steps: int = 400
    pretrain_steps: int = 0
    batch_size: int = 4
    learning_rate: float = 1e-3
    discriminator_rate: float = 3e-4
    beta_1: float = 0.5
    final_rate: float = 0.1
    second_phase_rate: float = 1.0
    gradient_clip: float = 5.0
    ema_decay: float = 0.995
    augment: TrainAugmentConfig | None = None
    log_every: int = 50
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        check("steps must be positive", self.steps > 0, steps=self.steps)
        check("batch_size must be positive", self.batch_size > 0, batch_size=self.batch_size)
        check(
            "pretrain_steps must lie within steps",
            0 <= self.pretrain_steps <= self.steps,
            pretrain_steps=self.pretrain_steps,
            steps=self.steps,
        )
        for name in ("final_rate", "second_phase_rate"):
            value = getattr(self, name)
            check(f"{name} lies in (0, 1]", 0.0 < value <= 1.0, **{name: value})
        check("log_every must be positive", self.log_every > 0, log_every=self.log_every)
        check(
            "checkpoint_every must be a multiple of log_every",
            self.checkpoint_every % self.log_every == 0 and self.checkpoint_every > 0,
            checkpoint_every=self.checkpoint_every,
            log_every=self.log_every,
        )
        for name in ("learning_rate", "discriminator_rate"):
            check(f"{name} must be positive", getattr(self, name) > 0, **{name: getattr(self, name)})
        for name in ("ema_decay", "beta_1"):
            value = getattr(self, name)
            check(f"{name} lies in [0, 1)", 0 <= value < 1, **{name: value})
        check("gradient_clip must not be negative", self.gradient_clip >= 0, gradient_clip=self.gradient_clip)

    def player(self, name: str) -> PlayerSettings:
        """Settings of player `name`: the field of its name, or what the short form says of it."""
        stated = getattr(self, name, None)
        if isinstance(stated, PlayerSettings):
            return stated
        return PlayerSettings(
            rate=self.discriminator_rate if name == "discriminator" else self.learning_rate,
            beta_1=self.beta_1,
            final_rate=self.final_rate,
            later_rate=self.second_phase_rate,
        )

    def earlier_phases(self) -> tuple[int, ...]:
        """Steps of every phase but the last, in order of time; phases of no steps at the end are left out."""
        return (self.pretrain_steps,) if self.pretrain_steps else ()

    def spans(self, phases: Sequence[str]) -> dict[str, tuple[int, int]]:
        """First step, and the step after the last, of each of `phases`; the last one has what is left.

        Raises:
            MedSynthError: lengths of more phases than there are.
        """
        earlier = self.earlier_phases()
        check(
            "every phase but the last can have a length",
            len(earlier) < len(phases),
            "The last one has the rest of training.steps.",
            phases=list(phases),
            lengths=earlier,
        )
        lengths = [*earlier, *[0] * (len(phases) - 1 - len(earlier)), self.steps - sum(earlier)]
        ends = [sum(lengths[: i + 1]) for i in range(len(lengths))]
        return {name: (end - n, end) for name, n, end in zip(phases, lengths, ends, strict=True)}

    def lasting(self, steps: int) -> Self:
        """The same training over `steps` steps, of which every phase keeps its share."""
        share = self.pretrain_steps / self.steps
        return self.override({"pretrain_steps": round(share * steps), "steps": steps})


@dataclasses.dataclass(frozen=True)
class PhasedTraining(TrainingSettings):
    """Training in any number of phases.

    Attributes:
        phase_steps: of every phase but the last, in order of time; instead of `pretrain_steps`.
    """

    phase_steps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check(
            "phases are as long as phase_steps says",
            self.pretrain_steps == 0,
            "Set pretrain_steps=0.",
            pretrain_steps=self.pretrain_steps,
        )
        check(
            "phase_steps lie within steps",
            min(self.phase_steps, default=0) >= 0 and sum(self.phase_steps) <= self.steps,
            phase_steps=self.phase_steps,
            steps=self.steps,
        )

    def earlier_phases(self) -> tuple[int, ...]:
        """Steps of every phase but the last, in order of time."""
        return self.phase_steps

    def lasting(self, steps: int) -> Self:
        """The same training over `steps` steps, of which every phase keeps its share."""
        earlier = tuple(int(length * steps / self.steps) for length in self.phase_steps)
        return self.override({"phase_steps": earlier, "steps": steps})


PUBLISHED_TRAINING = TrainingSettings(
    steps=671_000, batch_size=4, learning_rate=1e-5, discriminator_rate=1e-5, final_rate=1.0,
    gradient_clip=0.0, ema_decay=0.0, log_every=500, checkpoint_every=5000,
)  # fmt: skip
"""Of every stage of preset ``thesis``."""

MIRRORED = TrainAugmentConfig(degrees=0.0, scale=0.0, shift=0.0, gain=0.0, bias=0.0)
"""Augmentation that leaves sharp what must look real."""

MOVED = TrainAugmentConfig(degrees=8.0, scale=0.05, shift=0.02, gain=0.0, bias=0.0)
"""Augmentation of shapes alone."""
