"""What generation needs of a trained run, as pure functions of (seed, sample index)."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from tf_medsynth.config.domain import Domain
from tf_medsynth.generation.functions import Functions, drawn_maps, names_of


class Synthesiser(Protocol):
    """Trained networks of one run. Every draw is named by (seed, index): no hidden state.

    Arrays are NumPy: maps and masks ``(n, H, W, 1)`` float32 in {0, 1}, labels ``(n, H, W, 1)``
    int32, images ``(n, H, W, M * C)`` float32 in [0, 1], `index` ``(n,)`` int64.
    """

    model_hash: str
    image_size: tuple[int, int]
    domain: Domain

    def draw_maps(self, seed: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Structure maps and background masks decoded from z ~ N(0, 1) of (seed, index)."""

    def render(
        self,
        structure_map: np.ndarray,
        background_mask: np.ndarray,
        lesion_label: np.ndarray,
        seed: int,
        index: np.ndarray,
    ) -> np.ndarray:
        """All modalities of one imaginary patient a row, noise fusion drawn by (seed, index)."""

    def segment(self, images: np.ndarray) -> np.ndarray:
        """Lesion label as each modality's own guide sees it, ``(n, H, W, M)`` int32."""


class FunctionSynthesiser:
    """A `Synthesiser` of functions: of a run's networks, or of a SavedModel's signatures."""

    def __init__(
        self, functions: Functions, model_hash: str, image_size: tuple[int, int], domain: Domain
    ) -> None:
        self.functions, self.model_hash, self.image_size = functions, model_hash, image_size
        self.domain = domain

    def draw_maps(self, seed: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Structure maps and background masks ``(n, H, W, 1)`` of z ~ N(0, 1)."""
        return drawn_maps(self.functions.draw_structure, seed, index)

    def render(
        self,
        structure_map: np.ndarray,
        background_mask: np.ndarray,
        lesion_label: np.ndarray,
        seed: int,
        index: np.ndarray,
    ) -> np.ndarray:
        """All modalities ``(n, H, W, M * C)`` float32 in [0, 1]."""
        names = names_of(seed, index)
        return np.asarray(self.functions.render(structure_map, background_mask, lesion_label, *names))

    def segment(self, images: np.ndarray) -> np.ndarray:
        """Each modality's lesion label as its guide sees it, ``(n, H, W, M)`` int32."""
        return np.asarray(self.functions.segment(images))
