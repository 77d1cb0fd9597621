"""What a data set shows, as a value: modalities, channels of one, the kind of its label, its intensities.

A domain comes from the data set: its builder states it, the prepared set carries it (`Domain.to_dict`),
and runs, exported models, generated sets and reports read it from there. No part of the package knows an
organ by itself.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.imaging import OPERATOR_PRESETS, OperatorConfig, operator_preset

LabelKind = Literal["classes", "structure", "plane", "boxes", "none"]
"""A map of lesion classes; structures that are drawn and not erased (vessels); one class an image;
boxes with a class each; no label."""

Intensity = Literal["relative", "hounsfield", "bytes"]
"""Stored values without a unit (MR), in HU, or 0 to 255."""

_FARTHEST = 1.5
"""Operators serve images whose shorter side is at most this factor from the size they were measured at."""


@dataclasses.dataclass(frozen=True)
class LabelSpec(Config):
    """What the label of an image says.

    Attributes:
        kind: see `LabelKind`.
        classes: names; the index is the code. Code 0 is what is not labelled, except in a ``plane``,
            where every code is a class of the whole image.
    """

    kind: LabelKind = "classes"
    classes: tuple[str, ...] = ("background", "lesion")

    def __post_init__(self) -> None:
        least = 0 if self.kind == "none" else 2
        check(
            "a label has at least two classes, and none has none",
            len(self.classes) >= least and (self.kind != "none" or not self.classes),
            kind=self.kind,
            classes=self.classes,
        )
        check("classes have names of their own", _distinct(self.classes), classes=self.classes)


@dataclasses.dataclass(frozen=True)
class SizedOperators(Config):
    """Operators measured on images whose shorter side has `side` pixels, by their name."""

    side: int
    name: str

    def __post_init__(self) -> None:
        check("a side has at least 16 px", self.side >= 16, side=self.side)
        operator_preset(self.name)


@dataclasses.dataclass(frozen=True)
class Domain(Config):
    """An organ as a family of data sets shows it.

    Attributes:
        name: of the domain, e.g. ``brain_mri``.
        modalities: names, one or more; images are `(H, W, M * C)`, modality after modality.
        channels: C of one modality: 1 grey, 3 colour or three neighbouring slices.
        label: what is labelled.
        intensity: what stored values mean.
        window: stored values that become 0 and 1, where the intensity has a unit; None elsewhere.
        operators: that turn an image into its structure map, by image size.
    """

    name: str
    modalities: tuple[str, ...]
    channels: int = 1
    label: LabelSpec = dataclasses.field(default_factory=LabelSpec)
    intensity: Intensity = "relative"
    window: tuple[float, float] | None = None
    operators: tuple[SizedOperators, ...] = ()

    def __post_init__(self) -> None:
        check("a domain's name is a word", self.name.isidentifier(), name=self.name)
        check(
            "a domain has at least one modality, each with a name of its own",
            bool(self.modalities)
            and _distinct(self.modalities)
            and all(map(str.isidentifier, self.modalities)),
            modalities=self.modalities,
        )
        check("a modality has 1 or 3 channels", self.channels in (1, 3), channels=self.channels)
        check(
            "a window has a lower and an upper end, and values in HU need one",
            (self.window is None or self.window[0] < self.window[1])
            and (self.intensity != "hounsfield" or self.window is not None),
            intensity=self.intensity,
            window=self.window,
        )
        sides = [sized.side for sized in self.operators]
        check("operators stand once a size", _distinct(sides), sides=sides)

    @property
    def num_modalities(self) -> int:
        """M."""
        return len(self.modalities)

    @property
    def num_classes(self) -> int:
        """K, with what is not labelled; 0 without a label."""
        return len(self.label.classes)

    @property
    def image_channels(self) -> int:
        """M * C."""
        return self.num_modalities * self.channels

    @property
    def lesion_classes(self) -> tuple[str, ...]:
        """Names of the labelled classes, from code 1 on."""
        return self.label.classes[1:]

    def channel_names(self) -> tuple[str, ...]:
        """Of each channel of an image, e.g. ``T1`` or ``fundus_2``."""
        if self.channels == 1:
            return self.modalities
        return tuple(f"{name}_{i}" for name in self.modalities for i in range(self.channels))

    def operators_at(self, height: int, width: int) -> OperatorConfig:
        """The operators measured nearest to images of `height` x `width` px, by their shorter side.

        Raises:
            MedSynthError: none were measured for this domain, or none for such a size: another organ's,
                or another scale's, are never taken silently.
        """
        side = min(height, width)
        known = {sized.side: sized.name for sized in self.operators}
        near = {s: name for s, name in known.items() if max(s, side) <= _FARTHEST * min(s, side)}
        check(
            f"no operators for structure maps were measured for {self.name} at this size",
            bool(near),
            f"Sizes: {', '.join(map(str, sorted(known))) or 'none'}. Set operators=NAME "
            f"({', '.join(OPERATOR_PRESETS)}) or its fields.",
            height=height,
            width=width,
        )
        return operator_preset(near[min(near, key=lambda s: abs(s - side))])


def _distinct(values: tuple[str, ...] | list[int]) -> bool:
    return len(set(values)) == len(values)
