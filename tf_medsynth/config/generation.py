"""Settings of sample generation: labels, gates and their thresholds, bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tf_medsynth.config.base import Config, check, fingerprint
from tf_medsynth.config.imaging import ContourConfig, LabelAugmentConfig, LabelPlace

LabelMode = Literal["dataset", "augmented"]
SampleFormat = Literal["tfds", "nifti", "mha"]
SamplePurpose = Literal["generation", "lesion-guidance", "ablation", "quality"]


@dataclass(frozen=True)
class LesionGate(Config):
    """Least agreement between a sample's lesion label and what the guides see in its images.

    A Dice score here is the mean over the modalities' own guides, foreground only. The defaults
    are the paper's filter. Guides that reach less than that on real images cannot pass it: give
    thresholds relative to their ceiling (`relative_to`).

    Attributes:
        whole_threshold: least Dice of the whole lesion, in [0, 1].
        class_threshold: least Dice of every lesion class present in the label, in [0, 1].
        class_pixels: a class with fewer pixels in the label is measured but not judged; and fewer pixels
            than this, mean over the guides, are no lesion found in a sample without one.

    Source: Qu et al. (S0, S2), lesion-quality filter at 0.95.
    Deviates: foreground Dice, whose mean leaves empty labels out; theirs counts an empty slice as 1.
    A sample with an empty label passes where the guides find no lesion in it.
    """

    whole_threshold: float = 0.95
    class_threshold: float = 0.0
    class_pixels: int = 1

    def __post_init__(self) -> None:
        for name in ("whole_threshold", "class_threshold"):
            value = getattr(self, name)
            check(f"{name} is a Dice score in [0, 1]", 0.0 <= value <= 1.0, **{name: value})
        check("class_pixels must be at least 1", self.class_pixels >= 1, class_pixels=self.class_pixels)

    @classmethod
    def relative_to(cls, whole: float, per_class: float, factor: float = 0.9) -> LesionGate:
        """The gate at `factor` times the guides' own Dice on real images (their ceiling)."""
        check("the ceiling's factor must lie in (0, 1]", 0.0 < factor <= 1.0, factor=factor)
        return cls(whole_threshold=factor * whole, class_threshold=factor * per_class)


@dataclass(frozen=True)
class MemorisationGate(Config):
    """How near a sample may come to a training slice.

    Attributes:
        false_alarm: share, at most, of the training patients' slices that lie nearer to another person's
            than the threshold, in [0, 1); 0 switches the gate off.
    """

    false_alarm: float = 0.01

    def __post_init__(self) -> None:
        check("false_alarm must lie in [0, 1)", 0.0 <= self.false_alarm < 1.0, false_alarm=self.false_alarm)


@dataclass(frozen=True)
class GenerationConfig(Config):
    """How candidates are drawn, measured and judged.

    Attributes:
        labels: training labels as they are, or augmented.
        augmentation: of a label, in mode ``augmented``.
        label_place: a label must lie ``inside`` the organ, or may lie ``anywhere``.
        label_tries: labels tried for one organ before the candidate is given up.
        filter: reject candidates that fail a gate; without it everything is accepted that has a
            label in its place, and the scores are recorded.
        measure: compute lesion agreement, cross-modal shift and distance to the training slices;
            needed by `filter`.
        contour: most error of the mask against the map's filled outline.
        registration_px: most cross-modal shift of the worst pair of modalities, in pixels.
        lesion: the lesion agreement gate.
        memorisation: the gate that keeps copies of training slices out.
        chunk: candidates computed together, the unit of writing and of resuming.
        max_candidates_per_sample: candidates allowed for each sample asked for ...
        min_candidates: ... but never fewer than this in all.
        purpose: what the samples are for, a part of their names beside seed and number: a study draws
            others than ``generate``.
    """

    labels: LabelMode = "augmented"
    augmentation: LabelAugmentConfig = field(default_factory=LabelAugmentConfig)
    label_place: LabelPlace = "inside"
    label_tries: int = 20
    filter: bool = True
    measure: bool = True
    contour: ContourConfig = field(default_factory=ContourConfig)
    registration_px: float = 1.0
    lesion: LesionGate = field(default_factory=LesionGate)
    memorisation: MemorisationGate = field(default_factory=MemorisationGate)
    chunk: int = 8
    max_candidates_per_sample: int = 50
    min_candidates: int = 400
    purpose: SamplePurpose = "generation"

    def __post_init__(self) -> None:
        for name in ("label_tries", "chunk", "max_candidates_per_sample", "min_candidates"):
            value = getattr(self, name)
            check(f"{name} must be at least 1", value >= 1, **{name: value})
        check(
            "registration_px must be positive",
            self.registration_px > 0.0,
            registration_px=self.registration_px,
        )
        check(
            "filter judges what measure computes",
            self.measure or not self.filter,
            "Set measure=true, or filter=false.",
            filter=self.filter,
            measure=self.measure,
        )

    def identity(self) -> dict[str, Any]:
        """The settings that decide which samples come out: all but the bounds on candidates."""
        bounds = ("max_candidates_per_sample", "min_candidates")
        return {name: value for name, value in self.to_dict().items() if name not in bounds}

    def samples_fingerprint(self) -> str:
        """Hexadecimal name of `identity`."""
        return fingerprint("samples", self.identity())

    def candidate_cap(self, count: int) -> int:
        """Most candidates to look at for `count` accepted samples."""
        return max(self.min_candidates, self.max_candidates_per_sample * count)


@dataclass(frozen=True)
class Geometry(Config):
    """Where the pixels of a sample lie when it is written as a volume file.

    Attributes:
        spacing: mm between voxel centres along (z, y, x).
        origin: mm, centre of the first voxel as (x, y, z) in LPS.
        direction: unit vectors of the x, y and z axis as columns of a 3x3 matrix, row by row.
    """

    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        check("spacing is three positive numbers of mm", min(self.spacing) > 0.0, spacing=self.spacing)
        check("direction is a 3x3 matrix, row by row", len(self.direction) == 9, direction=self.direction)
