"""An exported model as a `generation.Synthesiser`, with the labels it was exported with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_medsynth.config.base import check
from tf_medsynth.generation import LabelPool
from tf_medsynth.generation.functions import Functions
from tf_medsynth.generation.synthesiser import FunctionSynthesiser
from tf_medsynth.saved_model.loading import SavedModel, open_model
from tf_medsynth.types import Tensor

NEEDED = ("draw_structure", "render", "segment_lesion", "pool_labels")
_LABELS_AT_ONCE = 256


def model_synthesiser(model: Path | str) -> tuple[FunctionSynthesiser, SavedModel]:
    """The synthesiser of an exported model, and the model."""
    opened = open_model(model, NEEDED)
    record = opened.record
    functions = _functions(opened)
    return FunctionSynthesiser(functions, record.model_hash, record.image_size, record.domain), opened


def model_labels(opened: SavedModel) -> LabelPool:
    """The labels that `synthesize_random` draws from: those of the run's training patients.

    Raises:
        MedSynthError: they are not those that the record names.
    """
    count, parts = int(opened.record.labels["count"]), []
    for start in range(0, count, _LABELS_AT_ONCE):
        numbers = np.arange(start, min(start + _LABELS_AT_ONCE, count))
        labels = opened.call("pool_labels", number=numbers)["lesion_label"]
        parts.append(labels.numpy()[..., 0].astype(np.uint8))
    pool = LabelPool(np.concatenate(parts))
    named = opened.record.labels["fingerprint"]
    remedy = "Export it again."
    check("a model holds the labels that its record names", pool.fingerprint == named, remedy, named=named)
    return pool


def _functions(opened: SavedModel) -> Functions:
    def draw_structure(seed: Tensor, index: Tensor) -> dict[str, Tensor]:
        return opened.call("draw_structure", seed=_names(seed, index))

    def render(lines: Tensor, mask: Tensor, label: Tensor, seed: Tensor, index: Tensor) -> Tensor:
        maps = {"structure_map": lines, "background_mask": mask, "lesion_label": label}
        return opened.call("render", seed=_names(seed, index), **maps)["images"]

    def segment(images: Tensor) -> Tensor:
        found = opened.call("segment_lesion", images=images)["lesion_label_by_modality"]
        return tf.cast(found, tf.int32)

    def translate(images: Tensor, target: Tensor) -> Tensor:
        return opened.call("translate", images=images, source=target, target=target)["images"]

    one = opened.record.domain.num_modalities == 1
    return Functions(draw_structure, render, segment, None if one else translate)


def _names(seed: Tensor, index: Tensor) -> Tensor:
    return tf.stack([seed, index], axis=1)
