"""The U-Net in halves against the published concatenating network, and its conditions and noise."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from tf_medsynth.config.networks import UNetSpec
from tf_medsynth.networks import (
    build_mask_generator,
    build_segmentor,
    build_unet,
    build_unet_decoder,
    build_unet_encoder,
)
from tf_medsynth.types import MedSynthError, Tensor

PUBLISHED = UNetSpec(
    (16, 24),
    3,
    2,
    4,
    conditions=4,
    conditioning="concat",
    output_norm=True,
    initialiser="he",
    activation="capped_relu",
    norm_bias=True,
)
BY_NORM = UNetSpec((16, 16), 2, 1, 4, conditions=4)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(size=(2, 16, 24, 3)).astype("float32")


def randomise(model: keras.Model, seed: int) -> None:
    """Gives every weight a random value, biases and offsets included."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        scale = 0.3 if len(weight.shape) < 4 else np.sqrt(2.0 / np.prod(weight.shape[:3]))
        weight.assign(rng.normal(size=weight.shape) * scale + (weight.name == "gain"))


def published_unet(encoder: keras.Model, decoder: keras.Model, image: Tensor, condition: Tensor) -> Tensor:
    """The table word for word, with the halves' weights joined again."""

    def weights(name: str) -> list[np.ndarray]:
        model = encoder if any(layer.name == name for layer in encoder.layers) else decoder
        return model.get_layer(name).get_weights()

    def conv(x: Tensor, kernel: np.ndarray, bias: np.ndarray, strides: int = 1) -> Tensor:
        return ops.conv(x, kernel, strides=strides, padding="same") + bias

    def norm(x: Tensor, name: str) -> Tensor:
        gain, offset = weights(f"{name}_norm")
        mean, variance = ops.moments(x, (1, 2), keepdims=True)
        return gain * (x - mean) / ops.sqrt(variance + 1e-5) + offset

    def block(x: Tensor, name: str, strides: int = 1) -> Tensor:
        return ops.clip(norm(conv(x, *weights(name), strides=strides), name), 0.0, 100.0)

    def up(x: Tensor, name: str) -> Tensor:
        return block(ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2), name)

    def joined(x: Tensor, skip: Tensor, level: int) -> Tensor:
        (kernel, bias), (skip_kernel,) = weights(f"level{level}_conv3"), weights(f"level{level}_skip")
        both = np.concatenate([kernel, skip_kernel], axis=2)
        x = conv(ops.concatenate([x, skip], axis=-1), both, bias)
        x = ops.clip(norm(x, f"level{level}_conv3"), 0.0, 100.0)
        return block(x, f"level{level}_conv4")

    skips, x = [], image
    for level in range(3):
        x = block(block(x, f"level{level}_conv1"), f"level{level}_conv2")
        skips.append(x)
        if level < 2:
            x = block(x, f"level{level}_down", strides=2)
    x = conv(x, *weights("level2_down"), strides=2)
    planes = ops.tile(condition[:, None, None], [1, x.shape[1], x.shape[2], 1])
    (kernel, bias), (condition_kernel,) = weights("bottleneck"), weights("condition_share")
    both = np.concatenate([kernel, condition_kernel], axis=2)
    x = conv(ops.concatenate([x, planes], axis=-1), both, bias)
    x = ops.clip(norm(x, "bottleneck"), 0.0, 100.0)
    for level in (2, 1, 0):
        x = joined(up(x, f"level{level}_up"), skips[level], level)
    return ops.sigmoid(norm(conv(x, *weights("last")), "last"))


def test_halves_equal_the_published_network(images: np.ndarray) -> None:
    encoder, decoder = build_unet_encoder(PUBLISHED), build_unet_decoder(PUBLISHED)
    randomise(encoder, 1)
    randomise(decoder, 2)
    condition = ops.convert_to_tensor(np.eye(4, dtype="float32")[[2, 0]])
    expected = published_unet(encoder, decoder, images, condition)
    np.testing.assert_allclose(decoder([*encoder(images), condition]), expected, atol=1e-5)


