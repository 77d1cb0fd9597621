"""The smallest stage: two networks of one weight each, so that a step can be worked out by hand."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np

from tf_medsynth.data.draws import Draw
from tf_medsynth.stages.base import AdversarialStage

BATCH = {
    "index": np.array([3, 4], "int64"),
    "number": np.array([[1.0], [2.0]], "float32"),
}


@dataclasses.dataclass(frozen=True)
class Weights:
    fit: float = 3.0
    judge: float = 1.0
    luck: float = 0.0


class Toy(AdversarialStage):
    """Line ``2 x`` is pulled to 0 with weight 3, judge ``1 x`` with weight 1."""

    players = {"generator": ("line",), "discriminator": ("judge",)}
    phases = {"alone": ("generator",), "both": ("generator", "discriminator")}
    averaged = ("line",)

    def draws(self):
        return {"luck": Draw(())}

    def synthesise(self, batch, draws, training):
        def seen(name):
            return keras.ops.cast(self.networks[name](batch["number"], training=training)[:, 0], "float32")

        return {"line": seen("line"), "judge": seen("judge"), "luck": draws["luck"]}

    def terms(self, player, batch, outputs):
        if player == "discriminator":
            return {"judge": keras.ops.square(outputs["judge"])}
        return {"fit": keras.ops.square(outputs["line"]), "luck": keras.ops.square(outputs["luck"])}


def one_weight(value: float) -> keras.Model:
    initial = keras.initializers.Constant(value)
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer=initial)
    return keras.Sequential([keras.Input((1,)), dense])


def toy(kind: type[Toy] = Toy, rate: float = 0.01, weights: Weights | None = None, **base) -> Toy:
    networks = {"line": one_weight(2.0), "judge": one_weight(1.0), "onlooker": one_weight(5.0)}
    stage = kind(networks=networks, weights=weights or Weights(), seed=0, **base)
    stage.compile_players({player: keras.optimizers.SGD(rate) for player in stage.players})
    return stage
