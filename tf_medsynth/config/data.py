"""Settings of the way from a prepared dataset to normalised images; one choice for a whole run."""

from __future__ import annotations

import dataclasses
from typing import Literal

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.domain import Domain

MEASURED_MEANS: dict[str, tuple[float, ...]] = {"brain_mri": (1.5, 2.6, 2.1, 2.1)}
"""Of ``means_in_range``, by domain: what lies between mean and 99.5th percentile in a dozen patients."""


@dataclasses.dataclass(frozen=True)
class DataSettings(Config):
    """How stored intensities become images in [0, 1].

    `normalisation` is of intensities without a unit (`Domain.intensity` ``relative``) alone: bytes are
    divided by 255, and values in HU go by the window of their domain, whatever it says.

    Attributes:
        normalisation: ``minmax`` of the whole volume (the papers); ``percentile``, 0 to the 99.5th
            percentile of the organ, clipped, which a few hot voxels cannot darken; ``organ_mean``, 0
            to a fixed multiple, a modality, of the volume's mean inside the organ, clipped, so that
            no patient's scan is brighter than another's.
        means_in_range: the multiples of ``organ_mean``, one a modality; none takes `MEASURED_MEANS`.
        shuffle_buffer: stored examples held to shuffle; bounds the memory of reading. Few do: they
            are stored in shuffled order.
    """

    normalisation: Literal["minmax", "percentile", "organ_mean"] = "percentile"
    means_in_range: tuple[float, ...] = ()
    shuffle_buffer: int = 512

    def __post_init__(self) -> None:
        check(
            "means_in_range has a positive number a modality",
            all(mean > 0 for mean in self.means_in_range),
            means_in_range=self.means_in_range,
        )
        check("shuffle_buffer must be positive", self.shuffle_buffer > 0, shuffle_buffer=self.shuffle_buffer)

    def means_of(self, domain: Domain) -> tuple[float, ...]:
        """`means_in_range`, one for each modality of `domain`.

        Raises:
            MedSynthError: another number of them, or none and none were measured for this domain.
        """
        means = self.means_in_range or MEASURED_MEANS.get(domain.name, ())
        check(
            "organ_mean needs a number for each modality",
            len(means) == domain.num_modalities,
            f"Set data.means_in_range, {domain.num_modalities} of them, or another data.normalisation.",
            domain=domain.name,
            modalities=domain.modalities,
            means_in_range=means,
        )
        return means
