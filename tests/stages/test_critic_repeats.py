"""Critic repeats, a penalty on input gradients, three phases, own optimisers: parity, resume, halves."""

from __future__ import annotations

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import tiny
from tests.stages import critic
from tests.stages.critic import TRAINING, CriticWeights, penalised
from tf_medsynth import runtime
from tf_medsynth.config.training import PhasedTraining, PlayerSettings, TrainingSettings
from tf_medsynth.runs.fit import fit
from tf_medsynth.runs.run_directory import StageDirectory
from tf_medsynth.stages.optimisers import PhaseRate, StairRate, optimisers_of
from tf_medsynth.stages.preconditions import check_terms
from tf_medsynth.types import MedSynthError


def moved(before: dict, after: dict) -> set[str]:
    return {name.rsplit(" ", 1)[0] for name in before if not np.array_equal(before[name], after[name])}


class Killed(Exception):
    """What ends a training in the middle of a phase."""


def trained(folder, kill_at: int = TRAINING.steps) -> dict[str, np.ndarray]:
    """What a training leaves in `folder`, where it goes on; no batch comes from step `kill_at` on."""
    stage, place = penalised(), StageDirectory(folder)
    place.path.mkdir(exist_ok=True)

    def between(start: int = 0, **span) -> tf.data.Dataset:
        if start >= kill_at:
            raise Killed
        return critic.between(start, **span)

    with contextlib.suppress(Killed):
        fit(stage, TRAINING, between, place, place, tf.distribute.get_strategy())
    assert int(stage.optimizers["critic"].iterations) == 3 * (min(kill_at, TRAINING.steps) - 3)
    return tiny.state(stage)


def test_each_phase_moves_its_players_as_often_as_its_box_says():
    stage = penalised()
    rows = tiny.as_tensors(critic.batch())
    expected = {"warm": ("generator", 1, 0), "critic": ("critic", 0, 3), "contest": (None, 1, 3)}
    for phase, (alone, generator, judged) in expected.items():
        stage.phase, before = phase, tiny.state(stage)
        counted = {p: int(stage.optimizers[p].iterations) for p in stage.players}
        logs = {name: float(value) for name, value in stage.train_step(rows).items()}
        assert all(np.isfinite(value) for value in logs.values()), logs
        more = {p: int(stage.optimizers[p].iterations) - counted[p] for p in stage.players}
        assert more == {"generator": generator, "critic": judged}
        networks = {"generator": {"drawer", "ema drawer"}, "critic": {"critic"}}
        now = moved(before, tiny.state(stage))
        wanted = set().union(*(n | {f"optimizer {p}"} for p, n in networks.items() if alone in (p, None)))
        assert now == wanted


def with_plain_descent(stage) -> None:
    """Steps as long as the gradient, so that an update shows it without rounding."""
    stage.compile_players({player: keras.optimizers.SGD(1e-3) for player in stage.players})


def test_two_replicas_step_as_one_in_every_phase():
    arrays, strategy = critic.batch(), runtime.strategy(tiny.DEVICES)
    alone = penalised()
    with strategy.scope():
        mirrored = penalised()
    start = tiny.state(alone)
    with_plain_descent(alone)
    with strategy.scope():
        with_plain_descent(mirrored)

    def half(array):
        return lambda context: tf.constant(np.split(array, 2)[context.replica_id_in_sync_group])

    halves = {
        name: strategy.experimental_distribute_values_from_function(half(array))
        for name, array in arrays.items()
    }
    for phase in alone.phases:
        alone.phase = mirrored.phase = phase
        alone.train_step(tiny.as_tensors(arrays))
        strategy.run(mirrored.train_step, args=(halves,))
        for name, value in alone.logs().items():
            assert float(mirrored.logs()[name]) == pytest.approx(float(value), rel=2e-5, abs=1e-7), name
    one, two = tiny.state(alone), tiny.state(mirrored)
    assert moved({k: start[k] for k in one if "optimizer" not in k}, one) == {
        "drawer",
        "ema drawer",
        "critic",
    }
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=2e-5, atol=2e-6, err_msg=name)


def test_a_killed_training_goes_on_to_the_same_bits(tmp_path):
    whole = trained(tmp_path / "whole")
    trained(tmp_path / "killed", kill_at=4)  # one step into the second phase
    np.testing.assert_equal(trained(tmp_path / "killed"), whole)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_in_half_precision_the_penalty_is_of_float32(precision):
    rows = tiny.as_tensors(critic.batch())
    exact = penalised()
    gradient = np.array(exact.input_gradients("critic", rows["image"]))
    runtime.configure(precision=precision)
    try:
        stage = penalised()
        stage.networks["critic"].set_weights(exact.networks["critic"].get_weights())
        seen = stage.input_gradients("critic", rows["image"])
        assert seen.dtype == tf.float32
        np.testing.assert_allclose(seen, gradient, rtol=1e-5, atol=1e-7)
        for phase in stage.phases:
            stage.phase, before = phase, tiny.state(stage)
            logs = [stage.train_step(rows) for _ in range(6)][-1]
            assert all(np.isfinite(float(value)) for value in logs.values())
            assert moved(before, tiny.state(stage)) >= {
                n for p in stage.phases[phase] for n in stage.players[p]
            }
        assert {w.dtype for n in stage.networks.values() for w in n.weights} == {"float32"}
    finally:
        runtime.configure(precision="float32")


def test_a_critic_that_is_not_named_is_not_penalised():
    with pytest.raises(MedSynthError, match=r"computes in float32\. Received: critic='drawer'.*Name it in"):
        penalised().input_gradients("drawer", tf.zeros((2, 6)))


