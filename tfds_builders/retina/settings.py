"""What the `retina` dataset holds: which photographs in which split, at which size.

`RETINA_CONFIGS` is the table of named settings; each is a TFDS config (``tfds.load("retina/slices_128")``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.persons import check_pattern

SMALLEST, LARGEST = 16, 4096
"""Pixels a side: below the first no vessel is left; no camera of the published sets reaches the second."""


@dataclasses.dataclass(frozen=True)
class RetinaSettings(Config):
    """Settings of one config of the `retina` dataset.

    Attributes:
        side: px of the square images.
        margin: black border around the field of view on each side, as a share of its diameter, so that its
            outline is closed inside the image.
        split_by: ``hash`` of (seed, image), so adding images moves none; or ``folder``: images in a folder
            ``test`` are tested on, all others train (the published split of DRIVE).
        test_fraction: expected share of ``test``, by hash.
        validation_fraction: expected share of ``validation``; of the training folder if by folder.
        split_seed: hashed with an image's name. Just a number: the first that sets a fifth of the 20
            training images of DRIVE aside.
        person: regular expression of what in an image's name is the person; persons, not images, are split.
            Empty takes every image for a person, which holds for DRIVE.
        leave_out: names of images that are not wanted.
    """

    side: int = 128
    margin: float = 0.02
    split_by: Literal["hash", "folder"] = "hash"
    test_fraction: float = 0.2
    validation_fraction: float = 0.0
    split_seed: int = 12
    person: str = ""
    leave_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check(f"side lies in {SMALLEST} .. {LARGEST} px", SMALLEST <= self.side <= LARGEST, side=self.side)
        check("margin lies in [0, 0.5]", 0 <= self.margin <= 0.5, margin=self.margin)
        fractions = (self.test_fraction, self.validation_fraction)
        check(
            "the shares of test and validation are at least 0 and leave some images to train",
            min(fractions) >= 0 and sum(fractions) < 1,
            test_fraction=fractions[0],
            validation_fraction=fractions[1],
        )
        check_pattern(self.person)

    @property
    def image_size(self) -> tuple[int, int]:
        """Rows and columns of a stored image."""
        return self.side, self.side


RETINA_CONFIGS: Mapping[str, RetinaSettings] = {
    f"slices_{side}": RetinaSettings(side=side) for side in (128, 192, 256)
}
"""Named configs: ``slices_<n>`` is the field of view in n x n pixels."""
