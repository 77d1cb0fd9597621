"""A small family as its paper's box would have it: three critic updates on rows of their own, then one of the
generator; WGAN-GP; three phases; an optimiser for each player."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tf_medsynth.config.base import Weights
from tf_medsynth.config.networks import DiscriminatorSpec
from tf_medsynth.config.training import PhasedTraining, PlayerSettings
from tf_medsynth.data.draws import Draw
from tf_medsynth.losses import gradient_penalty
from tf_medsynth.networks import build_discriminator
from tf_medsynth.stages.base import AdversarialStage
from tf_medsynth.stages.optimisers import optimisers_of

SIZE = (8, 8)
CRITIC_STEPS = 3


@dataclasses.dataclass(frozen=True)
class PenalisedTraining(PhasedTraining):
    generator: PlayerSettings = PlayerSettings(rate=1e-3, beta_1=0.5, final_rate=1.0)
    critic: PlayerSettings = PlayerSettings(
        optimiser="rmsprop", rate=1e-3, beta_1=0.0, beta_2=0.9, schedule="stairs", stair_steps=4
    )


TRAINING = PenalisedTraining(
    steps=9,
    phase_steps=(3, 3),
    batch_size=8,
    log_every=2,
    checkpoint_every=2,
    gradient_clip=0.0,
    ema_decay=0.5,
)


@dataclasses.dataclass(frozen=True)
class WarmWeights(Weights):
    squared: float = 1.0


@dataclasses.dataclass(frozen=True)
class CriticWeights(Weights):
    validity: float = 1.0
    slope: float = 10.0
    adversarial: float = 1.0


class PenalisedStage(AdversarialStage):
    players = {"generator": ("drawer",), "critic": ("critic",)}
    phases = {"warm": ("generator",), "critic": ("critic",), "contest": ("generator", "critic")}
    averaged = ("drawer",)
    penalised = ("critic",)
    updates = {"critic": CRITIC_STEPS}

    def draws(self):
        return {"z": Draw((6,)), "mix": Draw((), "uniform")}

    def synthesise(self, batch, draws, training):
        drawn = tf.cast(self.networks["drawer"](draws["z"], training=training), tf.float32)
        outputs = {"drawn": drawn}
        if self.phase != "warm":
            rows = tf.concat([batch["image"], drawn], axis=0)
            said = self.networks["critic"](rows, training=training)["validity"]
            outputs["real"], outputs["fake"] = tf.split(tf.reduce_mean(said, (1, 2, 3)), 2)
            outputs["mixed"] = gradient_penalty.mix(batch["image"], drawn, draws["mix"])
        return outputs

    def terms(self, player, batch, outputs):
        if player == "critic":
            gradient = self.input_gradients("critic", outputs["mixed"])
            return {
                "validity": outputs["fake"] - outputs["real"],
                "slope": gradient_penalty.slope_penalty(gradient),
            }
        if self.phase == "warm":
            return {"squared": tf.reduce_mean((outputs["drawn"] - batch["image"]) ** 2, (1, 2, 3))}
        return {"adversarial": -outputs["fake"]}

    def train_step(self, batch):
        if self.phase == "warm":
            return super().train_step(batch)
        for number in range(CRITIC_STEPS):
            rows = self.share(batch, number, CRITIC_STEPS + 1)
            self.update(("critic",), rows, self.drawn("training", rows))
        if self.phase == "contest":
            rows = self.share(batch, CRITIC_STEPS, CRITIC_STEPS + 1)
            self.update(("generator",), rows, self.drawn("training", rows))
        return self.logs()


def penalised(
    training: PenalisedTraining = TRAINING, weights: CriticWeights | None = None, spectral: bool = False
) -> PenalisedStage:
    """The family with its optimisers; the same bits each time."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((6,))
    flat = keras.layers.Dense(SIZE[0] * SIZE[1], activation="sigmoid")(inputs)
    drawer = keras.Model(inputs, keras.layers.Reshape((*SIZE, 1))(flat))
    spec = DiscriminatorSpec(
        SIZE, in_channels=1, modalities=0, base_filters=4, convolutions=((4, 2, 1), (3, 1, 2)),
        normalisation="none", spectral=spectral,
    )  # fmt: skip
    networks = {"drawer": drawer, "critic": build_discriminator(spec)}
    stage = PenalisedStage(
        networks=networks,
        weights=weights or CriticWeights(),
        phase_weights={"warm": WarmWeights()},
        seed=5,
        ema_decay=training.ema_decay,
        gradient_clip=training.gradient_clip,
    )
    stage.compile_players(optimisers_of(stage, training))
    return stage


def batch(step: int = 0, rows: int = 8) -> dict[str, np.ndarray]:
    """The rows of one step; a pure function of it."""
    rng = np.random.default_rng(step)
    return {
        "index": np.arange(rows, dtype="int64") + step * rows,
        "image": rng.random((rows, *SIZE, 1)).astype("float32"),
    }


def between(start: int = 0, stop: int | None = None, share: tuple[int, int] = (0, 1)) -> tf.data.Dataset:
    """Batches of steps `start` to `stop`, as `runs.fit.fit` takes them."""
    made = [batch(step) for step in range(start, stop)]
    return tf.data.Dataset.from_tensor_slices(
        {name: np.stack([one[name] for one in made]) for name in made[0]}
    )