def test_rows_are_dealt_so_that_replicas_share_them_as_one():
    rows = {"index": tf.range(8)}
    shares = [critic.PenalisedStage.share(rows, number, 4)["index"] for number in range(4)]
    assert [list(np.array(share)) for share in shares] == [[0, 4], [1, 5], [2, 6], [3, 7]]
    with pytest.raises(MedSynthError, match=r"equal shares.*rows_of_a_replica=8, shares=3.*multiple of 3"):
        critic.PenalisedStage.share(rows, 0, 3)


# Before the first step ----------------------------------------------------------------------------


def test_a_weight_whose_term_comes_in_no_phase_is_refused_before_the_first_step():
    spec = critic.between(stop=1).element_spec
    stage = penalised()
    check_terms(stage, spec, stage.phases)
    assert stage.phase == "contest"
    with pytest.raises(MedSynthError, match=r"weight of PenalisedStage is not 0.*adversarial=1\.0\. Set adv"):
        check_terms(stage, spec, ("warm", "critic"))


def test_replicas_are_looked_at_as_one():
    with runtime.strategy(tiny.DEVICES).scope():
        stage = penalised(spectral=True)
        before = tiny.state(stage)
        check_terms(stage, critic.between(stop=1).element_spec, stage.phases)
    np.testing.assert_equal(tiny.state(stage), before)


def test_a_term_that_can_move_nothing_is_refused():
    class Blind(critic.PenalisedStage):
        def terms(self, player, batch, outputs):
            return {name: tf.stop_gradient(v) if name == "slope" else v
                    for name, v in super().terms(player, batch, outputs).items()}  # fmt: skip

    stage = penalised()
    stage.__class__ = Blind
    with pytest.raises(MedSynthError, match=r"can never move its player.*phase='critic', slope=10\.0"):
        check_terms(stage, critic.between(stop=1).element_spec, stage.phases)
    idle = penalised(weights=CriticWeights(validity=0.0, slope=0.0))
    with pytest.raises(MedSynthError, match=r"phase of PenalisedStage needs a weight.*phase='critic'"):
        check_terms(idle, critic.between(stop=1).element_spec, stage.phases)


# Players and phases as data -----------------------------------------------------------------------


def test_players_have_optimisers_of_their_own():
    stage = penalised()
    generator, judge = stage.optimizers["generator"], stage.optimizers["critic"]
    assert isinstance(generator, keras.optimizers.Adam) and isinstance(judge, keras.optimizers.RMSprop)
    assert isinstance(generator._learning_rate, PhaseRate) and isinstance(judge._learning_rate, StairRate)
    # The generator steps in "warm" and "contest", the critic three times in each of two steps, twice.
    assert generator._learning_rate.steps == 6
    rates = [float(judge._learning_rate(step)) for step in (0, 3, 4, 8)]
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 2.5e-4])


def test_a_rate_may_hold_before_it_falls():
    rate = PhaseRate(1.0, 100, 0.0, 0, 1.0, hold=50)
    assert [float(rate(step)) for step in (0, 50, 75, 100, 120)] == pytest.approx([1.0, 1.0, 0.5, 0.0, 0.0])
    again = StairRate.from_config(StairRate(1.0, 10, 0.1, 20, 0.5).get_config())
    assert [float(again(step)) for step in (9, 10, 19, 20)] == pytest.approx([1.0, 0.1, 0.1, 0.005])


def test_phases_have_lengths_and_the_last_has_the_rest():
    assert TRAINING.spans(["warm", "critic", "contest"]) == {
        "warm": (0, 3), "critic": (3, 6), "contest": (6, 9),
    }  # fmt: skip
    assert TRAINING.lasting(60).phase_steps == (20, 20)
    short = TrainingSettings(steps=10, pretrain_steps=4)
    assert short.spans(["first", "second"]) == {"first": (0, 4), "second": (4, 10)}
    assert TrainingSettings(steps=10).spans(["first", "second"]) == {"first": (0, 0), "second": (0, 10)}
    with pytest.raises(MedSynthError, match=r"every phase but the last.*lengths=\(4,\)"):
        short.spans(["alone"])
    with pytest.raises(MedSynthError, match=r"phase_steps lie within steps"):
        PhasedTraining(steps=3, phase_steps=(2, 2))
    with pytest.raises(MedSynthError, match=r"as long as phase_steps says"):
        PhasedTraining(pretrain_steps=5)


def test_the_short_form_says_what_players_have():
    short = TrainingSettings(learning_rate=0.1, discriminator_rate=0.2, beta_1=0.3, second_phase_rate=0.25)
    expected = PlayerSettings(rate=0.1, beta_1=0.3, later_rate=0.25)
    assert short.player("generator") == short.player("segmentor") == expected
    assert short.player("discriminator") == expected.override({"rate": 0.2})
    assert TRAINING.override({"critic.rate": "0.5"}).player("critic").rate == 0.5
    for wrong in ({"rate": 0.0}, {"hold": 1.0}, {"final_rate": 2.0}, {"weight_decay": -1.0}):
        with pytest.raises(MedSynthError, match=next(iter(wrong))):
            PlayerSettings(**wrong)


def test_plain_descent_with_decay():
    stage = penalised()
    training = TRAINING.override({"generator.optimiser": "sgd", "generator.weight_decay": 0.01})
    optimiser = optimisers_of(stage, training)["generator"]
    assert isinstance(optimiser, keras.optimizers.SGD)
    assert (optimiser.momentum, optimiser.weight_decay) == (0.5, 0.01)
