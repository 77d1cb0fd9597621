"""Unpaired draws: each modality of a row is of another sample, as where no patient was scanned twice."""

from __future__ import annotations

import dataclasses
import zlib
from typing import Any

import tensorflow as tf

from tf_medsynth.data.epochs import numbered
from tf_medsynth.data.slices import SliceSource
from tf_medsynth.types import Tensor


@dataclasses.dataclass(frozen=True)
class UnpairedSource(SliceSource):
    """Rows whose modality m is that of a sample of its own, with the label of that sample.

    Each modality passes through all samples in an order of its own, drawn from seed and purpose.
    ``images`` are `(H, W, M * C)` as ever; ``lesion_label`` has a leading M: `(M, H, W, 1)` of maps.
    """

    def of_form(self) -> tuple[Any, ...]:
        """That these are unpaired."""
        return ("unpaired",)

    def stream(self, seed: int, first: int, last: int, purpose: str) -> tf.data.Dataset:
        """Rows `first` to `last`, at least, of all epochs, each with its index."""
        orders = [zlib.crc32(f"{purpose}: unpaired {name}".encode()) for name in self.domain.modalities]
        streams = tuple(self.epochs((seed, order), first, last) for order in orders)
        return numbered(tf.data.Dataset.zip(streams).map(self._row), first)

    def _row(self, *samples: dict[str, Tensor]) -> dict[str, Tensor]:
        channels = self.domain.channels
        parts = [s["images"][..., m * channels : (m + 1) * channels] for m, s in enumerate(samples)]
        labels = tf.stack([sample["lesion_label"] for sample in samples])
        return {"images": tf.concat(parts, axis=-1), "lesion_label": labels}
