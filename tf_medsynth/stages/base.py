"""`AdversarialStage`: the only optimisation code. Stages say what is compared; this says how to step.

A stage has networks, and players that own some of them. By default all players of a phase step at once
from one forward picture; a family whose algorithm box says otherwise writes it in calls of `update`.
Terms are per sample; weights are found by the term's name; the mean over the global batch is taken here,
once, so a step on several replicas equals the step on one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
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
    that step in it, in order of time), `averaged`, `fitted` (networks that `begin` or `finish` set),
    `penalised` (critics of `input_gradients`, which compute in float32 whatever the policy) and
    `updates` (how often a player steps in a training step, where not once), and write `draws`,
    `synthesise` and `terms`.
    """

    players: Mapping[str, tuple[str, ...]] = {}
    phases: Mapping[str, tuple[str, ...]] = {}
    averaged: tuple[str, ...] = ()
    fitted: tuple[str, ...] = ()
    penalised: tuple[str, ...] = ()
    updates: Mapping[str, int] = {}

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
        for name in self.penalised:
            for layer in self.networks[name]._flatten_layers():
                layer.dtype_policy = "float32"
        self.ema_networks = self._copies() if ema_decay else {}
        self.optimizers: dict[str, keras.optimizers.Optimizer] = {}
        self.trackers: dict[str, keras.metrics.Mean] = {}
        self.built = True

    # What a stage writes ------------------------------------------------------------------------

    def draws(self) -> Mapping[str, Draw]:
        """Random tensors a sample needs, by name."""
        return {}

    def drawn(
        self,
        purpose: str,
        batch: Mapping[str, Tensor],
        specs: Mapping[str, Draw] | None = None,
        repeat: int = 0,
    ) -> dict[str, Tensor]:
        """What `specs`, by default `draws`, name for the rows of `batch`: each purpose has its own.

        Args:
            repeat: how often the rows were drawn for before in this step; each time has its own draws.
        """
        whose = f"{purpose} of {type(self).__name__}" + (f", repeat {repeat}" if repeat else "")
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
        return self.update(self.phases[self.phase], batch, self.drawn("training", batch))

    def update(
        self,
        players: Sequence[str],
        batch: Mapping[str, Tensor],
        draws: Mapping[str, Tensor],
        repeat: int = 0,
    ) -> dict[str, Tensor]:
        """The logs, once `players` have stepped at once from one forward picture, and nobody else.

        Args:
            players: of this phase; only their terms are computed.
            batch: rows of the training batch, see `share`.
            draws: of `drawn` for these rows.
            repeat: how often rows of `batch` were used before in this step: dropout has masks of its own.
        """
        rows = named_rows(self.seed + (repeat << 32), batch["index"])
        with tf.GradientTape(persistent=True) as tape, rows:
            outputs = self.synthesise(batch, draws, training=True)
            terms = self._weighed_terms(players, batch, outputs)
            losses = {player: self._loss(player, terms[player]) for player in players}
        gradients = {player: self._gradients(tape, player, losses[player]) for player in players}
        del tape
        for player in players:
            self.optimizers[player].apply(gradients[player], self.variables_of(player))
        for player in players:
            self._average(player)
        return self.logs()

    def input_gradients(
        self, critic: str, inputs: Tensor, score: Callable[[keras.Model, Tensor], Tensor] | None = None
    ) -> Tensor:
        """Gradient of what `critic` says of each sample by that sample, float32 of the shape of `inputs`.

        A term that takes it (`losses.gradient_penalty`) moves the critic; its rows must not see each other.

        Args:
            critic: name of a network in `penalised`.
            inputs: ``(B, ...)``, e.g. real images, drawn ones or a mix of the two.
            score: what the critic says, of the network and `inputs`, any shape; by default its
                ``validity``, where it has several heads, averaged over a sample's patches.
        """
        check(
            "a critic whose input gradients are penalised computes in float32",
            critic in self.penalised,
            "Name it in `penalised` of its stage.",
            critic=critic,
            penalised=self.penalised,
        )
        inputs = tf.cast(inputs, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            said = tf.reduce_sum((score or _validity)(self.networks[critic], inputs))
        return tape.gradient(said, inputs)

    @staticmethod
    def share(batch: Mapping[str, Tensor], number: int, shares: int) -> dict[str, Tensor]:
        """Every `shares`-th row of `batch` from row `number` on, for an update on rows of its own.

        Rows are dealt, not cut, so that on several replicas together each share has the same rows as on one.
        """
        count = next(iter(batch.values())).shape[0]
        check(
            "a batch is dealt out in equal shares",
            count is None or count % shares == 0,
            f"Set training.batch_size to a multiple of {shares} times the replicas.",
            rows_of_a_replica=count,
            shares=shares,
        )
        return {name: rows[number::shares] for name, rows in batch.items()}

    def test_step(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same terms on held-out data, without an update."""
        drawn = self.drawn("validation", batch)
        outputs = self.synthesise(batch, drawn, training=False)
        for player, terms in self._weighed_terms(self.phases[self.phase], batch, outputs).items():
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

    def _weighed_terms(
        self, players: Sequence[str], batch: Mapping[str, Tensor], outputs: Outputs
    ) -> dict[str, Terms]:
        """Terms by player; each has a weight, and of all players no weight but 0 is without its term."""
        terms = {player: self.terms(player, batch, outputs) for player in players}
        weights, found = self.weights_now, {name for own in terms.values() for name in own}
        kind = type(self).__name__
        check(
            f"a loss term of {kind} has no weight of its name",
            found <= set(weights),
            f"Weights: {', '.join(weights)}.",
            term=", ".join(sorted(found - set(weights))),
        )
        # What several updates or phases without weights of their own compute together: see `preconditions`.
        stepping = set(self.phases[self.phase] if self.phase in self.weights_by_phase else self.players)
        whole = set(terms) == stepping
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

    def _average(self, player: str) -> None:
        moved = [name for name in self.players[player] if name in self.ema_networks]
        if not moved:
            return
        steps = tf.cast(self.optimizers[player].iterations, tf.float32)
        decay = tf.minimum(self.ema_decay, (1.0 + steps) / (10.0 + steps))
        for name in moved:
            for mean, value in zip(self.ema_networks[name].weights, self.networks[name].weights, strict=True):
                value, old = tf.cast(value, tf.float32), tf.cast(mean, tf.float32)
                mean.assign(tf.cast(old + (1.0 - decay) * (value - old), mean.dtype))

    def best(self, name: str) -> keras.Model:
        """The network to draw with: its moving average where one is kept."""
        return self.ema_networks.get(name, self.networks[name])

    def lends(self) -> dict[str, keras.Model]:
        """Networks that look on in the training of other families, by name."""
        return {name: self.best(name) for name in self.averaged}

    def checkpoint(self) -> tf.train.Checkpoint:
        """Everything a killed run needs to go on with the same bits, but the data position."""
        owned = [name for names in self.players.values() for name in names]
        return tf.train.Checkpoint(
            networks={name: self.networks[name] for name in (*owned, *self.fitted)},
            ema=dict(self.ema_networks),
            optimizers=dict(self.optimizers),
        )


def _validity(critic: keras.Model, inputs: Tensor) -> Tensor:
    """What a critic says of each sample, ``(B,)``."""
    said = critic(inputs, training=True)
    said = said["validity"] if isinstance(said, Mapping) else said
    return tf.reduce_mean(tf.reshape(said, (tf.shape(said)[0], -1)), axis=1)


def _random_state(network: keras.Model) -> list[Any]:
    """State of a network's own random layers, which Keras keeps beside its weights."""
    weights = {id(weight) for weight in network.weights}
    return [variable for variable in network.variables if id(variable) not in weights]
