"""Any set as `Samples`: a generated set, a prepared dataset, a run, or anyone's folder of volumes."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.datasets import UNLABELLED
from tf_medsynth.config.records import Whereabouts
from tf_medsynth.data.slices import READ_IN_ORDER, SliceSource, open_slices
from tf_medsynth.runs.folders import read_folder
from tf_medsynth.runs.published import DATASET, open_published
from tf_medsynth.runs.samples import Batch, Samples, spread
from tf_medsynth.runtime.prepared_sets import domain_of

_BATCH = 32
_AHEAD = 2


def read_samples(
    target: Path | str,
    *,
    data_dir: Path | str | None = None,
    size: tuple[int, int] | None = None,
    most: int | None = None,
    settings: DataSettings | None = None,
) -> Samples:
    """The slices of `target`, at most `most` of them, evenly spread over the whole of it.

    They are opened and counted here, and read when they are asked for.

    Args:
        target: a data_dir that `generate` wrote; a folder it wrote as volumes; a run, for the set
            that was generated from it last; anyone's folder of patients in a published layout; or,
            with `data_dir`, a prepared dataset such as ``brats/slices_96``, of which
            ``brats/slices_96:test`` is one split.
        data_dir: where `prepare` wrote.
        size: rows and columns wanted. Volumes of a folder are cut and resized to it as the
            dataset's builder does; whatever has its own size must have this one.
        most: None reads all.
        settings: how stored intensities of a prepared dataset become images; other sources have their own.

    Raises:
        MedSynthError: nothing there, a damaged file, no such split, another image size.
    """
    check("most must be at least 1", most is None or most >= 1, most=most)
    if data_dir is not None:
        samples = _prepared(str(target), Path(data_dir), most, settings)
    else:
        folder = generated_set(target) or Path(target)
        check(
            "a target is a folder, or with --data-dir the name of a prepared dataset",
            folder.is_dir(),
            "Give the folder, or add --data-dir DIR.",
            target=str(target),
        )
        tfds_set = (folder / DATASET).is_dir()
        samples = _generated(folder, most) if tfds_set else read_folder(folder, size, most)
    check(
        "all sets of an audit have one image size",
        size is None or samples.image_size == size,
        "Prepare or generate the one at the size of the other.",
        target=str(target),
        size=samples.image_size,
        wanted=size,
    )
    return samples


def generated_set(target: Path | str) -> Path | None:
    """Folder of the generated set that `target` is, or, where it is a run, that it made last."""
    folder = Path(target)
    note = folder / "generated.json"
    if note.is_file():
        return Path(runtime.read_record(note, Whereabouts, "Run medsynth generate again.")["out"])
    return folder if (folder / DATASET).is_dir() or (folder / "summary.json").is_file() else None


def _generated(folder: Path, most: int | None) -> Samples:
    with _whole(folder):
        builder = open_published(folder)
        total = builder.info.splits["train"].num_examples
        rows, columns = builder.info.features["images"].shape[:2]
        domain = domain_of(builder)
    wanted = spread(total, most)

    def batches() -> Iterator[Batch]:
        with _whole(folder):
            stored = builder.as_dataset(split="train", read_config=READ_IN_ORDER)
            for batch in _picked(stored, wanted, total, f"reading {folder.name}"):
                maps = ("lesion_label", "structure_map", "background_mask")
                yield {
                    "images": batch["images"],
                    "key": np.array([f"{index:08d}" for index in batch["sample_index"]]),
                    **{name: batch[name][..., 0].astype(np.uint8) for name in maps if name in batch},
                }

    return Samples(str(folder), "generated", domain, len(wanted), total, (rows, columns), batches)


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """Context that tells of a damaged or missing file in one line, whichever library noticed."""
    try:
        yield
    except (tf.errors.OpError, OSError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        check(
            "a generated set must be whole",
            False,
            "Run medsynth generate again.",
            folder=folder,
            error=reason,
        )


def _prepared(target: str, data_dir: Path, most: int | None, settings: DataSettings | None) -> Samples:
    data, _, split = target.partition(":")
    first = open_slices(data, data_dir, split or "train", settings)
    labelled = {n: i for n, i in first.builder.info.splits.items() if n != UNLABELLED}
    names = [split] if split else [name for name, i in labelled.items() if i.num_examples]
    sources = [first if n == first.split else open_slices(data, data_dir, n, settings) for n in names]
    ends = np.cumsum([0, *(source.count for source in sources)])
    rows = spread(int(ends[-1]), most)
    parts = {
        source.split: _of_split(source, rows[(rows >= start) & (rows < stop)] - start, data_dir)
        for source, start, stop in zip(sources, ends[:-1], ends[1:], strict=True)
    }

    def batches() -> Iterator[Batch]:
        return itertools.chain.from_iterable(part.batches() for part in parts.values() if len(part))

    total, size = int(ends[-1]), first.image_size
    return Samples(
        target, "prepared", first.domain, len(rows), total, size, batches, splits=parts, data_dir=data_dir
    )


def _of_split(source: SliceSource, rows: np.ndarray, data_dir: Path) -> Samples:
    """Those `rows` of a split, normalised."""
    is_map = source.domain.label.kind in ("classes", "structure")

    def shown(example: Mapping[str, Any]) -> dict[str, Any]:
        number = example.get("slice_index", 0)  # an image that is the only one of its patient has none
        return {**source.normalised(dict(example)), "patient": example["patient"], "slice_index": number}

    def batches() -> Iterator[Batch]:
        stored = source.stored().map(shown, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        for batch in _picked(stored, rows, source.count, f"reading {source.split}"):
            patients = batch["patient"].astype(str)
            numbers = zip(patients, batch["slice_index"], strict=True)
            yield {
                "images": batch["images"],
                "key": np.array([f"{patient}_{number:03d}" for patient, number in numbers]),
                **({"lesion_label": batch["lesion_label"][..., 0].astype(np.uint8)} if is_map else {}),
                "patient": patients,
                "split": np.full(len(patients), source.split),
            }

    size = source.image_size
    return Samples(
        source.name, "prepared", source.domain, len(rows), source.count, size, batches, data_dir=data_dir
    )


def _picked(stored: tf.data.Dataset, rows: np.ndarray, total: int, label: str) -> Iterator[Any]:
    """Batches of the examples number `rows` of a dataset of `total`."""
    if len(rows) < total:
        wanted = tf.constant(rows)
        numbered = stored.enumerate().filter(lambda number, _: tf.reduce_any(number == wanted))
        stored = numbered.map(lambda _, example: example)
    batches = stored.batch(_BATCH).prefetch(_AHEAD).as_numpy_iterator()
    yield from runtime.progress(batches, total=-(-len(rows) // _BATCH), label=label, unit="batch")
