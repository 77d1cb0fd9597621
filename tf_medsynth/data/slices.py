"""A prepared TFDS split as normalised image slices, in a fixed order."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from google.protobuf.json_format import ParseError

from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.datasets import UNLABELLED
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.records import PreparedFrom
from tf_medsynth.data.epochs import numbered, shuffled_epochs
from tf_medsynth.imaging.labels import LabelKind, label_kind
from tf_medsynth.runtime import read_record
from tf_medsynth.runtime.places import check_local
from tf_medsynth.runtime.prepared_sets import domain_of, open_prepared
from tf_medsynth.types import MedSynthError, Tensor

_INPUTS = "inputs.json"
_STATISTICS = ("intensity_min", "intensity_max", "intensity_p995", "intensity_mean")
"""Of the volume of an example whose intensities have no unit, `(M,)`."""

READ_IN_ORDER = tfds.ReadConfig(interleave_cycle_length=1, add_tfds_id=False, try_autocache=False)
"""One order, and bounded memory: TFDS would keep a dataset of up to 250 MiB whole."""


@dataclasses.dataclass(frozen=True)
class SliceSource:
    """Slices of some patients of one split.

    Attributes:
        name: dataset, config and version, e.g. ``brats/slices_96/1.0.0``.
        count: number of slices.
        domain: what the slices show, as the prepared dataset states it.
        patients: whose slices they are, sorted.
    """

    name: str
    split: str
    builder: Any
    domain: Domain
    settings: DataSettings
    patients: tuple[str, ...]
    count: int

    @classmethod
    def shown(cls, domain: Domain, shape: Sequence[int | None]) -> Domain:
        """What rows show, where stored images of `shape` show `domain`.

        Raises:
            MedSynthError: such images make no source of this form.
        """
        channels = domain.image_channels
        check(
            f"training needs 2-D slices of {', '.join(domain.modalities)} (H, W, {channels})",
            len(shape) == 3 and shape[-1] == channels and None not in shape,
            "Prepare a slices configuration.",
            images=shape,
        )
        return domain

    def stream(self, seed: int, first: int, last: int, purpose: str) -> tf.data.Dataset:
        """Rows `first` to `last`, at least, of all epochs, each with its index; see `data.batches`.

        Args:
            purpose: of whatever a row draws, see `draws.PURPOSES`.
        """
        return numbered(self.epochs((seed,), first, last), first)

    def epochs(self, seeds: tuple[int, ...], first: int, last: int) -> tf.data.Dataset:
        """Normalised rows from `first` on, of the epochs through `last`, shuffled by (seeds, epoch)."""
        passes = range(first // self.count, -(-last // self.count))
        rows = shuffled_epochs(self.stored(), self.normalised, self.settings.shuffle_buffer, seeds, passes)
        return rows.skip(first % self.count)

    @property
    def label(self) -> LabelKind:
        """How labels behave."""
        return label_kind(self.domain)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        shape = self.builder.info.features["images"].shape
        return shape[0], shape[1]

    @property
    def fingerprint(self) -> str:
        """Hexadecimal name of the slices: dataset, what it was made of, split and patients."""
        size = sum(self.builder.info.splits[part].num_bytes for part in self.split.split("+"))
        record = Path(self.builder.data_dir) / _INPUTS
        inputs = _prepared_from(record) if record.exists() else ""
        own = self.settings.to_dict()
        return fingerprint(self.name, self.split, size, inputs, self.patients, own, *self.of_form())

    def of_form(self) -> tuple[Any, ...]:
        """What of the form decides the rows, for `fingerprint`; nothing of slices as they are."""
        return ()

    def examples(self, names: bool = False) -> tf.data.Dataset:
        """Normalised `Slice`s without index, always in the same order; `names` adds ``patient``."""

        def normalised(example: dict[str, Tensor]) -> dict[str, Tensor]:
            kept_name = {"patient": example["patient"]} if names else {}
            return {**self.normalised(example), **kept_name}

        return self.stored().map(normalised, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def stored(self) -> tf.data.Dataset:
        """The examples as they are stored, which takes less memory, always in the same order."""
        raw = self.builder.as_dataset(split=self.split, shuffle_files=False, read_config=READ_IN_ORDER)
        kept = tf.constant(self.patients)
        return raw.filter(lambda example: tf.reduce_any(example["patient"] == kept))

    def owners(self) -> np.ndarray:
        """``(count,)`` str, whose slice each one is, in the stored order; reads the names only."""
        kept = set(self.patients)
        return np.array([name for name in _names(self.builder, self.split) if name in kept])

    def normalised(self, example: dict[str, Tensor]) -> dict[str, Tensor]:
        """The `Slice`, without index, of a stored example; its label as `imaging.labels` has its kind."""
        images = tf.cast(example["images"], tf.float32)
        low, high = self._bounds(example)
        unit = tf.clip_by_value((images - low) / tf.maximum(high - low, 1e-6), 0.0, 1.0)
        return {"images": unit, "lesion_label": self._label(example)}

    def _label(self, example: dict[str, Tensor]) -> Tensor:
        stored = stored_label(self.domain)
        return tf.zeros(0, tf.int32) if stored is None else tf.cast(example[stored], self.label.dtype)

    def _bounds(self, example: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The stored intensities that become 0 and 1, of each channel or of all."""
        if self.domain.intensity != "relative":
            low, high = self.domain.window or (0.0, 255.0)
            return tf.constant(low), tf.constant(high)
        if self.settings.normalisation == "minmax":
            return self._by_channel(example["intensity_min"]), self._by_channel(example["intensity_max"])
        if self.settings.normalisation == "percentile":
            high = example["intensity_p995"]
        else:
            high = tf.constant(self.settings.means_of(self.domain)) * example["intensity_mean"]
        high = self._by_channel(high)
        return tf.zeros_like(high), high

    def _by_channel(self, values: Tensor) -> Tensor:
        """Values a modality `(M,)` as values a channel `(M * C,)`."""
        return values if self.domain.channels == 1 else tf.repeat(values, self.domain.channels)


