"""One class an image, as a diagnosis is: constant planes for the generator, no place in the image."""

from __future__ import annotations

import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.imaging.labels.kind import LabelFeature, LabelKind
from tf_medsynth.imaging.labels.palette import PALETTE, Colour, Picture, grey, over
from tf_medsynth.types import Tensor

_FRAME = 16
"""Pictures have a frame in the class's colour, of one part in so many of the shorter side."""


class ClassPlane(LabelKind):
    """Labels `(B,)`: the code of the image's class. Every code is a class, 0 as well."""

    @property
    def regions(self) -> tuple[str, ...]:
        """Each class, of which an image has one."""
        return self.classes

    @property
    def colours(self) -> dict[str, Colour]:
        """Of each class, 0 as well."""
        return {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(self.classes)}

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """`()`."""
        return ()

    def feature(self, height: int, width: int) -> LabelFeature:
        """A class label."""
        return LabelFeature((), "int64", self.num_classes, "class code of the whole image")

    def codes(self, label: Tensor, height: int, width: int) -> Tensor:
        """The same code in every pixel, `(B, H, W, 1)` int32."""
        code = ops.cast(label, "int32")[:, None, None, None]
        return ops.broadcast_to(code, (ops.shape(code)[0], height, width, 1))

    def shown(self, label: Tensor) -> Tensor:
        """True: an image is always of some class."""
        return ops.ones((ops.shape(label)[0],), dtype="bool")

    def inside(self, label: Tensor, height: int, width: int) -> Tensor:
        """0 everywhere: no pixel is labelled more than another."""
        return ops.zeros((ops.shape(label)[0], height, width, 1), dtype="float32")

    def pictures(
        self, labels: ArrayLike, height: int, width: int, under: ArrayLike | None = None
    ) -> list[Picture]:
        """Each image in a frame of its class's colour, `(H, W, 3)` uint8.

        Args:
            labels: `(n,)`.
            under: `(n, H, W)` in [0, 1]; None for black.
        """
        codes = np.asarray(labels)
        known = codes.ndim == 1 and bool(((codes >= 0) & (codes < self.num_classes)).all())
        check(f"labels must be codes 0 to {self.num_classes - 1}, one an image", known, shape=codes.shape)
        edge = max(1, min(height, width) // _FRAME)
        frame = np.ones((height, width), np.int64)
        frame[edge : height - edge, edge : width - edge] = 0
        framed = (codes[:, None, None] + 1) * frame
        return over(framed, grey(under, framed.shape), opaque=True)

    def _places(self, label: ArrayLike, height: int, width: int) -> dict[str, NDArray[np.bool_]]:
        code = int(np.asarray(label))
        return {name: np.full((height, width), k == code) for k, name in enumerate(self.classes)}
