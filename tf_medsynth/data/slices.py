"""A prepared TFDS split as normalised image slices, in a fixed order."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds

from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.data import DataSettings
from tf_medsynth.types import MODALITIES, Tensor

# Of each modality: about what lies between the organ's mean and its 99.5th percentile in 12 patients.
_MEANS_IN_RANGE = (1.5, 2.6, 2.1, 2.1)
_READ_IN_ORDER = tfds.ReadConfig(interleave_cycle_length=1, add_tfds_id=False)


@dataclasses.dataclass(frozen=True)
class SliceSource:
    """Slices of some patients of one split.

    Attributes:
        name: dataset, config and version, e.g. ``brats/slices_96/1.0.0``.
        count: number of slices.
        patients: whose slices they are, sorted.
    """

    name: str
    split: str
    builder: Any
    settings: DataSettings
    patients: tuple[str, ...]
    count: int

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        shape = self.builder.info.features["images"].shape
        return shape[0], shape[1]

    @property
    def fingerprint(self) -> str:
        """Hexadecimal name of the slices: dataset, its files' sizes, split and patients."""
        info = self.builder.info.splits[self.split]
        return fingerprint(self.name, self.split, info.num_bytes, self.patients, self.settings.to_dict())

    def examples(self, names: bool = False) -> tf.data.Dataset:
        """Normalised `Slice`s without index, always in the same order; `names` adds ``patient``."""
        raw = self.builder.as_dataset(split=self.split, shuffle_files=False, read_config=_READ_IN_ORDER)
        kept = tf.constant(self.patients)
        chosen = raw.filter(lambda example: tf.reduce_any(example["patient"] == kept))

        def normalised(example: dict[str, Tensor]) -> dict[str, Tensor]:
            kept_name = {"patient": example["patient"]} if names else {}
            return {**self._normalised(example), **kept_name}

        return chosen.map(normalised, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def _normalised(self, example: dict[str, Tensor]) -> dict[str, Tensor]:
        images = tf.cast(example["images"], tf.float32)
        low, high = self._bounds(example)
        unit = tf.clip_by_value((images - low) / tf.maximum(high - low, 1e-6), 0.0, 1.0)
        return {"images": unit, "lesion_label": tf.cast(example["lesion_label"], tf.int32)}

    def _bounds(self, example: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The stored intensities that become 0 and 1, each ``(M,)``."""
        if self.settings.normalisation == "minmax":
            return example["intensity_min"], example["intensity_max"]
        if self.settings.normalisation == "percentile":
            high = example["intensity_p995"]
        else:
            high = tf.constant(_MEANS_IN_RANGE) * example["intensity_mean"]
        return tf.zeros_like(high), high


def open_slices(
    data: str,
    data_dir: Path | str,
    split: str = "train",
    settings: DataSettings | None = None,
    folds: int = 1,
    fold: int = 0,
) -> SliceSource:
    """The slices of `split` of a prepared dataset, e.g. ``brats/slices_96``.

    Args:
        data: dataset name, with config, with or without version.
        data_dir: where `prepare` wrote it.
        folds, fold: keep every `folds`-th patient of the sorted list, from the `fold`-th on.

    Raises:
        MedSynthError: not prepared there, no such split, not 2-D slices of the known modalities,
            a patient in both train and test.
    """
    builder = _builder(data, Path(data_dir))
    info = builder.info
    check(
        f"{data} has no split {split!r}",
        split in info.splits and info.splits[split].num_examples > 0,
        f"Splits: {', '.join(f'{s} ({i.num_examples})' for s, i in info.splits.items())}.",
        split=split,
    )
    shape: tuple[int | None, ...] = info.features["images"].shape if "images" in info.features else ()
    check(
        f"training needs 2-D slices of {len(MODALITIES)} modalities (H, W, {len(MODALITIES)})",
        len(shape) == 3 and shape[-1] == len(MODALITIES) and None not in shape,
        "Prepare a slices configuration.",
        images=shape,
    )
    counts = _patients(builder, split)
    for other in set(info.splits) - {split}:
        shared = sorted(set(counts) & set(_patients(builder, other)))
        check(
            "no patient may be in two splits",
            not shared,
            "Prepare again.",
            splits=(split, other),
            patients=shared,
        )
    kept = sorted(counts)[fold::folds]
    check("every fold needs a patient", bool(kept), patients=len(counts), folds=folds)
    count = sum(counts[p] for p in kept)
    name = f"{info.full_name}"
    return SliceSource(name, split, builder, settings or DataSettings(), tuple(kept), count)


def _builder(data: str, data_dir: Path) -> Any:
    folder = data_dir / data
    check("no such prepared dataset", folder.is_dir(), "Run medsynth prepare first.", folder=str(folder))
    if not (folder / "dataset_info.json").exists():
        versions = [p.parent for p in folder.glob("*/dataset_info.json") if p.parent.name[:1].isdigit()]
        check(
            "a dataset name ends in its configuration",
            bool(versions),
            f"Configurations there: {', '.join(sorted(_configurations(folder))) or 'none'}.",
            data=data,
        )
        folder = max(versions, key=lambda path: _version(path.name))
    return tfds.builder_from_directory(folder)


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdigit())


def _configurations(folder: Path) -> Sequence[str]:
    return [path.parent.parent.name for path in folder.glob("*/*/dataset_info.json")]


def _patients(builder: Any, split: str) -> dict[str, int]:
    """Slices a patient; reads the names only."""
    only_names = tfds.decode.PartialDecoding({"patient": True})
    counts: dict[str, int] = {}
    for example in builder.as_dataset(split=split, decoders=only_names, read_config=_READ_IN_ORDER):
        name = example["patient"].numpy().decode()
        counts[name] = counts.get(name, 0) + 1
    return counts
