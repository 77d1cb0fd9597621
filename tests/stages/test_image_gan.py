"""Baselines: sums over modalities by hand, and what each generator is fed."""

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny

MODALITIES = tiny.DOMAIN.modalities


@pytest.fixture(scope="module")
def gan():
    return tiny.build("gan")


@pytest.fixture(scope="module")
def skrgan():
    return tiny.build("skrgan")


def validity(*values: float) -> list[np.ndarray]:
    """A map of two by three patches a modality, two samples of which the second is right all over."""
    return [np.stack([np.full((2, 3, 1), v), np.ones((2, 3, 1))]).astype("float32") for v in values]


def test_terms_are_sums_over_modalities(skrgan):
    images = np.zeros((2, 4, 4, 4), "float32")
    drawn = images.copy()
    drawn[0, ..., 1], drawn[0, ..., 3] = 0.5, 0.2  # squared errors 0.25 and 0.04
    outputs = {
        "drawn": drawn,
        "validity_real": validity(1.0, 0.5, 0.0, 1.0),
        "validity_fake": validity(0.0, 1.0, 0.5, 0.0),
    }
    terms = {
        name: np.asarray(value)
        for player in ("generator", "discriminator")
        for name, value in skrgan.terms(player, {"images": images}, outputs).items()
    }
    np.testing.assert_allclose(terms["real"], [0.0 + 0.25 + 1.0 + 0.0, 0.0])
    np.testing.assert_allclose(terms["fake"], [0.0 + 1.0 + 0.25 + 0.0, 4.0])
    np.testing.assert_allclose(terms["adversarial"], [1.0 + 0.0 + 0.25 + 1.0, 0.0])
    np.testing.assert_allclose(terms["squared_reconstruction"], [0.29, 0.0], atol=1e-6)


def test_every_generator_sees_the_same_sketch(skrgan):
    lines = tiny.batch()["structure_map"]
    assert not skrgan.draws()
    images = np.asarray(skrgan.render(lines, {}))
    for i, name in enumerate(MODALITIES):
        alone = skrgan.best(f"generator_{name}")(1.0 - lines, training=False)
        np.testing.assert_array_equal(images[..., i], np.asarray(alone)[..., 0])


def test_every_generator_sees_noise_of_its_own(gan):
    (noise,) = gan.draws().values()
    assert (noise.shape, noise.kind) == ((*tiny.SIZE, 4), "normal")
    drawn = np.random.default_rng(0).standard_normal((2, *tiny.SIZE, 4)).astype("float32")
    images = np.asarray(gan.render(None, {"noise": drawn}))
    for i, name in enumerate(MODALITIES):
        alone = gan.best(f"generator_{name}")(drawn[..., i : i + 1], training=False)
        np.testing.assert_array_equal(images[..., i], np.asarray(alone)[..., 0])


@pytest.mark.parametrize("name", ["gan", "skrgan"])
def test_drawn_images_get_the_mean_of_real_ones_as_stage_m_gives_it(name):
    stage, batch = tiny.build(name), tiny.batch(rows=8)
    batch["images"] = 0.6 * batch["images"] + 0.05
    batches = tf.data.Dataset.from_tensors(tiny.as_tensors(batch)).repeat(2)

    def drawn() -> np.ndarray:
        return np.asarray(stage.render(batch["structure_map"], stage.drawn("calibration", batch)))

    before = np.abs(drawn().mean(axis=(0, 1, 2)) - batch["images"].mean(axis=(0, 1, 2)))
    stage.finish(batches)
    after = np.abs(drawn().mean(axis=(0, 1, 2)) - batch["images"].mean(axis=(0, 1, 2)))
    assert before.min() > 0.05 and after.max() < 0.01
    assert "calibration" in stage.fitted


def test_a_discriminator_judges_its_own_modality(gan):
    batch = tiny.as_tensors(tiny.batch())
    noise = {"noise": np.zeros((4, *tiny.SIZE, 4), "float32")}
    outputs = gan.synthesise(batch, noise, training=False)
    for i, name in enumerate(MODALITIES):
        for key, images in (("validity_real", batch["images"]), ("validity_fake", outputs["drawn"])):
            alone = gan.networks[f"discriminator_{name}"](images[..., i : i + 1], training=False)["validity"]
            np.testing.assert_allclose(outputs[key][i], alone, atol=1e-5)
