"""Imaginary patients of a model by name: run seed, sample number, and perhaps a lesion of one's own."""

from __future__ import annotations

import collections
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tf_medsynth.config.base import check
from tf_medsynth.config.lesion_shapes import LesionShape
from tf_medsynth.imaging.contour import contour_error
from tf_medsynth.imaging.lesion_shapes import check_inside, lesion_label
from tf_medsynth.saved_model.loading import SavedModel, open_model

DRAWN, GIVEN = "synthesize_random", "synthesize"
"""Signatures for a label that the model draws, and for one that it is given."""

_AT_ONCE = 8
"""Samples computed together; the graph computes as many in any case."""
_KEPT = 32
"""Such groups that are remembered: stepping through samples costs nothing."""

Group = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Patient:
    """One sample.

    Attributes:
        seed: run seed.
        number: sample number k.
        lesion: None where the model drew the label.
        images: `(H, W, M * C)` float32 in [0, 1].
        structure_map: `(H, W, 1)` float32, 1 on a line.
        background_mask: `(H, W, 1)` float32, 1 outside the organ.
        lesion_label: `(H, W, 1)` float32 class codes.
        label_found: False where no label of the model fitted this brain; the label is empty then.
    """

    seed: int
    number: int
    lesion: LesionShape | None
    images: np.ndarray
    structure_map: np.ndarray
    background_mask: np.ndarray
    lesion_label: np.ndarray
    label_found: bool


class Patients:
    """The patients of an opened model; the bytes are those of its signatures.

    Args:
        model: of `find_version`.

    Raises:
        MedSynthError: as `open_model`.
    """

    def __init__(self, model: Path | str | None) -> None:
        self.model: SavedModel = open_model(model, (DRAWN, GIVEN))
        self.record = self.model.record
        self._groups: collections.OrderedDict[tuple[int, int], Group] = collections.OrderedDict()
        self._lock = threading.Lock()  # several browsers may look at once

    def draw(self, seed: int, number: int, lesion: LesionShape | None = None) -> Patient:
        """The patient of that name.

        Args:
            seed: run seed.
            number: sample number k.
            lesion: instead of the label that the model draws.

        Raises:
            MedSynthError: a negative name, or a lesion that is not inside the organ.
        """
        check_name(seed, number)
        label = None
        if lesion is not None:
            label = lesion_label(lesion, self.record.image_size, self.record.domain.label.classes)
        group, row = self._group(seed, number // _AT_ONCE), number % _AT_ONCE
        found = {name: values[row] for name, values in group.items()}
        if label is not None:
            check_inside(label, found["background_mask"])
            names = np.array([[seed, number]], np.int64)
            answer = self.model.call(GIVEN, seed=names, lesion_label=label[None])
            found |= {name: answer[name].numpy()[0] for name in ("images", "structure_map")}
            found["lesion_label"] = label.astype(np.float32)
        maps = {n: found[n] for n in ("images", "structure_map", "background_mask", "lesion_label")}
        return Patient(seed, number, lesion, **maps, label_found=bool(found["label_found"] > 0))

    def background_mask(self, seed: int, number: int) -> np.ndarray:
        """`(H, W, 1)` of that patient: the lesion changes nothing about it."""
        check_name(seed, number)
        mask: np.ndarray = self._group(seed, number // _AT_ONCE)["background_mask"][number % _AT_ONCE]
        return mask

    def first_good(self, seed: int) -> int:
        """Number of the seed's first sample, of the first few, with a closed outline and a lesion; else 0."""
        check_name(seed, 0)
        group, settings = self._group(seed, 0), self.record.settings
        # The lines under the lesion are erased from the map; where it lies at the outline, it closes it.
        outline = np.maximum(group["structure_map"], group["lesion_label"] > 0)
        errors = contour_error(outline, group["background_mask"], settings.contour.blur)
        shown = group["lesion_label"].any(axis=(1, 2, 3))
        return int(np.argmax((errors <= settings.contour.max_mae) & shown))

    def _group(self, seed: int, group: int) -> Group:
        """What the model draws for samples ``8 group .. 8 group + 7``."""
        key = (seed, group)
        with self._lock:
            if key not in self._groups:
                names = np.array([[seed, group * _AT_ONCE + row] for row in range(_AT_ONCE)], np.int64)
                answer = self.model.call(DRAWN, seed=names)
                self._groups[key] = {name: values.numpy() for name, values in answer.items()}
                while len(self._groups) > _KEPT:
                    self._groups.popitem(last=False)
            self._groups.move_to_end(key)
            return self._groups[key]


def check_name(seed: int, number: int) -> None:
    """Raises unless these can name a sample."""
    check("the seed must not be negative", 0 <= seed < 2**63, seed=seed)
    check("the sample number must not be negative", 0 <= number < 2**63 - _AT_ONCE, number=number)
