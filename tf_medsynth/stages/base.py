"""`AdversarialStage`: the only optimisation code. Stages say what is compared; this says how to step.

A stage has networks, and players that own some of them. All players step at once from one forward
picture, as in the papers. Terms are per sample; weights are found by the term's name; the mean
over the global batch is taken here, once, so a step on several replicas equals the step on one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tf_medsynth.config.base import check
from tf_medsynth.data.draws import Draw, draw
from tf_medsynth.layers.dropout import named_rows
from tf_medsynth.types import Tensor

Outputs = dict[str, Tensor]
Terms = dict[str, Tensor]


class AdversarialStage(keras.Model):
    """Networks, players and weights of one training stage.

    Args:
        networks: built networks by name, also those that only look on (frozen).
        weights: frozen dataclass, one float a term; the field name is the term's and the log's.
        phase_weights: the same for phases with weights of their own; the others have `weights`.
        seed: run seed; with a sample's position it names every draw.
        ema_decay: decay of the moving average kept of `averaged` networks; 0 keeps none.
        gradient_clip: largest global norm of a player's gradient; 0 clips nothing.

    Subclasses set `players` (player to the names of its networks), `phases` (phase to the players
    that step in it, in order of time), `averaged` and `fitted` (networks
    that `begin` or `finish` set), and write `draws`, `synthesise` and `terms`.
    """

    players: Mapping[str, tuple[str, ...]] = {}
    phases: Mapping[str, tuple[str, ...]] = {}
    averaged: tuple[str, ...] = ()
    fitted: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        networks: Mapping[str, keras.Model],
        weights: Any,
        seed: int,
        phase_weights: Mapping[str, Any] | None = None,
        ema_decay: float = 0.0,
        gradient_clip: float = 0.0,
    ):
        super().__init__()
        self.networks = dict(networks)
        self.weights_by_term = dataclasses.asdict(weights)
        self.weights_by_phase = {k: dataclasses.asdict(v) for k, v in (phase_weights or {}).items()}
        self.seed = seed
        self.phase = list(self.phases)[-1]
        self.ema_decay = ema_decay
        self.gradient_clip = gradient_clip
        owned = {name for names in self.players.values() for name in names}
        check(
            f"{type(self).__name__} needs the networks its players own",
            owned <= set(self.networks),
            networks=sorted(self.networks),
            owned=sorted(owned),
        )
        for name, network in self.networks.items():
            network.trainable = name in owned
            check(
                "a network draws by the names of its rows, never from a state of its own",
                not _random_state(network),
                "Use layers.NamedDropout for keras.layers.Dropout.",
                network=name,
            )
        self.ema_networks = self._copies() if ema_decay else {}
        self.optimizers: dict[str, keras.optimizers.Optimizer] = {}
        self.trackers: dict[str, keras.metrics.Mean] = {}
        self.built = True

    # What a stage writes ------------------------------------------------------------------------

    def draws(self) -> Mapping[str, Draw]:
        """Random tensors a sample needs, by name."""
        return {}

    def drawn(
        self, purpose: str, batch: Mapping[str, Tensor], specs: Mapping[str, Draw] | None = None
    ) -> dict[str, Tensor]:
        """What `specs`, by default `draws`, name for the rows of `batch`: each purpose has its own."""
        whose = f"{purpose} of {type(self).__name__}"
        return draw(self.draws() if specs is None else specs, self.seed, batch["index"], purpose=whose)

    def synthesise(self, batch: Mapping[str, Tensor], draws: Mapping[str, Tensor], training: bool) -> Outputs:
        """The forward picture: everything that the terms compare."""
        raise NotImplementedError

    def terms(self, player: str, batch: Mapping[str, Tensor], outputs: Outputs) -> Terms:
        """Unweighted loss terms ``(B,)`` of `player`, by the name of their weight."""
        raise NotImplementedError

    def begin(self, phase: str, batches: tf.data.Dataset) -> None:
        """Called once before the first step of `phase`, with the batches from step 0 on."""

    def finish(self, batches: tf.data.Dataset) -> None:
        """Called once after the last step."""

    def preview(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Pictures ``(B, H, W, C)`` in [0, 1] by name that show what the stage can do now."""
        return {}

    def diagnose(self, batch: Mapping[str, Tensor]) -> dict[str, float]:
        """Measurements of what the stage draws now that no term states."""
        return {}

    # Optimisation -------------------------------------------------------------------------------

    def compile_players(self, optimizers: Mapping[str, keras.optimizers.Optimizer]) -> None:
        """Gives each player its optimiser; call inside the strategy's scope."""
        check(
            "each player needs one optimiser",
            set(optimizers) == set(self.players),
            players=sorted(self.players),
            received=sorted(optimizers),
        )
        super().compile(optimizer="sgd", jit_compile=False)
        half = keras.config.dtype_policy().compute_dtype == "float16"
        for player, optimizer in optimizers.items():
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer) if half else optimizer
            optimizer.build(self.variables_of(player))
            self.optimizers[player] = optimizer
        names = dict.fromkeys(
            k for one in (self.weights_by_term, *self.weights_by_phase.values()) for k in one
        )
        self.trackers = {name: keras.metrics.Mean(name) for name in names}
        self.trackers |= {f"{player}_gradient": keras.metrics.Mean() for player in self.players}

    def variables_of(self, player: str) -> list[Any]:
        """Trainable variables of the networks that `player` owns."""
        return [v for name in self.players[player] for v in self.networks[name].trainable_variables]

    def enter(self, phase: str) -> None:
        """Goes over to `phase`; a compiled train step would go on with the old one."""
        check("unknown phase", phase in self.phases, f"Phases: {', '.join(self.phases)}.", phase=phase)
        self.phase = phase
        self.make_train_function(force=True)

    def train_step(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One simultaneous step of the phase's players, from one forward picture."""
        players = self.phases[self.phase]
        drawn = self.drawn("training", batch)
        with tf.GradientTape(persistent=True) as tape, named_rows(self.seed, batch["index"]):
            outputs = self.synthesise(batch, drawn, training=True)
            terms = self._weighed_terms(batch, outputs)
            losses = {player: self._loss(player, terms[player]) for player in players}
        gradients = {player: self._gradients(tape, player, losses[player]) for player in players}
        del tape
        for player in players:
            self.optimizers[player].apply(gradients[player], self.variables_of(player))
        self._average()
        return self.logs()

    def test_step(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same terms on held-out data, without an update."""
        drawn = self.drawn("validation", batch)
        outputs = self.synthesise(batch, drawn, training=False)
        for player, terms in self._weighed_terms(batch, outputs).items():
            self._loss(player, terms)
        return self.logs()

    def logs(self) -> dict[str, Tensor]:
        """Running means of the terms seen since the last reset, by name."""
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Trackers, so that Keras resets them at each epoch."""
        return list(self.trackers.values())

    @property
    def weights_now(self) -> dict[str, float]:
        """Weights of the phase's terms, by name."""
        return self.weights_by_phase.get(self.phase, self.weights_by_term)

    def _weighed_terms(self, batch: Mapping[str, Tensor], outputs: Outputs) -> dict[str, Terms]:
        """Terms by player of the phase; each has a weight, and no weight but 0 is without its term."""
        terms = {player: self.terms(player, batch, outputs) for player in self.phases[self.phase]}
        weights, found = self.weights_now, {name for own in terms.values() for name in own}
        kind = type(self).__name__
        check(
            f"a loss term of {kind} has no weight of its name",
            found <= set(weights),
            f"Weights: {', '.join(weights)}.",
            term=", ".join(sorted(found - set(weights))),
        )
        # A first phase without weights of its own takes those of the last, which has further terms.
        whole = self.phase in self.weights_by_phase or set(terms) == set(self.players)
        idle = {name: value for name, value in weights.items() if value and name not in found}
        check(
            f"a weight of {kind} is not 0 but no term of its name is computed",
            not (whole and idle),
            f"Set {' '.join(f'{name}=0' for name in idle)}, or what switches the term on.",
            phase=self.phase,
            **idle,
        )
        return terms

    def _loss(self, player: str, terms: Terms) -> Tensor:
        total = tf.zeros((), tf.float32)
        for name, values in terms.items():
            self.trackers[name].update_state(values)
            total += self.weights_now[name] * tf.reduce_mean(values)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return self.optimizers[player].scale_loss(total / replicas)

    def _gradients(self, tape: tf.GradientTape, player: str, loss: Tensor) -> list[Tensor]:
        variables = self.variables_of(player)
        gradients = tape.gradient(loss, [v.value for v in variables])
        lost = [v.path for v, g in zip(variables, gradients, strict=True) if g is None]
        check(
            f"every variable of player {player!r} must reach one of its terms",
            not lost,
            "Give a term that depends on it, or freeze it.",
            without_gradient=lost,
        )
        return self._synchronised(player, gradients)

    def _synchronised(self, player: str, gradients: list[Tensor]) -> list[Tensor]:
        """Clipped gradients of the global batch, as each replica's equal share.

        The optimiser's apply sums over replicas; summing first lets clipping and the loss scale's
        test for infinities see the global gradient instead of one replica's.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas > 1:
            gradients = tf.distribute.get_replica_context().all_reduce("sum", gradients)
        optimizer = self.optimizers[player]
        scale = tf.cast(getattr(optimizer, "dynamic_scale", 1.0), tf.float32)
        norm = tf.linalg.global_norm(gradients) / scale
        # The loss scale is found by overflowing: such a step is skipped, and says nothing.
        skipped = ~tf.math.is_finite(norm) & isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        self.trackers[f"{player}_gradient"].update_state(
            tf.where(skipped, 0.0, norm), tf.where(skipped, 0.0, 1.0)
        )
        factor = tf.minimum(1.0, self.gradient_clip / tf.maximum(norm, 1e-12)) if self.gradient_clip else 1.0
        return [g * tf.cast(factor / replicas, g.dtype) for g in gradients]

    # Moving average -----------------------------------------------------------------------------

    def _copies(self) -> dict[str, keras.Model]:
        copies = {}
        for name in self.averaged:
            copies[name] = keras.models.clone_model(self.networks[name])
            copies[name].set_weights(self.networks[name].get_weights())
            copies[name].trainable = False
        return copies

    def _average(self) -> None:
        if not self.ema_networks:
            return
        steps = tf.cast(next(iter(self.optimizers.values())).iterations, tf.float32)
        decay = tf.minimum(self.ema_decay, (1.0 + steps) / (10.0 + steps))
        for name, copy in self.ema_networks.items():
            for mean, value in zip(copy.weights, self.networks[name].weights, strict=True):
                value, old = tf.cast(value, tf.float32), tf.cast(mean, tf.float32)
                mean.assign(tf.cast(old + (1.0 - decay) * (value - old), mean.dtype))

    def best(self, name: str) -> keras.Model:
        """The network to draw with: its moving average where one is kept."""
        return self.ema_networks.get(name, self.networks[name])

    def checkpoint(self) -> tf.train.Checkpoint:
        """Everything a killed run needs to go on with the same bits, but the data position."""
        owned = [name for names in self.players.values() for name in names]
        return tf.train.Checkpoint(
            networks={name: self.networks[name] for name in (*owned, *self.fitted)},
            ema=dict(self.ema_networks),
            optimizers=dict(self.optimizers),
        )


def _random_state(network: keras.Model) -> list[Any]:
    """State of a network's own random layers, which Keras keeps beside its weights."""
    weights = {id(weight) for weight in network.weights}
    return [variable for variable in network.variables if id(variable) not in weights]
