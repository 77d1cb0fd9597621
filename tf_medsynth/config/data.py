"""Settings of the way from a prepared dataset to normalised images; one choice for a whole run."""

from __future__ import annotations

import dataclasses
from typing import Literal

from tf_medsynth.config.base import Config, check
from tf_medsynth.types import MODALITIES


@dataclasses.dataclass(frozen=True)
class DataSettings(Config):
    """How stored 16-bit intensities become images in [0, 1].

    Attributes:
        normalisation: ``minmax`` of the whole volume (the papers); ``percentile``, 0 to the 99.5th
            percentile of the organ, clipped, which a few hot voxels cannot darken; ``organ_mean``, 0
            to a fixed multiple, a modality, of the volume's mean inside the organ, clipped, so that
            no patient's scan is brighter than another's.
        means_in_range: the multiples of ``organ_mean``, of T1, T2, T1c and Flair. By default about
            what lies between mean and 99.5th percentile of a dozen patients.
        shuffle_buffer: stored examples held to shuffle; bounds the memory of reading. Few do: they
            are stored in shuffled order.
    """

    normalisation: Literal["minmax", "percentile", "organ_mean"] = "percentile"
    means_in_range: tuple[float, ...] = (1.5, 2.6, 2.1, 2.1)
    shuffle_buffer: int = 512

    def __post_init__(self) -> None:
        check(
            "means_in_range has a positive number a modality",
            len(self.means_in_range) == len(MODALITIES) and min(self.means_in_range) > 0,
            means_in_range=self.means_in_range,
        )
        check("shuffle_buffer must be positive", self.shuffle_buffer > 0, shuffle_buffer=self.shuffle_buffer)
