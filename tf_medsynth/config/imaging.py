"""Settings of the image operators, and the published and measured presets a dataset.

`OPERATOR_PRESETS` holds ``paper/brats``, ``thesis/<dataset>`` (the values the thesis' release runs
with) and ``measured/brats_<size>`` (tried on 15 real BraTS patients); `Domain.operators_at` says which
were measured for an organ at a size. A threshold belongs to an image size: the organ's rim is about 2 px
thick at any size, so a smaller image has a larger share of lines.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Literal

from tf_medsynth.config.base import Config, check

Family = Literal["paper", "thesis"]
LabelPlace = Literal["inside", "anywhere"]
"""Where a drawn label may lie: inside the organ alone, or outside of it too (an ablation)."""


def _check_median(median: int | None) -> None:
    check("median is an odd window of at least 3 px, or none", median is None or _odd(median), median=median)


def _odd(size: int) -> bool:
    return size >= 3 and size % 2 == 1


def _check_finite(**values: float) -> None:
    for name, value in values.items():
        check(f"{name} must be finite", math.isfinite(value), value=value)


def _check_range(name: str, bounds: tuple[int, int]) -> None:
    low, high = bounds
    check(f"{name} takes two whole numbers, 0 <= low <= high", 0 <= low <= high, low=low, high=high)


@dataclasses.dataclass(frozen=True)
class StructureMapConfig(Config):
    """How lines are found in an image.

    Source: Qu et al. (thesis), algorithm 1 (family "thesis"); Qu et al., algorithm 1 (family "paper",
    which neither blurs, filters nor removes anything outside the organ).

    Attributes:
        threshold: distance from the mean (alpha, beta in the papers), of maps in [0, 1] if `normalise`.
        sigma_before: px, of the 3 x 3 Gaussian over the gradient maps; none leaves it out.
        sigma_after: px, of the 3 x 3 Gaussian over the binary map; none leaves it out.
        rebinarise: threshold after `sigma_after`.
        median: window in px of the filter that removes isolated pixels; none leaves it out.
        normalise: min-max each gradient map to [0, 1] a image; without it a threshold means nothing.
        organ_only: keep lines inside the organ only.
        legacy_blur: blur with the release's 9-tap comb instead of a true 3 x 3 Gaussian.
        modality: where the lines are taken from: a modality of the domain, or one of its channels where a
            modality has several (`Domain.channel_names`; of a modality as a whole it is their mean); "first"
            for the domain's first, "random" draws one a sample. Checked against the domain that it meets.
    """

    family: Family = "thesis"
    threshold: float = 0.09
    sigma_before: float | None = None
    sigma_after: float | None = None
    rebinarise: float = 0.05
    median: int | None = None
    normalise: bool = True
    organ_only: bool = False
    legacy_blur: bool = False
    modality: str = "first"

    def __post_init__(self) -> None:
        _check_finite(threshold=self.threshold, rebinarise=self.rebinarise)
        check(
            "a structure map's threshold must not be negative", self.threshold >= 0, threshold=self.threshold
        )
        for name in ("sigma_before", "sigma_after"):
            sigma = getattr(self, name)
            check(
                f"{name} is positive and finite, or none",
                sigma is None or 0 < sigma < math.inf,
                sigma=sigma,
            )
        _check_median(self.median)
        check("modality is one word", self.modality.isidentifier(), modality=self.modality)
        extras = (self.sigma_before, self.sigma_after, self.median)
        check(
            "the paper family has no blur, no median and no organ step",
            self.family == "thesis" or (extras == (None, None, None) and not self.organ_only),
            "Set family to thesis.",
            sigma_before=self.sigma_before,
            sigma_after=self.sigma_after,
            median=self.median,
            organ_only=self.organ_only,
        )


@dataclasses.dataclass(frozen=True)
class MaskConfig(Config):
    """How the background mask (1 outside the organ) is taken from an image.

    Source: Qu et al., algorithm 2 (threshold 0, no median); the thesis adds the median.

    Attributes:
        threshold: a pixel brighter than this is organ.
        expand: px by which height and width grow before the centre is cropped (p in the papers).
        median: window in px, none leaves it out.
        normalise: min-max each image to [0, 1] before `threshold`.
        fill: holes inside the organ belong to the organ.
        union: a pixel is organ where any modality says so; otherwise the mask is of the modality whose
            lines are drawn.
    """

    threshold: float = 0.0
    expand: int = 0
    median: int | None = None
    normalise: bool = False
    fill: bool = True
    union: bool = True

    def __post_init__(self) -> None:
        _check_finite(threshold=self.threshold)
        check("a mask is expanded by 0 or more px", self.expand >= 0, expand=self.expand)
        _check_median(self.median)


@dataclasses.dataclass(frozen=True)
class FusionConfig(Config):
    """How structure map, noise and lesion label become the generator's input.

    Attributes:
        noise_low: least value of the noise between the lines, inside the organ.
        noise_high: largest value, exclusive. Source: Qu et al. (thesis), eq. 12 (0.5 to 0.6).
        label_mode: "concat" appends one-hot channels; "weighted" sums each with the map.
        label_weight: of the one-hot channel in "weighted" mode.
        map_weight: of the map in "weighted" mode.

    Deviates: noise is fused in both modes; the joint paper weighs the bare map, ``noise_low=0 noise_high=0``.
    """

    noise_low: float = 0.5
    noise_high: float = 0.6
    label_mode: Literal["concat", "weighted"] = "concat"
    label_weight: float = 0.2
    map_weight: float = 0.8

    def __post_init__(self) -> None:
        check(
            "noise lies in [0, 1], low not above high",
            0 <= self.noise_low <= self.noise_high <= 1,
            noise_low=self.noise_low,
            noise_high=self.noise_high,
        )
        _check_finite(label_weight=self.label_weight, map_weight=self.map_weight)


@dataclasses.dataclass(frozen=True)
class ContourConfig(Config):
    """When a drawn structure map counts as closed.

    Source: Qu et al., algorithm 3.

    Attributes:
        max_mae: largest mean absolute error between the filled contour and the background mask.
        blur: close gaps of one pixel with a 3 x 3 blur before filling.
    """

    max_mae: float = 0.05
    blur: bool = True

    def __post_init__(self) -> None:
        check("max_mae lies in (0, 1]", 0 < self.max_mae <= 1, max_mae=self.max_mae)


@dataclasses.dataclass(frozen=True)
class LabelAugmentConfig(Config):
    """Augmentation of a lesion label on its own: two draws among four operations, equally likely.

    Attributes:
        degrees: rotation, whole degrees, both ends included.
        expand_probability: chance that a rotated label is fitted into the frame instead of cut by it.
        translate: whole px in one of four directions, both ends included.
        shrink: whole px by which an axis gets shorter, both ends included.
    """

    degrees: tuple[int, int] = (0, 359)
    expand_probability: float = 0.5
    translate: tuple[int, int] = (2, 5)
    shrink: tuple[int, int] = (2, 7)

    def __post_init__(self) -> None:
        check(
            "expand_probability lies in [0, 1]",
            0 <= self.expand_probability <= 1,
            expand_probability=self.expand_probability,
        )
        for name in ("degrees", "translate", "shrink"):
            _check_range(name, getattr(self, name))


@dataclasses.dataclass(frozen=True)
class ImageAugmentConfig(Config):
    """The papers' "enhanced data": 1 or 2 of six operations on real images and their label.

    Attributes:
        second_probability: chance that a second operation follows the first.
        degrees: rotation, whole degrees, both ends included.
        translate: whole px in one of four directions, both ends included.
        noise: half width of the uniform noise added to the images, not to the label.
        enlarge: whole px by which both axes grow before the centre is cropped.
        shrink: whole px by which both axes get shorter before they are pasted on zeros.
    """

    second_probability: float = 0.5
    degrees: tuple[int, int] = (0, 359)
    translate: tuple[int, int] = (2, 7)
    noise: float = 0.03
    enlarge: tuple[int, int] = (2, 7)
    shrink: tuple[int, int] = (2, 7)

    def __post_init__(self) -> None:
        check(
            "second_probability lies in [0, 1]",
            0 <= self.second_probability <= 1,
            second_probability=self.second_probability,
        )
        check("noise lies in [0, 1]", 0 <= self.noise <= 1, noise=self.noise)
        for name in ("degrees", "translate", "enlarge", "shrink"):
            _check_range(name, getattr(self, name))


@dataclasses.dataclass(frozen=True)
class TrainAugmentConfig(Config):
    """Light augmentation of training batches; each range is symmetric about "no change".

    Attributes:
        flip_probability: of a left-right mirror image.
        degrees: largest rotation either way.
        scale: largest change of size, as a share of it.
        shift: largest displacement along an axis, as a share of its length.
        gain: largest change of contrast a modality, as a share.
        bias: largest change of brightness a modality, inside the organ only.
    """

    flip_probability: float = 0.5
    degrees: float = 15.0
    scale: float = 0.1
    shift: float = 0.04
    gain: float = 0.1
    bias: float = 0.05

    def __post_init__(self) -> None:
        check(
            "flip_probability lies in [0, 1]",
            0 <= self.flip_probability <= 1,
            flip_probability=self.flip_probability,
        )
        check("degrees lies in [0, 180]", 0 <= self.degrees <= 180, degrees=self.degrees)
        for name in ("scale", "shift", "gain", "bias"):
            value = getattr(self, name)
            check(f"{name} lies in [0, 1)", 0 <= value < 1, value=value)


@dataclasses.dataclass(frozen=True)
class OperatorConfig(Config):
    """The two operators that take an image apart: its lines and its background."""

    structure: StructureMapConfig = StructureMapConfig()
    mask: MaskConfig = MaskConfig()


def _thesis(
    threshold: float,
    blurs: tuple[float | None, float | None],
    median: int,
    mask: tuple[int, float, int],
    modality: str = "random",
) -> OperatorConfig:
    expand, mask_threshold, mask_median = mask
    return OperatorConfig(
        StructureMapConfig(
            family="thesis",
            threshold=threshold,
            sigma_before=blurs[0],
            sigma_after=blurs[1],
            median=median,
            organ_only=True,
            modality=modality,
        ),
        MaskConfig(
            threshold=mask_threshold,
            expand=expand,
            median=mask_median,
            normalise=True,
            fill=False,
            union=False,
        ),
    )


def _measured(threshold: float, expand: int) -> OperatorConfig:
    lines = StructureMapConfig(family="paper", threshold=threshold, modality="T1")
    return OperatorConfig(lines, MaskConfig(expand=expand))


def _measured_green(threshold: float) -> OperatorConfig:
    """For photographs that are black outside of the field of view; green shows vessels best."""
    lines = StructureMapConfig(family="paper", threshold=threshold, modality="fundus_1")
    return OperatorConfig(lines, MaskConfig(threshold=0.05, expand=2))


# Deviates: the release's BRATS blur has sigma 0.01, which is the identity; it is left out here.
OPERATOR_PRESETS: Mapping[str, OperatorConfig] = {
    "paper/brats": OperatorConfig(
        StructureMapConfig(family="paper", threshold=0.12, modality="random"),
        MaskConfig(expand=5, fill=False),
    ),
    "thesis/brats": _thesis(0.035, (None, None), 5, (10, 0.3, 5), "T1"),
    "thesis/retina": _thesis(0.014, (0.4, 0.3), 5, (10, 0.3, 17)),
    "thesis/lung_ct": _thesis(0.0125, (0.4, 0.3), 7, (2, 0.48, 3)),
    "thesis/chest_xray": _thesis(0.009, (0.4, 0.5), 3, (2, 0.15, 17)),
    "thesis/tianchi": _thesis(0.0125, (0.4, 0.3), 5, (2, 0.48, 3)),
    "measured/brats_64": _measured(0.16, 4),
    "measured/brats_96": _measured(0.09, 4),
    "measured/brats_128": _measured(0.09, 4),
    "measured/brats": _measured(0.10, 4),
    "measured/retina_128": _measured_green(0.020),
    "measured/retina_192": _measured_green(0.020),
    "measured/retina_256": _measured_green(0.025),
}


def operator_preset(name: str) -> OperatorConfig:
    """The operators published or measured under `name`, a key of `OPERATOR_PRESETS`.

    Raises:
        MedSynthError: unknown name.
    """
    check(
        "unknown preset of image operators",
        name in OPERATOR_PRESETS,
        f"Known: {', '.join(OPERATOR_PRESETS)}.",
        name=name,
    )
    return OPERATOR_PRESETS[name]
