"""The affine layer that lets a decoder be fed plain unit-normal codes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.types import Tensor

JITTER = 1e-6


@keras.saving.register_keras_serializable(package="tf_medsynth")
class AffineLatent(keras.layers.Layer):
    """Unit-normal codes moved to where the encoder puts real maps: ``z -> mean + cholesky z``.

    It starts as the identity and learns nothing; `fit` sets it from the encoder's codes, `follow` moves
    it as they move. Posterior codes stand there already and must not go through it.

    Call: ``(B, D)`` to ``(B, D)`` float32.

    Deviates: from Qu et al. (thesis), whose prior-matching terms alone left plain N(0, 1) samples
        outside the decoder's domain.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the mean `(D,)` and the Cholesky factor `(D, D)`, the identity."""
        size = input_shape[-1]
        self.mean = self.add_weight(
            name="mean", shape=(size,), initializer="zeros", trainable=False, autocast=False
        )
        self.cholesky = self.add_weight(
            name="cholesky", shape=(size, size), initializer="identity", trainable=False, autocast=False
        )

    def call(self, code: Tensor) -> Tensor:
        """The moved codes, `(B, D)` float32."""
        code = ops.cast(code, "float32")
        return self.mean + ops.matmul(code, ops.transpose(self.cholesky))

    def follow(self, mean: Tensor, covariance: Tensor, rate: float) -> None:
        """Moves mean `(D,)` and covariance `(D, D)` towards these, as if they were `rate` of all codes."""
        held = ops.convert_to_tensor(self.cholesky)
        shift = mean - self.mean
        mixed = (1.0 - rate) * ops.matmul(held, ops.transpose(held)) + rate * covariance
        mixed += rate * (1.0 - rate) * shift[:, None] * shift[None, :]
        # Rounding may not leave a matrix without a root.
        lift = JITTER * ops.max(ops.abs(mixed)) * ops.eye(self.mean.shape[0])
        self.cholesky.assign(ops.cholesky(mixed + lift))
        self.mean.assign(self.mean + rate * shift)

    def fit(self, mean: Any, covariance: Any) -> None:
        """Sets the layer so that unit-normal codes get this mean `(D,)` and covariance `(D, D)`.

        Raises:
            MedSynthError: wrong shapes, values that are not finite, or a matrix that is no covariance.
        """
        mean, covariance = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
        size = self.mean.shape[0]
        check(
            f"the code has {size} values, so mean is ({size},) and covariance ({size}, {size})",
            mean.shape == (size,) and covariance.shape == (size, size),
            mean=mean.shape,
            covariance=covariance.shape,
        )
        finite = bool(np.isfinite(mean).all() and np.isfinite(covariance).all())
        check("mean and covariance must be finite", finite, "Was the encoder trained?", finite=finite)
        asymmetry = float(np.abs(covariance - covariance.T).max())
        smallest = float(np.linalg.eigvalsh((covariance + covariance.T) / 2).min())
        largest = float(np.abs(covariance).max())
        check(
            "covariance must be symmetric and have no negative eigenvalue",
            asymmetry <= 1e-5 * largest and smallest >= -1e-5 * largest,
            asymmetry=asymmetry,
            smallest_eigenvalue=smallest,
        )
        # The jitter admits covariances of fewer codes than dimensions, which are singular.
        lift = max(JITTER * largest, JITTER**2) - min(smallest, 0.0)
        factor = np.linalg.cholesky((covariance + covariance.T) / 2 + lift * np.eye(size))
        self.mean.assign(mean.astype("float32"))
        self.cholesky.assign(factor.astype("float32"))
