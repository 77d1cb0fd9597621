"""What generation needs of a trained run, as pure functions of (seed, sample index)."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from tf_medsynth.types import Modality


class Synthesiser(Protocol):
    """Trained networks of one run. Every draw is named by (seed, index): no hidden state.

    Arrays are NumPy: maps and masks ``(n, H, W, 1)`` float32 in {0, 1}, labels ``(n, H, W, 1)``
    int32, images ``(n, H, W, M)`` float32 in [0, 1], `index` ``(n,)`` int64.
    """

    model_hash: str
    image_size: tuple[int, int]
    modalities: tuple[Modality, ...]

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
