"""The only optimisation code, on two one-weight networks whose steps are worked out by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.stages.toy import BATCH, Toy, Weights, one_weight, toy
from tests.tiny import DEVICES, state
from tf_medsynth import runtime
from tf_medsynth.types import MedSynthError


def weight(network: keras.Model) -> float:
    return float(network.get_weights()[0].item())


def step(stage: Toy, batch=BATCH) -> dict[str, float]:
    logs = stage.train_step({name: tf.constant(value) for name, value in batch.items()})
    return {name: float(value) for name, value in logs.items()}


def test_a_step_worked_out_by_hand():
    stage = toy()
    logs = step(stage)
    # fit: mean of (2, 4) squared is 10; its slope in the weight, 4 x^2, has mean 10, times 3
    assert (logs["fit"], logs["judge"]) == (10.0, 2.5)
    assert logs["generator_gradient"] == pytest.approx(30.0) and logs["discriminator_gradient"] == 5.0
    assert weight(stage.networks["line"]) == pytest.approx(2.0 - 0.01 * 30.0, rel=1e-6)
    assert weight(stage.networks["judge"]) == pytest.approx(1.0 - 0.01 * 5.0, rel=1e-6)
    assert weight(stage.networks["onlooker"]) == 5.0
    assert set(logs) == {"fit", "judge", "luck", "generator_gradient", "discriminator_gradient"}


def test_the_log_is_the_mean_since_the_last_reset():
    stage = toy()
    assert step(stage)["fit"] == 10.0
    assert step(stage)["fit"] == pytest.approx((10.0 + 2.5 * 1.7**2) / 2, rel=1e-5)
    for metric in stage.metrics:
        metric.reset_state()
    now = weight(stage.networks["line"])
    assert step(stage)["fit"] == pytest.approx(2.5 * now**2, rel=1e-5)


def test_a_phase_moves_its_players_only():
    stage = toy()
    stage.phase = "alone"
    logs = step(stage)
    assert weight(stage.networks["line"]) < 2.0 and weight(stage.networks["judge"]) == 1.0
    assert (logs["judge"], logs["discriminator_gradient"]) == (0.0, 0.0)


def test_a_gradient_is_clipped_to_a_global_norm_and_logged_as_it_was():
    stage = toy(gradient_clip=6.0)
    assert step(stage)["generator_gradient"] == pytest.approx(30.0)
    assert weight(stage.networks["line"]) == pytest.approx(2.0 - 0.01 * 6.0, rel=1e-6)
    assert weight(stage.networks["judge"]) == pytest.approx(1.0 - 0.01 * 5.0, rel=1e-6)


def test_the_moving_average_follows_slowly_and_faster_at_the_start():
    stage = toy(ema_decay=0.15)
    assert weight(stage.best("line")) == 2.0
    step(stage)
    assert weight(stage.best("line")) == pytest.approx(2.0 + (1 - 0.15) * (1.7 - 2.0), rel=1e-6)
    slow = toy(ema_decay=0.99)
    step(slow)
    assert weight(slow.best("line")) == pytest.approx(2.0 + (1 - 2 / 11) * (1.7 - 2.0), rel=1e-6)
    assert slow.best("judge") is slow.networks["judge"]
    unaveraged = toy()
    assert unaveraged.best("line") is unaveraged.networks["line"]


def test_held_out_data_change_nothing():
    stage = toy(ema_decay=0.5)
    before = state(stage)
    logs = stage.test_step({name: tf.constant(value) for name, value in BATCH.items()})
    assert float(logs["fit"]) == 10.0 and float(logs["generator_gradient"]) == 0.0
    np.testing.assert_equal(state(stage), before)


def test_two_replicas_step_as_one():
    clip = 6.0
    strategy = runtime.strategy(DEVICES)
    with strategy.scope():
        stage = toy(gradient_clip=clip, ema_decay=0.5)
    rows = {
        name: strategy.experimental_distribute_values_from_function(
            lambda context, value=value: tf.constant(value[context.replica_id_in_sync_group :][:1])
        )
        for name, value in BATCH.items()
    }
    strategy.run(stage.train_step, args=(rows,))
    alone = toy(gradient_clip=clip, ema_decay=0.5)
    logs = step(alone)
    assert logs["luck"] > 0.0
    for name, value in stage.logs().items():
        assert float(value) == pytest.approx(logs[name], rel=1e-6), name
    for name in ("line", "judge"):
        assert weight(stage.networks[name]) == pytest.approx(weight(alone.networks[name]), rel=1e-7)
    assert weight(stage.best("line")) == pytest.approx(weight(alone.best("line")), rel=1e-7)


@pytest.fixture
def precision(request):
    yield runtime.configure(precision=request.param)
    runtime.configure(precision="float32")


SMALL = {**BATCH, "number": BATCH["number"] / 100.0}  # every slope is a ten-thousandth


@pytest.mark.parametrize("precision", ["float16", "bfloat16"], indirect=True)
def test_half_precision_takes_the_same_step(precision):
    stage = toy(rate=100.0, gradient_clip=6e-4)
    logs = step(stage, SMALL)
    assert logs["fit"] == pytest.approx(1e-3, rel=1e-2)
    assert logs["generator_gradient"] == pytest.approx(3e-3, rel=1e-2)
    assert weight(stage.networks["line"]) == pytest.approx(2.0 - 0.06, rel=1e-4)
    assert stage.networks["line"].weights[0].dtype == "float32"
    scaled = isinstance(stage.optimizers["generator"], keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "mixed_float16")


@pytest.mark.parametrize("precision", ["float16"], indirect=True)
def test_a_gradient_too_large_for_float16_halves_the_scale_and_skips_the_step(precision):
    stage = toy(rate=100.0, ema_decay=0.9)
    scale = float(stage.optimizers["generator"].dynamic_scale)
    logs = step(stage, {**BATCH, "number": np.full((2, 1), 100.0, "float32")})
    assert weight(stage.networks["line"]) == weight(stage.best("line")) == 2.0
    assert float(stage.optimizers["generator"].dynamic_scale) == scale / 2
    assert logs["fit"] == 4e4 and logs["generator_gradient"] == 0.0
    logs = step(stage, SMALL)
    assert weight(stage.networks["line"]) == pytest.approx(2.0 - 0.3, rel=1e-3)
    assert logs["generator_gradient"] == pytest.approx(3e-3, rel=1e-2)


def test_in_float32_a_gradient_that_is_not_finite_is_seen():
    logs = step(toy(), {**BATCH, "number": np.full((2, 1), 1e30, "float32")})
    assert not np.isfinite(logs["generator_gradient"])


def test_a_term_without_a_weight_is_named():
    class Careless(Toy):
        def terms(self, player, batch, outputs):
            return super().terms(player, batch, outputs) | {"beauty": outputs["luck"]}

    with pytest.raises(MedSynthError, match=r"Careless has no weight.*term='beauty'.*Weights: fit, judge"):
        step(toy(Careless))


def test_a_variable_without_gradient_is_named():
    class Deaf(Toy):
        def terms(self, player, batch, outputs):
            terms = super().terms(player, batch, outputs)
            return {name: keras.ops.stop_gradient(value) for name, value in terms.items()}

    stage = toy(Deaf)
    path = stage.networks["line"].weights[0].path
    with pytest.raises(MedSynthError, match=rf"player 'generator' must reach.*{path}"):
        step(stage)


def test_what_is_missing_or_unknown_is_refused():
    with pytest.raises(MedSynthError, match=r"Toy needs the networks its players own.*judge"):
        Toy(networks={"line": one_weight(1.0)}, weights=Weights(), seed=0)
    stage = toy()
    with pytest.raises(MedSynthError, match=r"each player needs one optimiser.*received=\['generator'\]"):
        stage.compile_players({"generator": keras.optimizers.SGD()})
    with pytest.raises(MedSynthError, match=r"unknown phase.*Phases: alone, both"):
        stage.enter("later")


def test_fit_goes_over_to_another_phase():
    stage = toy()
    data = tf.data.Dataset.from_tensors(BATCH).repeat()
    stage.enter("alone")
    stage.fit(data, steps_per_epoch=2, shuffle=False, verbose=0)
    assert weight(stage.networks["judge"]) == 1.0 and weight(stage.networks["line"]) < 1.7
    stage.enter("both")
    stage.fit(data, steps_per_epoch=1, shuffle=False, verbose=0)
    assert weight(stage.networks["judge"]) == pytest.approx(0.95)


def test_a_checkpoint_holds_all_that_moves(tmp_path):
    def stage():
        made = toy(ema_decay=0.5)
        made.compile_players({player: keras.optimizers.Adam(0.1) for player in made.players})
        return made

    first, second = stage(), stage()
    for _ in range(2):
        step(first)
    path = first.checkpoint().save(tmp_path / "c")
    second.checkpoint().restore(path).assert_existing_objects_matched()
    for made in (first, second):
        step(made)
    np.testing.assert_equal(state(second), state(first))


def test_dropout_goes_on_where_the_checkpoint_left_it(tmp_path):
    def stage():
        made = toy()
        made.networks["line"] = keras.Sequential(
            [keras.Input((1,)), keras.layers.Dropout(0.5), *one_weight(2.0).layers]
        )
        made.compile_players({player: keras.optimizers.SGD(0.0) for player in made.players})
        return made

    first, second = stage(), stage()
    for _ in range(3):
        step(first)
    path = first.checkpoint().save(tmp_path / "c")
    second.checkpoint().restore(path).assert_existing_objects_matched()
    ones = np.ones((64, 1), "float32")
    drawn = [made.networks["line"](ones, training=True).numpy() for made in (first, second, first)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
