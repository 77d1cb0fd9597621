"""The affine prior: identity until fitted, then the fitted moments, and only honest moments."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from tf_medsynth.layers import AffineLatent
from tf_medsynth.types import MedSynthError


@pytest.fixture
def layer() -> AffineLatent:
    layer = AffineLatent()
    layer.build((None, 3))
    return layer


def covariance() -> np.ndarray:
    factor = np.random.default_rng(3).normal(size=(3, 3))
    return factor @ factor.T


def test_starts_as_the_identity(layer: AffineLatent) -> None:
    codes = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    np.testing.assert_allclose(ops.convert_to_numpy(layer(codes)), codes, atol=1e-6)


def test_unit_normal_codes_get_the_fitted_moments(layer: AffineLatent) -> None:
    mean = np.array([1.0, -2.0, 0.5])
    layer.fit(mean, covariance())
    # A sample whose own moments are exactly 0 and 1, so that the comparison has no sampling error.
    z = np.random.default_rng(0).normal(size=(50, 3))
    z = (z - z.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T))).T
    codes = ops.convert_to_numpy(layer(z.astype("float32")))
    np.testing.assert_allclose(codes.mean(0), mean, atol=1e-4)
    np.testing.assert_allclose(np.cov(codes.T), covariance(), atol=1e-3)


def test_it_follows_codes_by_a_share(layer: AffineLatent) -> None:
    layer.follow(ops.array([2.0, 0.0, 0.0]), 3.0 * ops.eye(3), 0.25)
    np.testing.assert_allclose(layer.mean, [0.5, 0.0, 0.0], rtol=1e-6)
    factor = ops.convert_to_numpy(layer.cholesky)
    # 3 of 4 parts variance 1, 1 part variance 3; and 3/16 of the squared distance 4 of their means
    np.testing.assert_allclose(factor @ factor.T, np.diag([1.5 + 0.75, 1.5, 1.5]), atol=1e-4)


def test_nothing_is_trainable(layer: AffineLatent) -> None:
    assert not layer.trainable_weights and len(layer.non_trainable_weights) == 2


def test_singular_covariance_of_few_codes_is_accepted(layer: AffineLatent) -> None:
    direction = np.array([1.0, 2.0, -1.0])
    layer.fit(np.zeros(3), np.outer(direction, direction))
    codes = ops.convert_to_numpy(layer(np.random.default_rng(0).normal(size=(50, 3)).astype("float32")))
    np.testing.assert_allclose(np.cross(codes, direction), 0.0, atol=0.05)


@pytest.mark.parametrize(
    ("mean", "matrix", "message"),
    [
        (np.zeros(2), np.eye(3), "the code has 3 values"),
        (np.zeros(3), np.full((3, 3), np.nan), "finite"),
        (np.zeros(3), np.diag([1.0, 1.0, -1.0]), "no negative eigenvalue"),
        (np.zeros(3), np.triu(np.ones((3, 3))), "symmetric"),
    ],
)
def test_refuses_what_is_no_covariance(
    layer: AffineLatent, mean: np.ndarray, matrix: np.ndarray, message: str
) -> None:
    with pytest.raises(MedSynthError, match=message):
        layer.fit(mean, matrix)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.cholesky), np.eye(3))
