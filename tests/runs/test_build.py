"""From settings to a stage: sizes, channels, initial weights, learning rates."""

import keras
import numpy as np
import pytest

from tests import tiny
from tf_medsynth.runs.build import build_stage
from tf_medsynth.stages.guides import segmentor_names
from tf_medsynth.stages.optimisers import PhaseRate

NO_AVERAGE = {"training.ema_decay": 0.0}


def test_networks_take_the_size_of_the_images():
    size = (48, 32)
    stage = build_stage("structure", tiny.settings("structure"), tiny.OPERATORS, tiny.DOMAIN, size, 0)
    for name in ("structure_encoder", "mask_generator", "structure_discriminator"):
        assert stage.networks[name].input_shape[1:3] == size, name
    assert stage.networks["structure_decoder"].output_shape[1:3] == size
    assert stage.networks["structure_decoder"].input_shape[-1] == stage.code_size
    assert stage.networks["code_discriminator"].input_shape[-1] == stage.latent_dim == 6


def test_the_critic_s_channels_follow_from_what_it_sees():
    stage = tiny.build("structure", {"critic_sees": "map", **NO_AVERAGE})
    assert tiny.settings("structure").structure.map_discriminator.in_channels == 2
    assert stage.networks["structure_discriminator"].input_shape[-1] == 1


@pytest.mark.parametrize(("mode", "channels"), [("concat", 6), ("weighted", 5)])
def test_channels_of_the_generator_follow_from_the_fusion(mode, channels):
    changes = {"fusion.label_mode": mode, "generator.pixel_noise": False, **NO_AVERAGE}
    onlookers = {
        name: keras.Sequential([keras.Input((1,))])
        for name in segmentor_names("multiple", tiny.DOMAIN.modalities)
    }
    settings = tiny.settings("multimodal", changes)
    stage = build_stage("multimodal", settings, tiny.OPERATORS, tiny.DOMAIN, tiny.SIZE, 0, onlookers)
    assert stage.networks["encoder"].input_shape[1:] == (*tiny.SIZE, channels)


def test_a_stacked_segmentor_takes_all_modalities():
    stage = tiny.build("lesion", {"scheme": "stacked", **NO_AVERAGE})
    assert [network.input_shape[-1] for network in stage.networks.values()] == [tiny.DOMAIN.num_modalities]
    assert stage.ema_networks == {}


def test_the_process_s_seed_decides_the_initial_weights():
    changes = {"scheme": "stacked", **NO_AVERAGE}
    first, again, other = (tiny.state(tiny.build("lesion", changes, seed)) for seed in (1, 1, 2))
    np.testing.assert_equal(again, first)
    assert not np.array_equal(first["segmentor_stacked 0"], other["segmentor_stacked 0"])


def test_rates_fall_over_the_steps_in_which_a_player_takes_part():
    changes = {
        "training.steps": 100, "training.pretrain_steps": 60, "training.learning_rate": 0.1,
        "training.discriminator_rate": 0.2, "training.final_rate": 0.5, "training.beta_1": 0.3,
        "training.second_phase_rate": 0.25, **NO_AVERAGE,
    }  # fmt: skip
    stage = tiny.build("structure", changes)
    # at the start of the player's first phase, in the middle, and at the end of the last
    expected = {"generator": [(0, 0.1), (30, 0.085), (59, 0.0705), (60, 0.25 * 0.07), (100, 0.25 * 0.05)],
                "discriminator": [(0, 0.2), (20, 0.15), (40, 0.1)]}  # fmt: skip
    for player, rates in expected.items():
        optimizer = stage.optimizers[player]
        for iteration, rate in rates:
            optimizer.iterations.assign(iteration)
            assert float(optimizer.learning_rate) == pytest.approx(rate, rel=1e-5), (player, iteration)
        assert optimizer.beta_1 == 0.3


def test_a_rate_survives_its_config():
    rate = PhaseRate(0.1, 100, 0.5, 60, 0.25)
    again = PhaseRate.from_config(rate.get_config())
    assert [float(again(step)) for step in (0, 59, 60, 200)] == [
        float(rate(step)) for step in (0, 59, 60, 200)
    ]
    assert float(PhaseRate(0.1, 100, 1.0, 0, 0.5)(50)) == pytest.approx(0.1)
