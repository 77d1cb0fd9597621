"""Every threshold that judges a finished run: what may be pushed, and what a report calls held."""

from __future__ import annotations

import dataclasses

from tf_medsynth.config.base import Config, check

CERTIFICATES = ("registration", "lesion", "memorisation")
"""Kinds of certificate, in the order in which they are shown."""


LIKENESSES = ("closed_outlines", "sharpness", "diversity", "lesion_likeness", "map_novelty")
"""Bounds on a share of the real value: that share, and its inverse; 0 binds neither way."""


@dataclasses.dataclass(frozen=True)
class BlessingConfig(Config):
    """What a model must reach before it may be pushed; see `evaluation.blessing`.

    Attributes:
        closed_outlines: share of unfiltered structure maps with a closed outline, of the real maps' share.
        acceptance: least share of candidates that pass the gates.
        sharpness: mean Laplacian of each modality, as a share of the real images'.
        registration_px: most 95th percentile of the shift between modalities, unfiltered.
        map_distance: least mean share of pixels in which a map differs from the nearest training map.
        map_novelty: the same, of what unseen real maps differ by.

    Those of `LIKENESSES` bind both ways: a likeness of 0.5 also holds up to twice the real value, no further.
    """

    closed_outlines: float = 0.8
    acceptance: float = 0.1
    sharpness: float = 0.5
    registration_px: float = 1.0
    map_distance: float = 0.01
    map_novelty: float = 0.5

    def __post_init__(self) -> None:
        _check_bounds("blessing", self)


@dataclasses.dataclass(frozen=True)
class ReportConfig(Config):
    """What a report's findings are held against: the aims for a full training, not the least for a push.

    Attributes:
        closed_outlines: share of unfiltered structure maps with a closed outline, of the real maps' share.
        sharpness: mean Laplacian of each modality, as a share of the real images'.
        diversity: dissimilarity of random pairs of samples, of each modality, as a share of that of pairs
            of real patients.
        lesion_dice: least whole-lesion Dice, mean over slices, by a judge that saw no guide's patients.
        lesion_likeness: the same, as a share of what the judge reaches on real patients.
        registration_px: most 95th percentile of the shift of a sample's worst pair of modalities.

    Those of `LIKENESSES` bind both ways, as in `BlessingConfig`.
    """

    closed_outlines: float = BlessingConfig.closed_outlines
    sharpness: float = 0.85
    diversity: float = 0.85
    lesion_dice: float = 0.87
    lesion_likeness: float = 0.9
    registration_px: float = BlessingConfig.registration_px

    def __post_init__(self) -> None:
        _check_bounds("report", self)


def _check_bounds(name: str, config: Config) -> None:
    for key, value in config.to_dict().items():
        check(f"{name}.{key} is not negative", value >= 0.0, **{key: value})
        rule = f"{name}.{key} is a share of the real value in [0, 1], and binds both ways"
        check(rule, key not in LIKENESSES or value <= 1.0, **{key: value})