Form = TypeVar("Form", bound=SliceSource)


def stored_label(domain: Domain) -> str | None:
    """What a prepared set calls its label: ``label`` of one class an image, else ``lesion_label``."""
    return {"none": None, "plane": "label"}.get(domain.label.kind, "lesion_label")


def _prepared_from(record: Path) -> str:
    return read_record(record, PreparedFrom, "Run medsynth prepare again.")["fingerprint"]


def open_slices(
    data: str,
    data_dir: Path | str,
    split: str = "train",
    settings: DataSettings | None = None,
    folds: int = 1,
    fold: int = 0,
    patients: Sequence[str] | None = None,
) -> SliceSource:
    """The slices of `split` of a prepared dataset, e.g. ``brats/slices_96``; see `open_source`."""
    return open_source(SliceSource, data, data_dir, split, settings, folds, fold, patients)


def open_source(
    form: type[Form],
    data: str,
    data_dir: Path | str,
    split: str = "train",
    settings: DataSettings | None = None,
    folds: int = 1,
    fold: int = 0,
    patients: Sequence[str] | None = None,
    **own: Any,
) -> Form:
    """A source of some form: the examples of `split` of a prepared dataset.

    Args:
        form: `SliceSource` or a class of it.
        data: dataset name, with config, with or without version.
        data_dir: where `prepare` wrote it.
        split: a split, or several of which all slices are taken, as ``train+unlabelled``.
        patients: keep these alone; None for all.
        folds, fold: keep every `folds`-th patient of the sorted list, from the `fold`-th on.
        own: fields of the form.

    Raises:
        MedSynthError: not prepared there, no such split, no domain stated, images of another form,
            a patient in both train and test, or one asked for who is not in the split.
    """
    with _whole(data):
        builder = _builder(data, Path(data_dir))
    info = builder.info
    parts = split.split("+")
    for part in parts:
        check(
            f"{data} has no split {part!r}",
            part in info.splits and info.splits[part].num_examples > 0,
            f"Splits: {', '.join(f'{s} ({i.num_examples})' for s, i in info.splits.items())}.",
            split=split,
        )
    with _whole(data):
        stated = domain_of(builder)
    shape = info.features["images"].shape if "images" in info.features else ()
    domain, settings = form.shown(stated, shape), settings or DataSettings()
    _check_features(domain, info.features, settings)
    with _whole(data):
        by_split = {name: _patients(builder, name) for name in info.splits}
    counts = dict(sum((Counter(by_split.pop(part)) for part in parts), Counter()))
    for other, theirs in by_split.items():
        shared = sorted(set(counts) & set(theirs))
        check(
            "no patient may be in two splits",
            not shared,
            "Prepare again.",
            splits=(split, other),
            patients=shared,
        )
    unknown = sorted(set(patients or ()) - set(counts))
    check(f"split {split!r} holds the patients asked for", not unknown, unknown=unknown)
    kept = sorted(counts if patients is None else set(patients))[fold::folds]
    check("every fold needs a patient", bool(kept), patients=len(counts), folds=folds)
    count = sum(counts[p] for p in kept)
    name = f"{info.full_name}"
    return form(name, split, builder, domain, settings, tuple(kept), count, **own)


def _check_features(domain: Domain, features: Mapping[str, Any], settings: DataSettings) -> None:
    """Raises unless examples have the label of `domain`, and what normalising them needs."""
    needed = {"patient", stored_label(domain) or "patient"}
    if domain.intensity == "relative":
        needed |= set(_STATISTICS)
        if settings.normalisation == "organ_mean":
            settings.means_of(domain)
    missing = sorted(needed - set(features))
    check("slices have what their domain says", not missing, domain=domain.name, missing=missing)


def with_unlabelled(data: str, data_dir: Path | str, split: str) -> str:
    """`split` with the patients who have no label, where the dataset holds any: for what needs none."""
    with _whole(data):
        known = _builder(data, Path(data_dir)).info.splits
    return f"{split}+{UNLABELLED}" if UNLABELLED in known and split in known else split


@contextlib.contextmanager
def _whole(data: str) -> Iterator[None]:
    """Context that tells of a damaged or missing file in one line, whichever library noticed."""
    try:
        yield
    except MedSynthError:
        raise
    except (tf.errors.OpError, ParseError, OSError, ValueError, KeyError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        check(
            "a prepared dataset must be whole", False, "Run medsynth prepare again.", data=data, error=first
        )


def _builder(data: str, data_dir: Path) -> Any:
    check_local(data=data, data_dir=data_dir)
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
    return open_prepared(folder)


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdigit())


def _configurations(folder: Path) -> Sequence[str]:
    return [path.parent.parent.name for path in folder.glob("*/*/dataset_info.json")]


def _names(builder: Any, split: str) -> Iterator[str]:
    """Whose slice each one is, in the stored order; reads the names only."""
    only_names = tfds.decode.PartialDecoding({"patient": True})
    for example in builder.as_dataset(split=split, decoders=only_names, read_config=READ_IN_ORDER):
        yield example["patient"].numpy().decode()


def _patients(builder: Any, split: str) -> dict[str, int]:
    """Slices a patient."""
    return dict(Counter(_names(builder, split)))
