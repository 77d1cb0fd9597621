"""Pictures of a report: some training patients, and the first samples of the set generated from them."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.data.batches import with_structure
from tf_medsynth.data.slices import READ_IN_ORDER, SliceSource
from tf_medsynth.reports.report_data import Gallery, Origin
from tf_medsynth.runs.generate import source_of
from tf_medsynth.runs.published import is_published, open_published
from tf_medsynth.runtime.prepared_sets import domain_of

_SHOWN = 6
_ARRAYS = ("images", "structure_map", "background_mask", "lesion_label")
_REAL = (
    "Some of the training patients, each by the slice with the most lesion. These are pictures of persons: "
    "the terms of the training data hold for this page."
)


def real_gallery(config: Mapping[str, Any]) -> Gallery:
    """Training slices of a few patients, as a stage with this record saw them."""
    source = source_of(config, "train")
    largest = _largest_lesions(source)
    picked = list(largest.values())
    batch: dict[str, Any] = {name: np.stack([e[name] for e in picked]) for name in ("images", "lesion_label")}
    batch["index"] = np.arange(len(picked), dtype=np.int64)
    operators = OperatorConfig.from_dict(config["operators"])
    step = with_structure(operators, source.domain, 0)
    made = {name: np.asarray(value) for name, value in step(batch).items()}
    return Gallery(
        "Real training slices",
        [f"training patient {number}" for number in range(1, len(picked) + 1)],
        source.domain,
        images=made["images"],
        structure_map=made["structure_map"],
        background_mask=made["background_mask"],
        lesion_label=made["lesion_label"],
        note=_REAL,
        origin=Origin(
            "medsynth report --run RUN --out report.html",
            {"data": source.fingerprint, "run": str(config.get("fingerprint", ""))},
        ),
    )


def _largest_lesions(source: SliceSource) -> dict[str, dict[str, Any]]:
    """The slice with the most lesion of a few patients, evenly spaced in the sorted list."""
    spaced = np.linspace(0, len(source.patients) - 1, min(_SHOWN, len(source.patients))).astype(int)
    wanted = {source.patients[i] for i in spaced}
    largest: dict[str, dict[str, Any]] = {}
    for example in source.examples(names=True).as_numpy_iterator():
        name, size = example["patient"].decode(), int((example["lesion_label"] > 0).sum())
        if name in wanted and size >= largest.get(name, {"size": 0})["size"]:
            largest[name] = {**example, "size": size}
    return largest


def synthetic_gallery(data_dir: Path, origin: Origin) -> Gallery | None:
    """The first samples of a generated set; None where it is none that TFDS reads."""
    if not is_published(data_dir):
        return None
    builder = open_published(data_dir)
    dataset = builder.as_dataset(split="train", read_config=READ_IN_ORDER)
    picked = heapq.nsmallest(_SHOWN, dataset.as_numpy_iterator(), key=lambda e: int(e["sample_index"]))
    held = [name for name in _ARRAYS if name in picked[0]]
    arrays: dict[str, Any] = {name: np.stack([e[name] for e in picked]) for name in held}
    return Gallery(
        "Synthetic patients",
        [f"k = {int(e['sample_index'])}" for e in picked],
        domain_of(builder),
        note="The first accepted samples, not chosen.",
        origin=origin,
        **arrays,
    )
