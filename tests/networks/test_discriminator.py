"""What the discriminators output, and what they can and cannot see."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from tf_medsynth.config.networks import CodeDiscriminatorSpec, DiscriminatorSpec
from tf_medsynth.layers import InstanceNormalization, SpectralConv2D
from tf_medsynth.networks import build_code_discriminator, build_discriminator

SPEC = DiscriminatorSpec((36, 40), 1, 4, modalities=4)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(size=(2, 36, 40, 1)).astype("float32")


def change(model: keras.Model, first: np.ndarray, second: np.ndarray) -> float:
    """Largest difference of the validity maps, relative to their largest value."""
    a, b = (ops.convert_to_numpy(model(images)["validity"]) for images in (first, second))
    return float(np.abs(a - b).max() / np.abs(a).max())


@pytest.mark.parametrize(("head", "channels"), [("logits", 4), ("index", 1)])
def test_two_patch_maps(images: np.ndarray, head: str, channels: int) -> None:
    judged = build_discriminator(dataclasses.replace(SPEC, modality_head=head))(images)
    assert {name: tuple(value.shape) for name, value in judged.items()} == {
        "validity": (2, 3, 3, 1),
        "modality": (2, 3, 3, channels),
    }


def test_no_modality_head_without_modalities(images: np.ndarray) -> None:
    assert set(build_discriminator(dataclasses.replace(SPEC, modalities=0))(images)) == {"validity"}


def test_contrast_is_visible_by_default_and_not_in_the_published_form() -> None:
    # Zero padding shows the norm a border, so the image fades to 0 there.
    window = np.hanning(36)[:, None] * np.hanning(40)[None, :]
    image = (np.random.default_rng(0).uniform(size=(1, 36, 40)) * window)[..., None].astype("float32")
    keras.utils.set_random_seed(0)
    seeing = build_discriminator(SPEC)
    blind = build_discriminator(dataclasses.replace(SPEC, first_norm=True, centre_inputs=False))
    assert change(seeing, image, 0.5 * image) > 0.05
    assert change(blind, image, 0.5 * image) < 0.005


def test_inputs_are_centred(images: np.ndarray) -> None:
    centred = build_discriminator(SPEC)
    plain = build_discriminator(dataclasses.replace(SPEC, centre_inputs=False))
    plain.set_weights(centred.get_weights())
    np.testing.assert_allclose(centred(images)["validity"], plain(2 * images - 1)["validity"], atol=1e-5)


def test_spectral_kernels_have_norm_one(images: np.ndarray) -> None:
    model = build_discriminator(dataclasses.replace(SPEC, spectral=True, normalisation="none"))
    for _ in range(60):
        model(images, training=True)
    layers = [layer for layer in model.layers if isinstance(layer, SpectralConv2D)]
    assert len(layers) == 8
    for layer in layers:
        matrix = ops.convert_to_numpy(layer.normalised_kernel()).reshape(-1, layer.filters)
        assert np.linalg.svd(matrix, compute_uv=False)[0] == pytest.approx(1.0, abs=0.05)


def test_one_hot_sees_both_channels() -> None:
    spec = DiscriminatorSpec((36, 40), 1, 4, one_hot=True)
    kernel = build_discriminator(spec).get_layer("conv0").kernel
    assert tuple(kernel.shape) == (5, 5, 2, 4)


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        (CodeDiscriminatorSpec(36, "conv", 2), (3, 3, 3, 1)),
        (CodeDiscriminatorSpec(37, "mlp", hidden=(8, 8)), (3, 1)),
    ],
    ids=["conv", "mlp"],
)
def test_code_discriminator_sees_the_scale_of_the_code(
    spec: CodeDiscriminatorSpec, shape: tuple[int, ...]
) -> None:
    model = build_code_discriminator(spec)
    assert not any(isinstance(layer, InstanceNormalization) for layer in model.layers)
    codes = np.random.default_rng(0).normal(size=(3, spec.latent_dim)).astype("float32")
    once, twice = ops.convert_to_numpy(model(codes)), ops.convert_to_numpy(model(2 * codes))
    assert once.shape == shape
    assert np.abs(once - twice).max() > 0.01
