"""A published data set: opened where it lies, or as a user meets it, by its name through `tfds.load`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from tf_medsynth.config.base import check
from tf_medsynth.runtime.places import check_local
from tf_medsynth.runtime.prepared_sets import check_prepared, open_prepared

DATASET = "medsynth_synthetic"


def is_published(data_dir: Path) -> bool:
    """Whether `data_dir` holds samples in the ``tfds`` format."""
    return bool(_versions(data_dir))


def open_published(data_dir: Path) -> Any:
    """TFDS builder of the newest set that `generate` published to `data_dir`.

    Raises:
        MedSynthError: there is none in the ``tfds`` format, or it is empty.
    """
    check_local(synthetic=data_dir)
    check(
        "the synthetic set is a data_dir that medsynth generate wrote in the tfds format",
        is_published(data_dir),
        "medsynth generate --run RUN --count N --out DIR",
        synthetic=str(data_dir),
    )
    builder = open_prepared(_versions(data_dir)[-1])
    splits = builder.info.splits
    check(
        "the synthetic set holds samples",
        "train" in splits and splits["train"].num_examples > 0,
        "Generate it again.",
        synthetic=str(data_dir),
    )
    return builder


def _versions(data_dir: Path) -> list[Path]:
    return sorted(file.parent for file in (data_dir / DATASET).glob("*/dataset_info.json"))


def load_published(data_dir: Path | str, count: int) -> None:
    """Reads every sample of a synthetic data set through `tfds.load`.

    Args:
        data_dir: that `generate` published to in the ``tfds`` format.
        count: samples that must be there, each with a number of its own.

    Raises:
        MedSynthError: there are others.
    """
    import tfds_builders  # noqa: F401  (registers medsynth_synthetic)

    for folder in _versions(Path(data_dir)):
        check_prepared(folder)
    dataset = tfds.load(DATASET, split="train", data_dir=str(data_dir))
    numbers = {int(example["sample_index"]) for example in dataset.as_numpy_iterator()}
    check(
        "every published sample must load",
        len(numbers) == count,
        "Generate the data set again.",
        loaded=len(numbers),
        published=count,
        data_dir=str(data_dir),
    )
