"""Patches of volumes: random places by seed and position, one place for all modalities and the label."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.data.draws import Draw, draw
from tf_medsynth.data.epochs import numbered, shuffled_epochs
from tf_medsynth.data.slices import SliceSource, open_source, stored_label
from tf_medsynth.types import Tensor

PATCH_DRAWS = {"patch": Draw((4,), "uniform")}
"""Whether a patch lies on the foreground, and where: z, y, x."""

Place = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class PatchSource(SliceSource):
    """Rows `(D, H, W, M * C)` cut from volumes, with their label `(D, H, W, 1)`.

    Prepared as a volumes configuration. An epoch has `each` patches of every volume, in mixed order; the
    place of a patch is drawn from seed, purpose and its index, so that it is the same wherever a run goes
    on. A volume with fewer slices than a patch is filled up with 0 behind its last.

    Attributes:
        size: D, H, W of a patch, in voxels.
        foreground: share of the patches that are centred on a labelled voxel, as near as the volume's
            edge allows; where a volume has none they lie anywhere.
        each: patches of a volume in an epoch.
        held: volumes in memory to mix patches of.
    """

    size: Place = (16, 64, 64)
    foreground: float = 0.0
    each: int = 8
    held: int = 4

    def __post_init__(self) -> None:
        whole = tuple(self.builder.info.features["images"].shape[1:3])
        check(
            "a patch lies within the rows and columns of a volume",
            min(self.size) > 0 and self.size[1] <= whole[0] and self.size[2] <= whole[1],
            size=self.size,
            volume=whole,
        )
        check("a share lies in [0, 1]", 0 <= self.foreground <= 1, foreground=self.foreground)
        check(
            "the foreground is where a label shows something",
            self.foreground == 0 or self.domain.label.kind in ("classes", "structure"),
            label=self.domain.label.kind,
        )
        check("each and held are at least 1", min(self.each, self.held) > 0, each=self.each, held=self.held)

    @classmethod
    def shown(cls, domain: Domain, shape: Sequence[int | None]) -> Domain:
        """`domain`."""
        channels = domain.image_channels
        check(
            f"patches need volumes of {', '.join(domain.modalities)} (D, H, W, {channels})",
            len(shape) == 4 and shape[-1] == channels and None not in shape[1:],
            "Prepare a volumes configuration.",
            images=shape,
        )
        check(
            "the label of a volume is a map, or there is none",
            domain.label.kind in ("classes", "structure", "none"),
            label=domain.label.kind,
        )
        return domain

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of a patch in voxels."""
        return self.size[1:]

    def of_form(self) -> tuple[Any, ...]:
        """That these are patches, and which."""
        return ("patches", self.size, self.foreground, self.each)

    def stream(self, seed: int, first: int, last: int, purpose: str) -> tf.data.Dataset:
        """Rows `first` to `last`, at least, of all epochs, each with its index."""
        passes = range(first // self.count, -(-last // self.count))
        # Repeats of a volume share its memory, so the buffer holds about `held` volumes.
        stored = self.stored().flat_map(lambda e: tf.data.Dataset.from_tensors(e).repeat(self.each))
        rows = shuffled_epochs(stored, lambda example: example, self.held * self.each, (seed,), passes)

        def cut(row: dict[str, Tensor]) -> dict[str, Tensor]:
            uniform = draw(PATCH_DRAWS, seed, row["index"][None], purpose=purpose)["patch"][0]
            return {"index": row["index"], **self.patch(row, uniform)}

        whole = numbered(rows.skip(first % self.count), first)
        return whole.map(cut, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def patch(self, example: dict[str, Tensor], uniform: Tensor) -> dict[str, Tensor]:
        """The normalised patch of a stored volume that `uniform`, `(4,)` in [0, 1), asks for."""
        shape = tf.shape(example["images"])[:3]
        room = tf.maximum(shape - self.size, 0)
        start = tf.minimum(tf.cast(uniform[1:] * tf.cast(room + 1, tf.float32), tf.int32), room)
        name = stored_label(self.domain)
        if self.foreground and name is not None:
            start = self._on_foreground(example[name][..., 0], uniform, start, room)
        end = tf.minimum(start + self.size, shape)
        part = {"images": example["images"]} | ({name: example[name]} if name else {})
        part = {n: v[start[0] : end[0], start[1] : end[1], start[2] : end[2]] for n, v in part.items()}
        made = self.normalised({**example, **part})
        missing = [[0, self.size[0] - (end[0] - start[0])], [0, 0], [0, 0], [0, 0]]
        filled = {n: tf.pad(v, missing) for n, v in made.items() if v.shape.rank == 4}
        return made | {n: tf.ensure_shape(v, (*self.size, v.shape[-1])) for n, v in filled.items()}

    def _on_foreground(self, label: Tensor, uniform: Tensor, start: Tensor, room: Tensor) -> Tensor:
        """First voxel of a patch about a labelled one, where one is asked for and there is any."""
        voxels = tf.where(label > 0)
        number = tf.shape(voxels)[0]
        wanted = (uniform[0] < self.foreground) & (number > 0)

        def about() -> Tensor:
            chosen = tf.minimum(tf.cast(uniform[1] * tf.cast(number, tf.float32), tf.int32), number - 1)
            middle = tf.cast(voxels[chosen], tf.int32)
            return tf.clip_by_value(middle - tf.constant(self.size) // 2, 0, room)

        return tf.cond(wanted, about, lambda: start)


def open_patches(
    data: str,
    data_dir: Path | str,
    split: str = "train",
    *,
    size: Place,
    foreground: float = 0.0,
    each: int = 8,
    **options: Any,
) -> PatchSource:
    """Patches of the volumes of a prepared dataset, e.g. ``brats/volumes``; see `open_source`."""
    own: dict[str, Any] = {"size": size, "foreground": foreground, "each": each}
    source = open_source(PatchSource, data, data_dir, split, **own, **options)
    return dataclasses.replace(source, count=source.count * each)
