"""The training slices a candidate may not copy: descriptors in a file, and the threshold of a copy."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth.metrics.nearest import ImageIndex

NOT_JUDGED: dict[str, Any] = {
    "judged": False,
    "note": "Nobody looked for copies of training patients: that takes a run with its training data and "
    "its gate switched on. Audit the set against them before you share it.",
}
"""What a generation without a reference says of itself."""


@dataclass(frozen=True)
class TrainingReference:
    """Training slices to be told from, cheap to send to another process.

    Attributes:
        descriptors: file of `(n, H, W, M)` int8 descriptors of the training slices (`numpy.save`).
            They show the patients: the file belongs into the run, and never leaves with samples.
        fingerprint: hexadecimal name of descriptors and distances.
        false_alarm: share of real slices that lie below the threshold, at most.
        threshold: distance below which a candidate is a copy.
        training: training slices.
        heldout: slices of them whose distance to every other person's was measured.
    """

    descriptors: Path
    fingerprint: str
    false_alarm: float
    threshold: float
    training: int
    heldout: int

    def identity(self) -> dict[str, Any]:
        """What decides the gate's answer, as JSON values."""
        return {
            "judged": True,
            "reference": self.fingerprint,
            "false_alarm": self.false_alarm,
            "threshold": self.threshold,
            "training_slices": self.training,
            "heldout_slices": self.heldout,
        }

    def distances(self, images: np.ndarray) -> np.ndarray:
        """Distance of each of `(n, H, W, M)` images in [0, 1] to the nearest training slice, `(n,)`."""
        return _index(self.descriptors, self.fingerprint).nearest(images).distance


@functools.lru_cache(maxsize=1)
def _index(path: Path, fingerprint: str) -> ImageIndex:
    """The reference of this process; `fingerprint` tells two that stood at one path apart."""
    return ImageIndex(np.load(path, mmap_mode="r"))
