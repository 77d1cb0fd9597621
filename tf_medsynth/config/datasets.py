"""What the `brats` dataset holds: which slices, which crop, which size, which patients in which split.

`BRATS_CONFIGS` is the table of named settings; each is a TFDS config (``tfds.load("brats/slices_96")``).
Ranges are half-open and stand for the published grid of 155 x 240 x 240 voxels; a volume of another
shape is cut in proportion.

Source: Qu et al., released code: slices 50..104, rows 38..221, columns 48..191 of 155 x 240 x 240.
Deviates: their papers say "50 slices"; 274 patients x 55 slices is the number they trained on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tf_medsynth.config.base import check
from tf_medsynth.config.cohorts import CohortSettings
from tf_medsynth.config.layouts import LAYOUTS

Form = Literal["slices", "stacks", "volumes"]
Range = tuple[int, int]

SPLITS = ("train", "validation", "test")

UNLABELLED = "unlabelled"
"""Split of patients without a lesion label, where the settings ask for it."""

REFERENCE_SHAPE = (155, 240, 240)
"""The grid (z, y, x) of every BraTS release, which the ranges refer to."""


@dataclass(frozen=True)
class BratsSettings(CohortSettings):
    """Settings of one config of the `brats` dataset: how the folder is read, and what is cut out.

    Attributes:
        form: an example is a slice `(H, W)`, a stack of neighbouring slices `(S, H, W)` with the
            label of the middle one, or a volume `(D, H, W)`.
        slice_range: z, half-open, on the reference grid.
        row_range: y, half-open, on the reference grid.
        column_range: x, half-open, on the reference grid.
        size: `(H, W)` to resize to: area averages of the images, nearest code of the label. None
            keeps the crop, and then every volume must have the reference grid's rows and columns.
        stack_size: slices in a stack, odd.
        test_fraction: expected share of persons in ``test``.
        test_fold: which part of that share, from 0 to 1 / test_fraction - 1: folds of one `split_seed` have
            no test patient in common (cross-validation).
        validation_fraction: expected share in ``validation``; 0 makes no such split.
        split_seed: hashed with a person's name to choose the split. Just a number: of those that
            part the 15 sample patients 12 to 3 it is the first that sets aside the same three as
            the trial of the method did, so that figures can be compared.
        splits: ``"PATIENT=SPLIT"``: given splits, of every patient, instead of the hash's.
        min_brain_fraction: leave out slices where less of the crop is brain (any modality not 0).
    """

    form: Form = "slices"
    slice_range: Range = (50, 105)
    row_range: Range = (38, 222)
    column_range: Range = (48, 192)
    size: Range | None = None
    stack_size: int = 3
    test_fraction: float = 0.2
    test_fold: int = 0
    validation_fraction: float = 0.0
    split_seed: int = 22
    splits: tuple[str, ...] = ()
    min_brain_fraction: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, limit in zip(("slice_range", "row_range", "column_range"), REFERENCE_SHAPE, strict=True):
            start, stop = edges = getattr(self, name)
            check(f"{name} lies in 0..{limit}", 0 <= start < stop <= limit, received=edges)
        size = self.size
        check("size is two positive numbers", size is None or min(size) > 0, size=size)
        odd = self.stack_size > 0 and self.stack_size % 2 == 1
        check("stack_size is odd, so that a stack has a middle", odd, stack_size=self.stack_size)
        fractions = (self.test_fraction, self.validation_fraction)
        check(
            "the shares of test and validation are at least 0 and leave some patients to train",
            min(fractions) >= 0 and sum(fractions) < 1,
            test_fraction=fractions[0],
            validation_fraction=fractions[1],
        )
        check(
            "test_fold numbers a share of the patients that lies whole in 0..1",
            self.test_fold >= 0 and (self.test_fold + 1) * self.test_fraction <= 1.0 + 1e-9,
            test_fold=self.test_fold,
            test_fraction=self.test_fraction,
        )
        share = self.min_brain_fraction
        check("min_brain_fraction lies in [0, 1)", 0 <= share < 1, min_brain_fraction=share)
        for given in self.splits:
            _, equals, split = given.rpartition("=")
            check("a given split is PATIENT=SPLIT", bool(equals), "Example: P001=train", received=given)
            check(f"a split is one of {', '.join(SPLITS)}", split in SPLITS, received=given)

    @property
    def image_size(self) -> tuple[int, int]:
        """Rows and columns of a stored image."""
        crop = self.row_range[1] - self.row_range[0], self.column_range[1] - self.column_range[0]
        return self.size or crop


def scaled_range(wanted: Range, reference: int, length: int) -> Range:
    """`wanted` of an axis of `reference` voxels, carried over to one of `length`; never empty.

    Exact where the lengths are equal.
    """
    start, stop = (round(edge * length / reference) for edge in wanted)
    start = min(start, length - 1)
    return start, max(stop, start + 1)


def brats_settings(name: str) -> BratsSettings:
    """The settings of a named config; an unknown name raises."""
    check(
        "unknown config of the dataset brats",
        name in BRATS_CONFIGS,
        f"Known: {', '.join(_FORMS)}; each also for one layout only, e.g. brats2021_slices.",
        config=name,
    )
    return BRATS_CONFIGS[name]


_SQUARE = BratsSettings(row_range=(24, 216), column_range=(24, 216))

_FORMS: dict[str, BratsSettings] = {
    "slices": BratsSettings(),
    "slices_64": dataclasses.replace(_SQUARE, size=(64, 64)),
    "slices_96": dataclasses.replace(_SQUARE, size=(96, 96)),
    "slices_128": dataclasses.replace(_SQUARE, size=(128, 128)),
    "stacks": BratsSettings(form="stacks"),
    "volumes": BratsSettings(form="volumes"),
}

BRATS_CONFIGS: Mapping[str, BratsSettings] = _FORMS | {
    f"{layout}_{name}": dataclasses.replace(settings, layout=layout)
    for layout in LAYOUTS
    for name, settings in _FORMS.items()
}
"""Named configs: ``slices`` is the papers' crop, ``slices_<n>`` the square head in n x n pixels; the
same for one layout alone, e.g. ``brats2017_slices``."""
