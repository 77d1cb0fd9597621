"""What an audit looks at: slices with whatever is known about them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.types import MODALITIES


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
    """n slices of one source, in a fixed order.

    Attributes:
        name: of the source, as the user gave it.
        origin: ``generated``, ``prepared`` or ``folder``.
        images: `(n, H, W, M)` float32 in [0, 1].
        keys: `(n,)` text, a name for each sample, e.g. ``BraTS2021_00495_080`` or ``00000017``.
        modalities: names of the M channels.
        total: samples in the source, of which these are n.
        lesion_label: `(n, H, W)` uint8, index into `LESION_CLASSES`; None where there is none.
        structure_map: `(n, H, W)` uint8, 1 on a line; None where none is stored.
        background_mask: `(n, H, W)` uint8, 1 OUTSIDE the organ; None where none is stored.
        patients: `(n,)` text, whose slice it is; None for generated samples.
        splits: `(n,)` text, ``train``, ``test``, ...; None where the source has no splits.
        data_dir: where a prepared dataset lies; None for other sources.
    """

    name: str
    origin: str
    images: NDArray[np.float32]
    keys: NDArray[np.str_]
    modalities: tuple[str, ...] = MODALITIES
    total: int = 0
    lesion_label: NDArray[np.uint8] | None = None
    structure_map: NDArray[np.uint8] | None = None
    background_mask: NDArray[np.uint8] | None = None
    patients: NDArray[np.str_] | None = None
    splits: NDArray[np.str_] | None = None
    data_dir: Path | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images.shape[1], self.images.shape[2]

    def take(self, rows: NDArray) -> Samples:
        """The samples of these `rows`, integers or a mask."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        kept = {name: v[rows] if isinstance(v, np.ndarray) else v for name, v in fields.items()}
        return Samples(**kept)


def spread(total: int, most: int | None) -> NDArray[np.int64]:
    """At most `most` of the numbers 0 to ``total - 1``, evenly over all of them, sorted."""
    count = total if most is None else min(most, total)
    return np.linspace(0, total - 1, count).astype(np.int64)
