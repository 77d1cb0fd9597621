"""Stage S: the prior, the drawing of maps, and gradients through the structure-map operator."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import tiny
from tf_medsynth.imaging.edges import structure_map


@pytest.fixture(scope="module")
def stage():
    return tiny.build("structure")


@pytest.fixture(scope="module")
def batch():
    return tiny.batch(rows=4)


def dataset(count: int) -> tf.data.Dataset:
    rng = np.random.default_rng(0)
    maps = (rng.random((count, 4, *tiny.SIZE, 1)) < 0.3).astype("float32")
    return tf.data.Dataset.from_tensor_slices({"structure_map": maps})


def test_the_prior_gets_the_moments_of_the_codes_of_real_maps(stage):
    stage.begin("adversarial", dataset(5))
    maps = np.concatenate([batch["structure_map"] for batch in dataset(5).as_numpy_iterator()])
    mean, logvar = (np.asarray(x)[:, : stage.latent_dim] for x in stage.networks["structure_encoder"](maps))
    covariance = np.cov(mean.astype("float64"), rowvar=False) + np.diag(np.exp(logvar).mean(0))
    prior = stage.networks["prior"].get_layer("affine")
    np.testing.assert_allclose(prior.mean, mean.mean(0), rtol=1e-4, atol=1e-6)
    factor = np.asarray(prior.cholesky, "float64")
    np.testing.assert_allclose(factor @ factor.T, covariance, rtol=1e-4, atol=1e-5)


def test_only_the_global_part_of_a_code_goes_through_the_prior(stage):
    z = np.random.default_rng(1).normal(size=(3, stage.code_size)).astype("float32")
    stage.networks["prior"].get_layer("affine").fit(np.full(6, 2.0), np.diag(np.full(6, 9.0)))
    code = np.asarray(stage.code_of(z))
    np.testing.assert_allclose(code[:, :6], 2.0 + 3.0 * z[:, :6], rtol=1e-4)
    assert stage.code_size > 6 and np.array_equal(code[:, 6:], z[:, 6:])


def test_the_prior_follows_the_encoder_while_maps_are_drawn(stage, batch):
    layer = stage.networks["prior"].get_layer("affine")
    layer.fit(np.zeros(6), np.eye(6))
    stage.train_step(tiny.as_tensors(batch))
    mean, logvar = (np.asarray(x)[:, :6] for x in stage.networks["structure_encoder"](batch["structure_map"]))
    centre, share = mean.mean(0), 1 / 40
    np.testing.assert_allclose(layer.mean, share * centre, rtol=1e-4, atol=1e-7)
    covariance = (1 - share) * np.eye(6) + share * (
        np.cov(mean.T, bias=True) + np.diag(np.exp(logvar).mean(0))
    )
    covariance += share * (1 - share) * np.outer(centre, centre)
    factor = np.asarray(layer.cholesky)
    np.testing.assert_allclose(factor @ factor.T, covariance, rtol=1e-4, atol=1e-5)


def test_a_standard_prior_is_unit_normal(batch):
    stage = tiny.build("structure", {"prior": "standard"})
    z = np.random.default_rng(1).normal(size=(4, stage.code_size)).astype("float32")
    assert "prior" not in stage.networks and np.array_equal(stage.code_of(z), z)
    stage.begin("adversarial", dataset(1))
    stage.finish(dataset(1))
    seen = stage.synthesise(batch, {"prior": z, "posterior": 0 * z}, training=False)["code_prior"]
    judge = stage.networks["code_discriminator"]
    np.testing.assert_allclose(seen, judge(z[:, : stage.latent_dim]), rtol=1e-4, atol=1e-6)  # eq. 8


def test_autoencoding_needs_no_prior_yet(stage):
    before = np.asarray(stage.networks["prior"].get_layer("affine").mean)
    stage.begin("autoencode", dataset(1))
    assert np.array_equal(before, stage.networks["prior"].get_layer("affine").mean)
    stage.finish(dataset(2))  # the prior was followed in the second phase
    assert np.array_equal(before, stage.networks["prior"].get_layer("affine").mean)
    stage.phase = "autoencode"
    stage.finish(dataset(2))
    stage.phase = "adversarial"
    assert not np.array_equal(before, stage.networks["prior"].get_layer("affine").mean)


def test_maps_and_masks_are_binary_and_maps_are_the_edges_of_the_drawing(stage):
    z = np.random.default_rng(2).normal(size=(3, stage.code_size)).astype("float32")
    drawn = {name: np.asarray(value) for name, value in stage.draw_maps(z).items()}
    for name in ("structure_map", "background_mask"):
        assert drawn[name].shape == (3, 32, 32, 1) and set(np.unique(drawn[name])) <= {0.0, 1.0}
    edges = np.asarray(structure_map(drawn["drawing"], tiny.OPERATORS.structure))
    np.testing.assert_array_equal(drawn["structure_map"], edges)
    sharp = np.asarray(stage._lines(drawn["drawing"], sharp=True))
    np.testing.assert_array_equal(sharp, edges)
    soft = np.round(np.asarray(stage._lines(drawn["drawing"], sharp=False)))
    assert (soft >= edges).all() and soft.sum() > edges.sum()  # what rounding would have added


def test_sharp_lines_are_binary_with_the_gradient_of_the_soft(stage):
    drawing = tf.constant(np.random.default_rng(3).random((2, 32, 32, 1)).astype("float32"))
    gradients = []
    for sharp in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(drawing)
            lines = stage._lines(drawing, sharp=sharp)
            total = tf.reduce_sum(lines * tf.linspace(0.0, 1.0, 32)[:, None])
        gradients.append(tape.gradient(total, drawing).numpy())
    assert set(np.unique(lines)) <= {0.0, 1.0}
    np.testing.assert_array_equal(*gradients)
    assert np.abs(gradients[0]).max() > 0


def test_inside_the_lesion_a_map_may_be_anything(stage, batch):
    stage.phase = "autoencode"
    draws = {"posterior": keras.ops.zeros((4, stage.code_size))}
    outputs = stage.synthesise(batch, draws, training=False)
    everywhere = {**batch, "lesion_label": np.ones_like(batch["lesion_label"])}
    terms = stage.terms("generator", everywhere, outputs)
    assert not np.asarray(terms["line_cross_entropy"]).any() and not np.asarray(terms["anatomy"]).any()
    assert np.asarray(terms["mask"]).all()
    stage.phase = "adversarial"


def test_the_map_discriminator_sees_nothing_where_a_lesion_lies(stage, batch):
    draws = {name: keras.ops.ones((4, stage.code_size)) for name in ("prior", "posterior")}
    inside = batch["lesion_label"] > 0
    other = {**batch, "anatomy": np.where(inside, 1.0 - batch["anatomy"], batch["anatomy"])}
    one, two = (stage.synthesise(b, draws, training=False) for b in (batch, other))
    np.testing.assert_array_equal(one["validity_real"], two["validity_real"])
    drawing = np.random.default_rng(4).random(inside.shape).astype("float32")
    shown = np.asarray(stage._seen(stage._lines(drawing, sharp=True), drawing, 1.0 - inside))
    # Real maps have no lines there, so a drawn map must not be known by those it has.
    assert not shown[np.repeat(inside, 2, -1)].any() and shown[..., 1:][~inside].min() > 0


def test_the_published_decoder_draws_lines_itself(batch):
    stage = tiny.build("structure", {"drawing": "lines", "critic_sees": "map", "weights.anatomy": 0.0})
    assert stage.networks["structure_discriminator"].input_shape[-1] == 1
    logs = {name: float(value) for name, value in stage.train_step(tiny.as_tensors(batch)).items()}
    assert all(np.isfinite(value) for value in logs.values()) and logs["anatomy"] == 0.0
    z = np.zeros((2, stage.code_size), "float32")
    drawn = stage.draw_maps(z)
    assert np.array_equal(drawn["structure_map"], np.round(drawn["drawing"]))
