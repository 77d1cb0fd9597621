"""No label: nothing is given to the generator, nothing is asked of its images."""

from __future__ import annotations

import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.imaging.labels.kind import LabelKind
from tf_medsynth.imaging.labels.palette import Colour
from tf_medsynth.types import Tensor


class NoLabel(LabelKind):
    """A batch's label is `(B, 0)`: it says how many samples there are, and no more."""

    follows_map = True

    @property
    def regions(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def colours(self) -> dict[str, Colour]:
        """None."""
        return {}

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """`(0,)`."""
        return (0,)

    def feature(self, height: int, width: int) -> None:
        """None: nothing is stored."""

    def codes(self, label: Tensor, height: int, width: int) -> Tensor:
        """0 everywhere."""
        return ops.zeros((ops.shape(label)[0], height, width, 1), dtype="int32")

    def shown(self, label: Tensor) -> Tensor:
        """False."""
        return ops.zeros((ops.shape(label)[0],), dtype="bool")

    def planes(self, label: Tensor, height: int, width: int) -> Tensor:
        """`(B, H, W, 0)` float32."""
        return ops.zeros((ops.shape(label)[0], height, width, 0), dtype="float32")

    def of_map(self, structure_map: Tensor, background_mask: Tensor) -> Tensor:
        """`(B, 0)` int32: any map goes without."""
        return ops.zeros((ops.shape(structure_map)[0], 0), dtype="int32")

    def pictures(
        self, labels: ArrayLike, height: int, width: int, under: ArrayLike | None = None
    ) -> list[NDArray[np.uint8]]:
        """None: there is nothing to show."""
        return []

    def _places(self, label: ArrayLike, height: int, width: int) -> dict[str, NDArray[np.bool_]]:
        return {}
