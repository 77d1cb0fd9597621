"""The only optimisation code, on two one-weight networks whose steps are worked out by hand."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.stages.toy import BATCH, Toy, Weights, one_weight, toy
from tests.tiny import DEVICES, state
from tf_medsynth import runtime
from tf_medsynth.layers import NamedDropout
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


def test_a_weight_without_its_term_is_named():
    class Silent(Toy):
        def terms(self, player, batch, outputs):
            terms = super().terms(player, batch, outputs)
            return {name: value for name, value in terms.items() if name != "luck"}

    assert np.isfinite(step(toy(Silent))["fit"])
    words = r"weight of Silent is not 0 but no term.*phase='both', luck=0.5\. Set luck=0, or"
    with pytest.raises(MedSynthError, match=words):
        step(toy(Silent, weights=Weights(luck=0.5)))


def test_a_phase_may_have_weights_of_its_own():
    stage = toy(phase_weights={"alone": OwnWeights(fit=1.0)})
    stage.phase = "alone"
    step(stage)
    assert weight(stage.networks["line"]) == pytest.approx(2.0 - 0.01 * 10.0, rel=1e-6)  # 30 with weight 3
    stage.phase = "both"
    step(stage)
    assert weight(stage.networks["line"]) == pytest.approx(1.9 - 0.01 * 3.0 * 5.0 * 1.9, rel=1e-6)
    late = toy(phase_weights={"alone": Weights(judge=1.0)})
    late.phase = "alone"  # in which no judge steps
    with pytest.raises(MedSynthError, match=r"phase='alone', judge=1\.0"):
        step(late)


@dataclasses.dataclass(frozen=True)
class OwnWeights:
    fit: float = 1.0
    luck: float = 0.0


# Dropout ------------------------------------------------------------------------------------------


class Dropping(Toy):
    """A line of 64 values a sample, half of which are dropped."""

    def synthesise(self, batch, draws, training):
        wide = keras.ops.broadcast_to(batch["number"], (batch["number"].shape[0], 64))
        line = self.networks["line"](wide, training=training)[:, 0]
        return {"line": line, "judge": self.networks["judge"](batch["number"])[:, 0], "luck": draws["luck"]}


def dropping() -> Dropping:
    networks = {"line": with_dropout(NamedDropout(0.5)), "judge": one_weight(1.0)}
    stage = Dropping(networks=networks, weights=Weights(), seed=5)
    stage.compile_players({player: keras.optimizers.SGD(1e-6) for player in stage.players})
    return stage


def with_dropout(layer: keras.layers.Layer) -> keras.Model:
    sums = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    return keras.Sequential([keras.Input((64,)), layer, sums])


def dropped(stage: Dropping) -> np.ndarray:
    """Gradient that each of the line's weights has had: 0 where its value was dropped in every row."""
    return 1.0 - np.asarray(stage.networks["line"].get_weights()[0][:, 0])


def one_step(rows: slice) -> np.ndarray:
    stage = dropping()
    step(stage, {name: value[rows] for name, value in BATCH.items()})
    return dropped(stage)


def test_dropout_is_named_by_seed_and_sample_and_so_goes_on_after_a_kill():
    first, again, other = one_step(slice(0, 1)), one_step(slice(0, 1)), one_step(slice(1, 2))
    np.testing.assert_array_equal(first, again)
    assert 16 < (first > 0).sum() < 48 and 16 < (other > 0).sum() < 48
    assert not np.array_equal(first > 0, other > 0)


def test_two_replicas_drop_different_values_and_together_those_of_one():
    alone, strategy = dropping(), runtime.strategy(DEVICES)
    step(alone)
    with strategy.scope():
        stage = dropping()
    rows = {
        name: strategy.experimental_distribute_values_from_function(
            lambda context, value=value: tf.constant(value[context.replica_id_in_sync_group :][:1])
        )
        for name, value in BATCH.items()
    }
    strategy.run(stage.train_step, args=(rows,))
    np.testing.assert_allclose(dropped(stage), dropped(alone), rtol=1e-5)
    # Each row's own mask was at work: the sum of what the replicas' rows do alone.
    each = [one_step(slice(0, 1)), one_step(slice(1, 2))]
    assert not np.array_equal(each[0] > 0, each[1] > 0)
    np.testing.assert_array_equal(dropped(stage) > 0, (each[0] > 0) | (each[1] > 0))


def test_a_network_with_a_random_state_is_refused():
    networks = {"line": with_dropout(keras.layers.Dropout(0.5)), "judge": one_weight(1.0)}
    with pytest.raises(MedSynthError, match=r"never from a state.*network='line'\. Use layers\.NamedDropout"):
        Toy(networks=networks, weights=Weights(), seed=0)
