"""The trained networks of a run as a `generation.Synthesiser`: pure functions of (seed, index)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.data.draws import draw
from tf_medsynth.experiments.restore import (
    frozen_networks,
    load_stage,
    map_drawer,
    stage_directory,
    weights_hash,
)
from tf_medsynth.stages.guides import LesionStage
from tf_medsynth.stages.multimodal import MultimodalStage
from tf_medsynth.stages.structure import StructureStage
from tf_medsynth.types import MODALITIES, Modality

ROWS = 8
"""Every network call has this many rows, so that a sample's bits never depend on its neighbours."""


class RunSynthesiser:
    """Stages S, L and M of a finished run; see `generation.synthesiser.Synthesiser`."""

    modalities: tuple[Modality, ...] = MODALITIES

    def __init__(
        self, structure: StructureStage, guides: LesionStage, multimodal: MultimodalStage, name: str
    ):
        self.model_hash = name
        self.image_size = multimodal.image_size
        self.structure, self.guides, self.multimodal = structure, guides, multimodal
        self._draw_maps = map_drawer(structure)
        noise = multimodal.noise_draws()

        @tf.function
        def rendered(lines: Any, mask: Any, label: Any, seed: Any, index: Any) -> Any:
            return multimodal.render(lines, mask, label, draw(noise, seed, index))

        @tf.function
        def segmented(images: Any) -> Any:
            return guides.segment(images)

        self._rendered, self._segmented = rendered, segmented

    def draw_maps(self, seed: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Structure maps and background masks ``(n, H, W, 1)`` of z ~ N(0, 1)."""
        return self._draw_maps(seed, np.asarray(index, np.int64))

    def render(
        self,
        structure_map: np.ndarray,
        background_mask: np.ndarray,
        lesion_label: np.ndarray,
        seed: int,
        index: np.ndarray,
    ) -> np.ndarray:
        """All modalities ``(n, H, W, M)`` float32 in [0, 1]."""
        arrays = [
            np.asarray(structure_map, np.float32),
            np.asarray(background_mask, np.float32),
            np.asarray(lesion_label, np.int32),
        ]

        def call(lines: Any, mask: Any, label: Any, rows: Any) -> Any:
            return self._rendered(lines, mask, label, tf.constant(seed, tf.int64), rows)

        return _in_rows(call, *arrays, np.asarray(index, np.int64))

    def segment(self, images: np.ndarray) -> np.ndarray:
        """Each modality's lesion label as its guide sees it, ``(n, H, W, M)`` int32."""
        return _in_rows(self._segmented, np.asarray(images, np.float32))


def load_synthesiser(run: Path | str) -> RunSynthesiser:
    """The synthesiser of a run whose stages are finished.

    Raises:
        MedSynthError: a stage is missing or unfinished, or M was trained on other stages' weights.
    """
    run = Path(run)
    names = {name: stage_directory(run, name) for name in ("structure", "lesion", "multimodal")}
    for directory in names.values():
        directory.require_finished()
    trained_on = names["multimodal"].config()["upstream"]
    hashes = {name: weights_hash(directory) for name, directory in names.items()}
    for name in ("structure", "lesion"):
        check(
            f"stage multimodal was trained on another {name} stage than this run holds",
            trained_on[name] == hashes[name],
            "Train multimodal again.",
            trained_on=trained_on[name],
            now=hashes[name],
        )
    structure, guides = load_stage(names["structure"]), load_stage(names["lesion"])
    multimodal = load_stage(names["multimodal"], frozen_networks(run, "multimodal"))
    assert isinstance(structure, StructureStage)
    assert isinstance(guides, LesionStage)
    assert isinstance(multimodal, MultimodalStage)
    return RunSynthesiser(
        structure, guides, multimodal, fingerprint(hashes["structure"], hashes["multimodal"])
    )


def _in_rows(function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """`function` over the first axis in calls of exactly `ROWS` rows; the last call is filled up."""
    count, parts = len(arrays[0]), []
    for start in range(0, count, ROWS):
        rows = [np.resize(a[start : start + ROWS], (ROWS, *a.shape[1:])) for a in arrays]
        parts.append(function(*(tf.constant(r) for r in rows)).numpy()[: count - start])
    return np.concatenate(parts)
