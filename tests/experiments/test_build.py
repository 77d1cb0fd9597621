"""From settings to a stage: sizes, channels, initial weights, learning rates."""

import numpy as np
import pytest

from tests import tiny
from tf_medsynth.experiments.build import build_stage
from tf_medsynth.types import MODALITIES


def test_networks_take_the_size_of_the_images():
    size = (48, 32)
    stage = build_stage("structure", tiny.settings("structure"), tiny.OPERATORS, size, seed=0)
    for name in ("structure_encoder", "mask_generator", "structure_discriminator"):
        assert stage.networks[name].input_shape[1:3] == size, name
    assert stage.networks["structure_decoder"].output_shape[1:3] == size
    assert stage.networks["structure_decoder"].input_shape[-1] == stage.code_size
    assert stage.networks["code_discriminator"].input_shape[-1] == stage.latent_dim == 6


@pytest.mark.parametrize(("changes", "channels"), [({}, 2), ({"critic_sees": "map"}, 1)])
def test_the_critic_s_channels_follow_from_what_it_sees(changes, channels):
    stage = tiny.build("structure", changes)
    assert stage.networks["structure_discriminator"].input_shape[-1] == channels


def test_channels_of_the_generator_follow_from_the_fusion():
    def channels(mode: str) -> int:
        stage = tiny.build("multimodal", {"fusion.label_mode": mode, "generator.pixel_noise": False})
        return stage.networks["encoder"].input_shape[-1]

    assert (channels("concat"), channels("weighted")) == (6, 5)


@pytest.mark.parametrize(
    ("scheme", "count", "channels"), [("multiple", len(MODALITIES), 1), ("stacked", 1, len(MODALITIES))]
)
def test_segmentors_of_a_scheme(scheme, count, channels):
    stage = tiny.build("lesion", {"scheme": scheme})
    shapes = [network.input_shape[-1] for network in stage.networks.values()]
    assert shapes == [channels] * count


def test_the_process_s_seed_decides_the_initial_weights():
    first, again, other = (tiny.state(tiny.build("translation", seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_equal(again, first)
    assert not np.array_equal(first["translation_encoder 0"], other["translation_encoder 0"])
    assert tiny.build("translation", seed=2).seed == 2


def test_frozen_networks_belong_to_no_player():
    stage = tiny.build("multimodal")
    owned = {name for names in stage.players.values() for name in names}
    assert len(stage.networks) == 9
    for name, network in stage.networks.items():
        assert bool(network.trainable_variables) == (name in owned), name


def test_rates_fall_over_the_steps_in_which_a_player_takes_part():
    changes = {
        "training.steps": 100, "training.pretrain_steps": 60, "training.learning_rate": 0.1,
        "training.discriminator_rate": 0.2, "training.final_rate": 0.5, "training.beta_1": 0.3,
    }  # fmt: skip
    stage = tiny.build("structure", changes)
    for player, start, steps in (("generator", 0.1, 100), ("discriminator", 0.2, 40)):
        optimizer = stage.optimizers[player]
        rates = []
        for iteration in (0, steps // 2, steps):
            optimizer.iterations.assign(iteration)
            rates.append(float(optimizer.learning_rate))
        np.testing.assert_allclose(rates, [start, 0.75 * start, 0.5 * start], rtol=1e-5)
        assert optimizer.beta_1 == 0.3
    constant = tiny.build("translation", {"training.final_rate": 1.0, "training.learning_rate": 0.1})
    constant.optimizers["generator"].iterations.assign(50)
    assert float(constant.optimizers["generator"].learning_rate) == pytest.approx(0.1)
