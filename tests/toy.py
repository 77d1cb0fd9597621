"""A prepared set of any domain, written as every builder writes its own: what no organ of the house has."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tf_medsynth.config.domain import Domain, LabelSpec
from tfds_builders.features import described, label_features, pixels, supervised_keys, vector

PAIR = Domain("pair", ("near", "far"), label=LabelSpec("classes", ("nothing", "ring", "spot")))
"""Two grey modalities and three classes."""

COLOUR = Domain(
    "colour", ("photo",), channels=3, label=LabelSpec("structure", ("nothing", "vessel")), intensity="bytes"
)
"""One modality in colour, with structures."""

PATIENTS = {"train": ("a", "b", "c"), "test": ("d",)}
STATISTICS = ("min", "max", "p995", "mean", "std")


def write_set(
    folder: Path, domain: Domain, shape: Sequence[int | None] = (40, 40), slices: int = 4
) -> dict[str, Any]:
    """Writes ``toy`` of `PATIENTS` to `folder`; what names it to `open_slices` and `train`.

    Args:
        shape: of an image without its channels; a depth of None differs by patient.
        slices: examples of a patient.
    """
    with tfds.core.registered.skip_registration():

        class Toy(tfds.core.GeneratorBasedBuilder):
            VERSION = tfds.core.Version("1.0.0")

            def _info(self) -> tfds.core.DatasetInfo:
                return self.dataset_info_from_configs(
                    features=tfds.features.FeaturesDict(features(domain, shape)),
                    supervised_keys=supervised_keys(domain),
                    metadata=described(domain),
                )

            def _split_generators(self, dl_manager: Any) -> Mapping[str, Any]:
                return {split: self._generate_examples(names) for split, names in PATIENTS.items()}

            def _generate_examples(self, names: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
                for name in names:
                    for number in range(slices):
                        yield f"{name}_{number}", example(domain, shape, name, number)

        Toy(data_dir=folder).download_and_prepare()
    return {"data": "toy", "data_dir": folder}


def features(domain: Domain, shape: Sequence[int | None]) -> dict[str, Any]:
    stored = np.uint8 if domain.intensity == "bytes" else np.int16
    label = label_features(domain, *shape[-2:])
    if len(shape) == 3 and shape[0] is None and "lesion_label" in label:  # volumes, not stacks
        label = {"lesion_label": pixels((*shape, 1), np.uint8)}
    relative = domain.intensity == "relative"
    return {
        "images": pixels((*shape, domain.num_modalities * domain.channels), stored),
        **label,
        "patient": tfds.features.Text(),
        "slice_index": np.int32,
        **({f"intensity_{n}": vector(domain.num_modalities) for n in STATISTICS} if relative else {}),
    }


def example(domain: Domain, shape: Sequence[int | None], patient: str, number: int) -> dict[str, Any]:
    """Noise, brighter by modality, with a label in the middle of it."""
    rng = np.random.default_rng((zlib.crc32(patient.encode()), number))
    whole = [4 + ord(patient[0]) % 3 if n is None else n for n in shape]
    top = np.arange(1, domain.num_modalities * domain.channels + 1) * 40
    images = (rng.random((*whole, len(top))) * top).astype(np.int64)
    label = np.zeros((*(whole if shape[0] is None else whole[-2:]), 1), np.uint8)
    code = rng.integers(1, max(domain.num_classes, 2))
    label[..., 12:20, 10 + number : 16 + number, :] = code
    kind = domain.label.kind
    shown = {"lesion_label": label} if kind in ("classes", "structure") else {}
    shown |= {"label": int(code)} if kind == "plane" else {}
    by_modality = images.reshape(-1, domain.num_modalities, domain.channels)
    statistics = {
        "min": by_modality.min(axis=(0, 2)),
        "max": by_modality.max(axis=(0, 2)),
        "p995": np.percentile(by_modality, 99.5, axis=(0, 2)),
        "mean": by_modality.mean(axis=(0, 2)),
        "std": by_modality.std(axis=(0, 2)),
    }
    relative = domain.intensity == "relative"
    return {
        "images": images.astype(np.uint8 if domain.intensity == "bytes" else np.int16),
        **shown,
        "patient": patient,
        "slice_index": number,
        **({f"intensity_{n}": v.astype(np.float32) for n, v in statistics.items()} if relative else {}),
    }
