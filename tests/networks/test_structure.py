"""Encoder, decoder and prior of structure maps: the parts of the code and where they act."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from keras import ops

from tf_medsynth.config.networks import StructureVAESpec
from tf_medsynth.networks import build_affine_prior, build_structure_decoder, build_structure_encoder

PLAIN = StructureVAESpec((32, 48), latent_dim=6, base_filters=4, patch=2)
DETAILED = dataclasses.replace(PLAIN, spatial_noise=((8, 2), (4, 1)))


@pytest.fixture
def maps() -> np.ndarray:
    return (np.random.default_rng(0).uniform(size=(3, 32, 48, 1)) > 0.8).astype("float32")


def codes(spec: StructureVAESpec, count: int = 2) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, spec.code_size)).astype("float32")


def test_code_size_counts_every_part() -> None:
    assert PLAIN.code_size == 6
    assert DETAILED.code_parts == (6, 4 * 6 * 2, 8 * 12)


@pytest.mark.parametrize("spec", [PLAIN, DETAILED], ids=["plain", "detailed"])
def test_decoder_takes_what_the_encoder_gives(spec: StructureVAESpec, maps: np.ndarray) -> None:
    z_mean, z_logvar = build_structure_encoder(spec)(maps)
    assert z_mean.shape == z_logvar.shape == (3, spec.code_size)
    drawn = ops.convert_to_numpy(build_structure_decoder(spec)(z_mean))
    assert drawn.shape == maps.shape
    assert drawn.min() >= 0.0 and drawn.max() <= 1.0


def test_inferred_detail_stays_in_its_cell(maps: np.ndarray) -> None:
    # Stride 4, row 2, column 8 of the finest part sees a neighbourhood, not the far corner.
    encoder = build_structure_encoder(DETAILED)
    altered = maps.copy()
    altered[:, :2, :2] = 1.0 - altered[:, :2, :2]
    start = sum(DETAILED.code_parts[:2])
    before, after = (
        ops.convert_to_numpy(encoder(m)[0])[:, start:].reshape(3, 8, 12) for m in (maps, altered)
    )
    assert np.abs(before - after)[:, 0, 0].max() > 1e-4
    np.testing.assert_array_equal(before[:, 4:, 6:], after[:, 4:, 6:])


def test_detail_is_drawn_where_it_stands() -> None:
    decoder = build_structure_decoder(DETAILED)
    code = codes(DETAILED, 1)
    altered = code.copy()
    altered[0, sum(DETAILED.code_parts[:2])] += 3.0  # the finest part's first cell: the top left corner
    difference = np.abs(ops.convert_to_numpy(decoder(altered) - decoder(code)))[0, ..., 0]
    assert difference[:4, :4].max() > 1e-4
    assert difference[20:, 30:].max() == 0.0


def test_without_spatial_posterior_the_prior_stands_in(maps: np.ndarray) -> None:
    encoder = build_structure_encoder(dataclasses.replace(DETAILED, spatial_posterior=False))
    z_mean, z_logvar = (ops.convert_to_numpy(moment) for moment in encoder(maps))
    assert z_mean.shape == (3, DETAILED.code_size)
    assert np.abs(z_mean[:, :6]).min() > 0.0
    np.testing.assert_array_equal(z_mean[:, 6:], 0.0)
    np.testing.assert_array_equal(z_logvar[:, 6:], 0.0)


def test_maps_are_coded_at_the_size_that_is_asked_for(maps: np.ndarray) -> None:
    size = {"image_size": (23, 18), "working_size": (32, 48)}
    spec, inner = dataclasses.replace(DETAILED, **size), dataclasses.replace(DETAILED, image_size=(32, 48))
    assert spec.code_parts == inner.code_parts
    small = maps[:, 4:27, 4:22]
    rows, columns = (((2 * np.arange(n) + 1) * m) // (2 * n) for n, m in ((32, 23), (48, 18)))
    encoders = build_structure_encoder(spec), build_structure_encoder(inner)
    encoders[1].set_weights(encoders[0].get_weights())
    enlarged = small[:, rows][:, :, columns]
    np.testing.assert_allclose(encoders[0](small)[0], encoders[1](enlarged)[0], rtol=1e-4, atol=1e-5)
    decoders = build_structure_decoder(spec), build_structure_decoder(inner)
    decoders[1].set_weights(decoders[0].get_weights())
    rows, columns = (((2 * np.arange(n) + 1) * m) // (2 * n) for n, m in ((23, 32), (18, 48)))
    drawn, whole = (ops.convert_to_numpy(decoder(codes(spec))) for decoder in decoders)
    assert drawn.shape == (2, 23, 18, 1)
    np.testing.assert_allclose(drawn, whole[:, rows][:, :, columns], rtol=1e-5, atol=1e-6)


def test_decoder_of_pairs_draws_one_map() -> None:
    spec = dataclasses.replace(PLAIN, one_hot=True)
    decoder = build_structure_decoder(spec)
    assert decoder.get_layer("last").kernel.shape[-1] == 2 * 2 * 2
    assert decoder.output_shape == (None, 32, 48, 1)


def test_prior_is_the_identity_until_fitted() -> None:
    prior = build_affine_prior(6)
    z = codes(PLAIN)
    np.testing.assert_allclose(prior(z), z, atol=1e-6)
    prior.get_layer("affine").fit(np.ones(6), 4.0 * np.eye(6))
    np.testing.assert_allclose(prior(z), 1.0 + 2.0 * z, atol=1e-4)
