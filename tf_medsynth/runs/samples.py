"""What an audit looks at: slices with whatever is known about them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.domain import Domain
from tf_medsynth.data.mapped import stacked

Batch = Mapping[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
    """n slices of one source, in a fixed order: opened, and read when they are asked for.

    Attributes:
        name: of the source, as the user gave it.
        origin: ``generated``, ``prepared`` or ``folder``.
        domain: what they show.
        count: n.
        total: samples in the source, of which these are n.
        image_size: height and width in pixels.
        batches: reads them, a few at a time, as often as it is called. Rows of ``images`` `(b, H, W, M * C)`
            float32 in [0, 1]; ``key``, a name for each, e.g. ``BraTS2021_00495_080`` or ``00000017``;
            and, where there are such, ``lesion_label`` `(b, H, W)` uint8, index into the domain's classes;
            ``structure_map`` `(b, H, W)` uint8, 1 on a line; ``background_mask`` `(b, H, W)` uint8, 1
            OUTSIDE the organ; ``patient``, text; ``split``, text, ``train``, ``test``, ...
        splits: each split of a prepared dataset by itself.
        data_dir: where a prepared dataset lies; None for other sources.
    """

    name: str
    origin: str
    domain: Domain
    count: int
    total: int
    image_size: tuple[int, int]
    batches: Callable[[], Iterator[Batch]]
    splits: Mapping[str, Samples] = dataclasses.field(default_factory=dict)
    data_dir: Path | None = None

    def __len__(self) -> int:
        return self.count

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the M modalities."""
        return self.domain.modalities

    @functools.cached_property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All rows of `batches`, images and maps in temporary files."""
        return stacked(self.batches())

    @property
    def images(self) -> NDArray[np.float32]:
        """`(n, H, W, M * C)` in [0, 1]."""
        return self.arrays["images"]

    @property
    def keys(self) -> NDArray[np.str_]:
        """`(n,)`."""
        return self.arrays["key"]

    @property
    def lesion_label(self) -> NDArray[np.uint8] | None:
        """`(n, H, W)`; None where there is none."""
        return self.arrays.get("lesion_label")

    @property
    def structure_map(self) -> NDArray[np.uint8] | None:
        """`(n, H, W)`; None where none is stored."""
        return self.arrays.get("structure_map")

    @property
    def background_mask(self) -> NDArray[np.uint8] | None:
        """`(n, H, W)`; None where none is stored."""
        return self.arrays.get("background_mask")

    @property
    def patients(self) -> NDArray[np.str_] | None:
        """`(n,)`, whose slice each is; None for generated samples."""
        return self.arrays.get("patient")


def spread(total: int, most: int | None) -> NDArray[np.int64]:
    """At most `most` of the numbers 0 to ``total - 1``, evenly over all of them, sorted."""
    count = total if most is None else min(most, total)
    return np.linspace(0, total - 1, count).astype(np.int64)
