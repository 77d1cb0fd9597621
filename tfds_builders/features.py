"""Features that the builders share: packed pixels, the label of a domain, what the metadata say of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tf_medsynth.config.domain import Domain
from tf_medsynth.imaging.labels.boxes import MOST_BOXES


def pixels(shape: tuple[int | None, ...], dtype: type) -> tfds.features.Tensor:
    """A packed array; an axis of None may have any length."""
    return tfds.features.Tensor(shape=shape, dtype=dtype, encoding=tfds.features.Encoding.ZLIB)


def vector(length: int | None) -> tfds.features.Tensor:
    """`(length,)` float32."""
    return tfds.features.Tensor(shape=(length,), dtype=np.float32)


def label_features(domain: Domain, rows: int | None, columns: int | None) -> dict[str, Any]:
    """Features of the label of a slice, by name, as `data.slices` reads them.

    Returns:
        ``lesion_label`` `(H, W, 1)` uint8, a PNG that TFDS can show, of a map of classes or structures,
        or a table of boxes; ``label``, one class, of a plane; nothing where there is no label.
    """
    kind, classes = domain.label.kind, list(domain.label.classes)
    if kind == "none":
        return {}
    if kind == "plane":
        return {"label": tfds.features.ClassLabel(names=classes)}
    if kind == "boxes":
        return {"lesion_label": tfds.features.Tensor(shape=(MOST_BOXES, 5), dtype=np.float32)}
    shape = (rows, columns, 1)
    return {"lesion_label": tfds.features.LabeledImage(labels=classes, shape=shape, encoding_format="png")}


def supervised_keys(domain: Domain) -> tuple[str, str] | None:
    """Names of the image and its label, where there is one."""
    names = tuple(label_features(domain, None, None))
    return ("images", names[0]) if names else None


def described(domain: Domain, **facts: Any) -> tfds.core.MetadataDict:
    """Metadata that state the domain, which `runtime.prepared_sets.domain_of` reads, and `facts`."""
    return tfds.core.MetadataDict(domain=domain.to_dict(), **facts)
