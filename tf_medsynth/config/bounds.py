"""Every threshold that judges a finished run: what may be pushed, and what a report calls held."""

from __future__ import annotations

import dataclasses

from tf_medsynth.config.base import Config, check

CERTIFICATES = ("registration", "lesion", "memorisation")
"""Kinds of certificate, in the order in which they are shown."""


@dataclasses.dataclass(frozen=True)
class BlessingConfig(Config):
    """What a model must reach before it may be pushed; see `evaluation.blessing`.

    Attributes:
        closed_outlines: least share of unfiltered structure maps with a closed outline.
        acceptance: least share of candidates that pass the gates.
        sharpness: least mean Laplacian of each modality, as a share of the real images'.
        registration_px: most 95th percentile of the shift between modalities, unfiltered.
        map_distance: least mean share of pixels in which a map differs from the nearest training map.
    """

    closed_outlines: float = 0.8
    acceptance: float = 0.1
    sharpness: float = 0.5
    registration_px: float = 1.0
    map_distance: float = 0.01

    def __post_init__(self) -> None:
        for name, value in self.to_dict().items():
            check(f"blessing.{name} is not negative", value >= 0.0, **{name: value})


@dataclasses.dataclass(frozen=True)
class ReportConfig(Config):
    """What a report's findings are held against: the aims for a full training, not the least for a push.

    Attributes:
        closed_outlines: least share of unfiltered structure maps with a closed outline.
        sharpness: least mean Laplacian of each modality, as a share of the real images'.
        lesion_dice: least whole-lesion Dice, mean over slices, by a judge that saw no guide's patients.
        registration_px: most 95th percentile of the shift of a sample's worst pair of modalities.
    """

    closed_outlines: float = BlessingConfig.closed_outlines
    sharpness: float = 0.85
    lesion_dice: float = 0.87
    registration_px: float = BlessingConfig.registration_px

    def __post_init__(self) -> None:
        for name, value in self.to_dict().items():
            check(f"report.{name} is not negative", value >= 0.0, **{name: value})
