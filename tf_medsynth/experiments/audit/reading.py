"""Any set as `Samples`: a generated set, a prepared dataset, a run, or anyone's folder of volumes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.data.slices import READ_IN_ORDER, SliceSource, open_slices
from tf_medsynth.experiments.audit.folders import read_folder
from tf_medsynth.experiments.audit.samples import Samples, spread

_GENERATED = "medsynth_synthetic"
_LABELS = ("lesion_label", "structure_map", "background_mask")
_BATCH = 32


def read_samples(
    target: Path | str,
    *,
    data_dir: Path | str | None = None,
    size: tuple[int, int] | None = None,
    most: int | None = None,
) -> Samples:
    """The slices of `target`, at most `most` of them, evenly spread over the whole of it.

    Args:
        target: a data_dir that `generate` wrote; a folder it wrote as volumes; a run, for the set
            that was generated from it last; anyone's folder of patients in a published layout; or,
            with `data_dir`, a prepared dataset such as ``brats/slices_96``, of which
            ``brats/slices_96:test`` is one split.
        data_dir: where `prepare` wrote.
        size: rows and columns wanted. Volumes of a folder are cut and resized to it as the
            dataset's builder does; whatever has its own size must have this one.
        most: None reads all.

    Raises:
        MedSynthError: nothing there, a damaged file, no such split, another image size.
    """
    check("most must be at least 1", most is None or most >= 1, most=most)
    if data_dir is not None:
        samples = _prepared(str(target), Path(data_dir), most)
    else:
        folder = generated_set(target) or Path(target)
        check(
            "a target is a folder, or with --data-dir the name of a prepared dataset",
            folder.is_dir(),
            "Give the folder, or add --data-dir DIR.",
            target=str(target),
        )
        tfds_set = (folder / _GENERATED).is_dir()
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
        return Path(runtime.read_json(note, "Run medsynth generate again.")["out"])
    return folder if (folder / _GENERATED).is_dir() or (folder / "summary.json").is_file() else None


def _generated(folder: Path, most: int | None) -> Samples:
    there = sorted((folder / _GENERATED).glob("*/dataset_info.json"))
    check(
        "a generated set must be whole",
        bool(there),
        "Run medsynth generate again.",
        folder=str(folder / _GENERATED),
    )
    try:
        builder = tfds.builder_from_directory(there[-1].parent)
        total = builder.info.splits["train"].num_examples
        stored = builder.as_dataset(split="train", read_config=READ_IN_ORDER)
        arrays = _stack(stored, spread(total, most), f"reading {folder.name}")
    except (tf.errors.OpError, OSError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        check(
            "a generated set must be whole",
            False,
            "Run medsynth generate again.",
            folder=folder,
            error=reason,
        )
    return Samples(
        str(folder),
        "generated",
        arrays["images"],
        np.array([f"{index:08d}" for index in arrays["sample_index"]]),
        tuple(builder.info.metadata["modalities"]),
        total,
        **{name: arrays[name][..., 0].astype(np.uint8) for name in _LABELS},
    )


def _prepared(target: str, data_dir: Path, most: int | None) -> Samples:
    data, _, split = target.partition(":")
    first = open_slices(data, data_dir, split or "train")
    splits = [split] if split else [name for name, i in first.builder.info.splits.items() if i.num_examples]
    sources = [first if name == first.split else open_slices(data, data_dir, name) for name in splits]
    ends = np.cumsum([0, *(source.count for source in sources)])
    rows = spread(int(ends[-1]), most)
    parts = [
        _of_split(source, rows[(rows >= start) & (rows < stop)] - start)
        for source, start, stop in zip(sources, ends[:-1], ends[1:], strict=True)
    ]
    parts = [part for part in parts if len(part["images"])]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    patients = arrays["patient"].astype(str)
    return Samples(
        target,
        "prepared",
        arrays["images"],
        np.array([f"{p}_{z:03d}" for p, z in zip(patients, arrays["slice_index"], strict=True)]),
        total=int(ends[-1]),
        lesion_label=arrays["lesion_label"][..., 0].astype(np.uint8),
        patients=patients,
        splits=arrays["split"],
        data_dir=data_dir,
    )


def _of_split(source: SliceSource, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Those `rows` of a split, normalised, with its name."""

    def shown(example: Mapping[str, Any]) -> dict[str, Any]:
        return {**source.normalised(dict(example)), **{n: example[n] for n in ("patient", "slice_index")}}

    if not len(rows):
        return {"images": np.empty(0)}
    arrays = _stack(source.stored().map(shown), rows, f"reading {source.split}")
    return {**arrays, "split": np.full(len(rows), source.split)}


def _stack(stored: tf.data.Dataset, rows: np.ndarray, label: str) -> dict[str, np.ndarray]:
    """The examples number `rows` of a dataset, a stacked array a feature."""
    wanted = tf.constant(rows)
    picked = stored.enumerate().filter(lambda number, _: tf.reduce_any(number == wanted))
    batches = picked.map(lambda _, example: example).batch(_BATCH).as_numpy_iterator()
    found = list(runtime.progress(batches, total=-(-len(rows) // _BATCH), label=label, unit="batch"))
    return {name: np.concatenate([batch[name] for batch in found]) for name in found[0]}