def test_whole_network_has_the_halves_layers(images: np.ndarray) -> None:
    whole = build_unet(PUBLISHED)
    randomise(whole, 3)
    encoder, decoder = build_unet_encoder(PUBLISHED), build_unet_decoder(PUBLISHED)
    for layer in [*encoder.layers, *decoder.layers]:
        if layer.weights:
            layer.set_weights(whole.get_layer(layer.name).get_weights())
    condition = ops.convert_to_tensor(np.eye(4, dtype="float32")[[1, 3]])
    assert whole.count_params() == encoder.count_params() + decoder.count_params()
    np.testing.assert_allclose(
        whole([ops.convert_to_tensor(images), condition]), decoder([*encoder(images), condition]), atol=1e-6
    )


def test_condition_by_norm_changes_the_image_from_the_start() -> None:
    # The trap it avoids: planes followed by an instance norm give four equal images.
    network = build_unet(BY_NORM)
    image = np.repeat(np.random.default_rng(0).uniform(size=(1, 16, 16, 2)), 4, axis=0).astype("float32")
    drawn = ops.convert_to_numpy(network([image, np.eye(4, dtype="float32")]))
    assert min(np.abs(drawn[i] - drawn[j]).max() for i in range(4) for j in range(i)) > 1e-3


@pytest.mark.parametrize("patch", [1, 2])
def test_noise_is_silent_until_its_gain_moves(patch: int) -> None:
    size = (16 * patch, 16 * patch)
    encoder = build_unet_encoder(UNetSpec(size, 2, 1, 4, patch=patch, pixel_noise=True))
    rng = np.random.default_rng(0)
    image = ops.convert_to_tensor(rng.uniform(size=(1, *size, 2)).astype("float32"))
    noises = [ops.convert_to_tensor(rng.normal(size=(1, *size, 1)).astype("float32")) for _ in range(2)]
    first, second = (encoder([image, noise]) for noise in noises)
    np.testing.assert_array_equal(first[-1], second[-1])
    kernel = encoder.get_layer("level0_noise_gain").kernel
    kernel.assign(np.ones(kernel.shape))
    first, second = (encoder([image, noise]) for noise in noises)
    # Every pixel of the noise counts: a patch of ones sums its pixels.
    change = ops.average_pool(noises[1] - noises[0], patch, patch) * patch**2
    np.testing.assert_allclose(second[-1] - first[-1], np.tile(change, 4), atol=1e-5)
    np.testing.assert_array_equal(first[0], second[0])


def test_mean_filter_start_averages() -> None:
    encoder = build_unet_encoder(dataclasses.replace(PUBLISHED, initialiser="mean_filter"))
    for name, count in (("level0_conv1", 9), ("level0_conv2", 36), ("level0_skip", 72), ("bottleneck", 144)):
        kernel = encoder.get_layer(name).get_weights()[0]
        np.testing.assert_allclose(kernel, 1.0 / count, atol=1e-5)


def test_patches_shrink_the_grid_not_the_image() -> None:
    spec = UNetSpec((32, 16), 1, 3, 4, patch=2)
    features = build_unet_encoder(spec)(np.zeros((1, 32, 16, 1), "float32"))
    assert [tuple(f.shape[1:3]) for f in features] == [(2, 1), (4, 2), (8, 4), (16, 8)]
    assert build_unet(spec).output_shape == (None, 32, 16, 3)


def test_segmentor_and_mask_generator_refuse_foreign_specs() -> None:
    with pytest.raises(MedSynthError, match="at least 2 classes"):
        build_segmentor(UNetSpec((16, 16), 1, 1, 4))
    with pytest.raises(MedSynthError, match="as many masks as it sees maps"):
        build_mask_generator(UNetSpec((16, 16), 1, 2, 4))
    with pytest.raises(MedSynthError, match="no condition"):
        build_segmentor(dataclasses.replace(BY_NORM, out_channels=5))
