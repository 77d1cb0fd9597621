"""A synthesiser without weights: ellipses, exact lesions, and flaws on demand. Pure in (seed, index)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from tf_medsynth.config.domain import Domain
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.generation import LabelPool

LESION_STEP = 0.08
LESION_BASE = 0.55


class Ellipses:
    """Organs are ellipses; lesion class c shines at ``0.55 + 0.08 c``; `segment` reads that back.

    `flaws` maps ``k % period`` to what is wrong with candidate k: ``open`` (a gap in the outline),
    ``tiny`` (no room for a label), ``ignore`` (the label is not drawn), ``swap`` (classes 1 and 2
    change places), ``shift`` (Flair lies 2 px lower).
    """

    model_hash = "ellipses"

    def __init__(
        self,
        size: int = 32,
        flaws: dict[int, str] | None = None,
        period: int = 10,
        domain: Domain = BRAIN_MRI,
    ) -> None:
        self.image_size, self.domain = (size, size), domain
        self.flaws = flaws or {}
        self.period = period
        self.batches: list[int] = []

    def flaw(self, k: int) -> str | None:
        return self.flaws.get(k % self.period)

    def draw_maps(self, seed: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.batches.append(len(index))
        drawn = [self._outline(seed, int(k)) for k in index]
        return tuple(np.stack(part)[..., None].astype(np.float32) for part in zip(*drawn, strict=True))

    def render(self, structure_map, background_mask, lesion_label, seed, index):
        rows = zip(structure_map, background_mask, lesion_label, index, strict=True)
        return np.stack([self._patient(*row[:3], seed, int(row[3])) for row in rows])

    def segment(self, images: np.ndarray) -> np.ndarray:
        codes = np.rint((images[..., :: self.domain.channels] - LESION_BASE) / LESION_STEP)
        return np.clip(codes, 0, self.domain.num_classes - 1).astype(np.int32)

    def _outline(self, seed: int, k: int) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = np.indices(self.image_size)
        size = self.image_size[0]
        tall, wide = np.random.default_rng((seed, k)).uniform(0.36, 0.42, 2) * size
        if self.flaw(k) == "tiny":
            tall = wide = 2.0
        radius = np.hypot((rows - size / 2) / tall, (columns - size / 2) / wide)
        inside = radius <= 1
        eroded = inside & np.roll(inside, 1, 0) & np.roll(inside, -1, 0)
        eroded &= np.roll(inside, 1, 1) & np.roll(inside, -1, 1)
        outline = inside & ~eroded
        if self.flaw(k) == "open":
            outline &= columns < size / 2
        # The filter's blur thickens lines by a pixel; a trained mask is expanded to match.
        return outline, ~ndimage.binary_dilation(inside, np.ones((3, 3)))

    def _patient(self, lines, outside, label, seed, k):
        texture = np.random.default_rng((seed, k, 1)).uniform(0.0, 0.04, self.image_size)
        lines, organ, label = lines[..., 0], 1 - outside[..., 0], label[..., 0]
        if self.flaw(k) == "ignore":
            label = np.zeros_like(label)
        if self.flaw(k) == "swap":
            label = np.array([0, 2, 1, 3, 4])[label]
        images = []
        for number, modality in enumerate(self.domain.modalities):
            image = organ * (0.2 + 0.05 * number + texture) + 0.1 * lines
            image = np.where(label > 0, LESION_BASE + LESION_STEP * label, image)
            images.append(np.roll(image, 2, 0) if (modality, self.flaw(k)) == ("Flair", "shift") else image)
        return np.stack(images, axis=-1).astype(np.float32).repeat(self.domain.channels, axis=-1)


class Mortal(Ellipses):
    """Ellipses whose drawing fails, once, at candidate `k`; the file `died` remembers that it did."""

    def __init__(self, died: Path, k: int, **options: Any) -> None:
        super().__init__(**options)
        self.died, self.k = died, k

    def draw_maps(self, seed: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.k in index and not self.died.exists():
            self.died.touch()
            raise OSError("the machine was taken away")
        return super().draw_maps(seed, index)


def parts(kind: type[Ellipses] = Ellipses, **options: Any) -> tuple[Ellipses, LabelPool]:
    """What a worker of a pipeline loads: a synthesiser and labels."""
    return kind(**options), LabelPool(np.stack(some_labels()).astype(np.uint8))


def lesion(size: int = 32, row: int = 16, column: int = 16, radius: int = 3) -> np.ndarray:
    """`(size, size)` label: a disc of oedema (2) around enhancing (4) around necrosis (1)."""
    rows, columns = np.indices((size, size))
    distance = np.hypot(rows - row, columns - column)
    label = np.zeros((size, size), np.int32)
    for code, reach in ((2, radius), (4, radius * 0.7), (1, radius * 0.4)):
        label[distance <= reach] = code
    return label


def some_labels(size: int = 32) -> list[np.ndarray]:
    """Lesions of several sizes and places; a few touch the frame and never fit."""
    places = [(16, 16, 3), (12, 18, 4), (20, 13, 2), (15, 20, 3), (2, 2, 2), (18, 18, 5)]
    return [lesion(size, *place) for place in places]
