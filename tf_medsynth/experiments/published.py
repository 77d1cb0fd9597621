"""A published data set as a user meets it: by its name, through `tfds.load`."""

from __future__ import annotations

from pathlib import Path

import tensorflow_datasets as tfds

from tf_medsynth.config.base import check


def load_published(data_dir: Path | str, count: int) -> None:
    """Reads every sample of a synthetic data set through `tfds.load`.

    Args:
        data_dir: that `generate` published to in the ``tfds`` format.
        count: samples that must be there, each with a number of its own.

    Raises:
        MedSynthError: there are others.
    """
    import tfds_builders  # noqa: F401  (registers medsynth_synthetic)

    dataset = tfds.load("medsynth_synthetic", split="train", data_dir=str(data_dir))
    numbers = {int(example["sample_index"]) for example in dataset.as_numpy_iterator()}
    check(
        "every published sample must load",
        len(numbers) == count,
        "Generate the data set again.",
        loaded=len(numbers),
        published=count,
        data_dir=str(data_dir),
    )
