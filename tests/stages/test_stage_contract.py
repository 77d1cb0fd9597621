"""What every stage must keep, over all of them in miniature.

Steps run eagerly: what is held to here does not depend on tracing, which `test_train.py` goes through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import tiny
from tf_medsynth import runtime
from tf_medsynth.config.families import FAMILIES, TRAINABLE
from tf_medsynth.stages.base import AdversarialStage

STAGES: dict[str, tuple[str, dict[str, Any], str]] = {
    **{name: (name, {}, "multiple") for name in TRAINABLE},
    "lesion_shared": ("lesion", {"scheme": "shared"}, ""),
    "multimodal_shared": ("multimodal", {}, "shared"),
}
"""Stage, what is changed of it, and the scheme of its guides."""
CLASSES = tuple({family.module: name for name, family in reversed(FAMILIES.items())}.values())[::-1]
"""One of each class, for what is slow."""


_BOTH = {"generator.input_dropout": 0.1, "discriminator.input_dropout": 0.1}
DROPOUT: Mapping[str, dict[str, float]] = {
    "structure": {
        "vae.input_dropout": 0.15,
        "mask_generator.input_dropout": 0.1,
        "map_discriminator.input_dropout": 0.15,
    },
    "lesion": {"segmentor.input_dropout": 0.1},
    "translation": _BOTH,
    "multimodal": _BOTH,
    "gan": _BOTH,
}
"""Masks are named by sample, wherever its rows stand in what a network is given."""

ROUNDING = 2e-5
"""Of an update in float32, relative: half a batch is summed in another order than the whole. Up to 1.3e-5 was
seen, on an AMD processor; elsewhere these tests held 1e-5."""
GRADIENT_ROUNDING = {"multimodal": 1e-2}
"""Through untrained guides and translator: there 1e-7 in each weight changes the generator's update by 5e-3:
that is what rounding may do; its losses agree to 1e-5, and a forgotten scale would be a factor of 2."""


def build(name: str, changes: Mapping[str, Any] | None = None) -> AdversarialStage:
    """The registered stage `name` in miniature."""
    stage, own, guides = STAGES[name]
    return tiny.build(stage, {**own, **(changes or {})}, guides=guides)


@pytest.fixture(scope="module", params=STAGES)
def built(request) -> tuple[AdversarialStage, dict[str, np.ndarray]]:
    stage = build(request.param)
    return stage, tiny.state(stage)


@pytest.fixture
def stage(built) -> Iterator[AdversarialStage]:
    """A stage as it is built, in its last phase."""
    stage, start = built
    yield stage
    tiny.restore(stage, start)
    stage.phases = type(stage).phases
    stage.phase = next(reversed(stage.phases))


@pytest.fixture(scope="module")
def batch() -> dict[str, tf.Tensor]:
    return tiny.as_tensors(tiny.batch())


def changed(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> set[str]:
    """Names of what moved: networks, ``ema <network>``, ``optimizer <player>``."""
    return {name.rsplit(" ", 1)[0] for name in before if not np.array_equal(before[name], after[name])}


def step(stage: AdversarialStage, batch: dict[str, tf.Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in stage.train_step(batch).items()}


def test_two_steps_of_every_phase_are_finite_and_move_all_they_should(stage, batch):
    keys = set(stage.weights_by_term) | {f"{player}_gradient" for player in stage.players}
    for phase, players in stage.phases.items():
        stage.phase = phase
        variables = [v for player in players for v in stage.variables_of(player)]
        values, before = [np.array(v) for v in variables], tiny.state(stage)
        for _ in range(2):
            logs = step(stage, batch)
            assert set(logs) == keys
            assert all(np.isfinite(value) for value in logs.values()), logs
        after = tiny.state(stage)
        assert all(np.isfinite(value).all() for value in after.values())
        owned = {network for player in players for network in stage.players[player]}
        averages = {f"ema {name}" for name in stage.averaged if name in owned}
        expected = owned | averages | {f"optimizer {player}" for player in players}
        assert changed(before, after) - set(stage.fitted) == expected
        assert not [v.path for v, old in zip(variables, values, strict=True) if np.array_equal(old, v)]


def test_terms_are_the_weights_and_have_a_value_a_sample(stage, batch):
    outputs = stage.synthesise(batch, stage.drawn("training", batch), training=True)
    found: dict[str, tf.Tensor] = {}
    for player in stage.players:
        terms = stage.terms(player, batch, outputs)
        assert not found.keys() & terms.keys()
        found |= terms
    used = {name for name, value in stage.weights_by_term.items() if value}
    assert used <= set(found) <= set(stage.weights_by_term)
    assert {name: (v.shape.as_list(), v.dtype) for name, v in found.items()} == dict.fromkeys(
        found, ([4], tf.float32)
    )


def test_a_player_moves_nobody_else_and_always_in_the_same_way(stage, batch):
    phase, start, first = stage.phase, tiny.state(stage), {}
    learned = {id(v) for player in stage.players for v in stage.variables_of(player)}
    untouchable = {
        f"{name} {number}"
        for name, network in stage.networks.items()
        for number, weight in enumerate(network.weights)
        if id(weight) in learned or not (network.trainable or name in stage.fitted)
    }  # all but the singular vectors of spectral norms, and a prior that follows its encoder
    for player, networks in (*stage.players.items(), *stage.players.items()):
        stage.phases = {phase: (player,)}
        tiny.restore(stage, start)
        step(stage, batch)
        after = tiny.state(stage)
        others = {name: start[name] for name in untouchable if name.split()[0] not in networks}
        assert not changed(others, after)
        optimizers = {name for name in changed(start, after) if name.startswith("optimizer")}
        assert optimizers == {f"optimizer {player}"} and set(networks) <= changed(start, after)
        assert not changed(first.setdefault(player, after), after)


def test_held_out_data_change_nothing(stage, batch):
    before = tiny.state(stage)
    logs = stage.test_step(batch)
    assert not changed(before, tiny.state(stage))
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert all(float(logs[f"{player}_gradient"]) == 0.0 for player in stage.players)


def test_pictures_are_of_the_moving_average_and_lie_in_the_unit(stage, batch):
    before = {name: np.array(value) for name, value in stage.preview(batch).items()}
    for picture in before.values():
        assert picture.ndim == 4 and len(picture) == 4 and picture.shape[-1] == 1
        assert picture.min() >= 0.0 and picture.max() <= 1.0
    for name in stage.averaged:
        for weight in stage.networks[name].weights:
            weight.assign(keras.ops.zeros_like(weight))
    after = {name: np.array(value) for name, value in stage.preview(batch).items()}
    np.testing.assert_equal(after, before)
    assert all(np.isfinite(fact) for fact in stage.diagnose(batch).values())


def test_a_checkpoint_holds_all_that_a_step_changes(stage, batch, tmp_path):
    start = tiny.state(stage)
    path = stage.checkpoint().save(tmp_path / "held")
    owned = {name for names in stage.players.values() for name in names}
    moved = {
        name: value + 1 for name, value in start.items() if name.split()[0] in {"ema", "optimizer", *owned}
    }
    tiny.restore(stage, start | moved)
    assert len(changed(start, tiny.state(stage))) == len(owned) + len(stage.ema_networks) + len(stage.players)
    stage.checkpoint().restore(path).assert_existing_objects_matched()
    assert not changed(start, tiny.state(stage))


# Replicas and precision ---------------------------------------------------------------------------


def halved(arrays: dict[str, np.ndarray], strategy: tf.distribute.Strategy) -> dict[str, tf.Tensor]:
    """The batch, replica i with the i-th half of it."""

    def half(array: np.ndarray):
        return lambda context: tf.constant(np.split(array, 2)[context.replica_id_in_sync_group])

    return {
        name: strategy.experimental_distribute_values_from_function(half(array))
        for name, array in arrays.items()
    }


def with_plain_descent(stage: AdversarialStage) -> None:
    """Steps as long as the gradient, so that an update shows it without rounding."""
    stage.compile_players({player: keras.optimizers.SGD(1.0) for player in stage.players})


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSES)
def test_one_update_on_two_replicas_equals_the_same_update_on_one(name):
    arrays, rounding = tiny.batch(rows=4), GRADIENT_ROUNDING.get(name, ROUNDING)
    changes = {"training.gradient_clip": 0.3, "training.ema_decay": 0.5, **DROPOUT.get(name, {})}
    alone = build(name, changes)
    start = tiny.state(alone)
    strategy = runtime.strategy(tiny.DEVICES)
    with strategy.scope():
        mirrored = build(name, changes)
        with_plain_descent(mirrored)
    with_plain_descent(alone)
    weights = {key: value for key, value in start.items() if not key.startswith("optimizer")}
    for phase, players in alone.phases.items():
        for stage in (alone, mirrored):
            for network in (*stage.networks, *(f"ema {n}" for n in stage.ema_networks)):
                values = [
                    weights[f"{network} {k}"] for k in range(len(weights)) if f"{network} {k}" in weights
                ]
                held = stage.networks.get(network) or stage.ema_networks[network.removeprefix("ema ")]
                held.set_weights(values)
            stage.phase = phase
            for metric in stage.metrics:
                metric.reset_state()
        logs = step(alone, tiny.as_tensors(arrays))
        strategy.run(mirrored.train_step, args=(halved(arrays, strategy),))
        for key, value in mirrored.logs().items():
            near = GRADIENT_ROUNDING.get(name, 1e-5) if key.endswith("_gradient") else 1e-5
            assert float(value) == pytest.approx(logs[key], rel=near, abs=1e-7), key
        clipped = [player for player in players if logs[f"{player}_gradient"] > 0.3]
        assert clipped, "nothing was clipped"
        one, two = tiny.state(alone), tiny.state(mirrored)
        followed = changed(weights, one) & set(alone.fitted)
        for network in followed | {n for player in players for n in alone.players[player]}:
            assert difference(network, start, one, two) < rounding, (phase, network)
            if network in alone.ema_networks:
                assert difference(f"ema {network}", start, one, two) < rounding, (phase, network)


def difference(network: str, start: dict, one: dict, two: dict) -> float:
    """L2 distance of two updates of a network, relative to the first."""
    names = [name for name in start if name.rsplit(" ", 1)[0] == network]
    updates = [np.concatenate([(end[n] - start[n]).ravel() for n in names]) for end in (one, two)]
    return float(np.linalg.norm(updates[0] - updates[1]) / np.linalg.norm(updates[0]))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", CLASSES)
def test_half_precision_steps_are_finite_and_keep_weights_in_float32(name, precision):
    runtime.configure(precision=precision)
    try:
        stage = build(name, {"training.ema_decay": 0.0})
        for network in stage.networks.values():
            assert {weight.dtype for weight in network.weights} <= {"float32"}
        before = tiny.state(stage)
        logs = [step(stage, tiny.as_tensors(tiny.batch())) for _ in range(10)][
            -1
        ]  # float16 finds its loss scale
        after = tiny.state(stage)
        assert all(np.isfinite(value) for value in logs.values()), logs
        assert all(np.isfinite(value).all() for value in after.values())
        owned = {network for networks in stage.players.values() for network in networks}
        assert owned <= changed(before, after)
    finally:
        runtime.configure(precision="float32")
