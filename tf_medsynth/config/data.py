"""Settings of the way from a prepared dataset to normalised images; one choice for a whole run."""

from __future__ import annotations

import dataclasses
from typing import Literal

from tf_medsynth.config.base import Config, check


@dataclasses.dataclass(frozen=True)
class DataSettings(Config):
    """How stored 16-bit intensities become images in [0, 1].

    Attributes:
        normalisation: ``minmax`` of the whole volume (the papers); ``percentile``, 0 to the 99.5th
            percentile of the organ, clipped, which a few hot voxels cannot darken; ``organ_mean``, 0
            to a fixed multiple, a modality, of the volume's mean inside the organ, clipped, so that
            no patient's scan is brighter than another's.
        shuffle_buffer: examples held to shuffle; bounds the memory of reading.
    """

    normalisation: Literal["minmax", "percentile", "organ_mean"] = "percentile"
    shuffle_buffer: int = 2048

    def __post_init__(self) -> None:
        check("shuffle_buffer must be positive", self.shuffle_buffer > 0, shuffle_buffer=self.shuffle_buffer)
