"""Studies as tables: a row is a name and the settings it changes; what is claimed of rows is data too.

The published numbers are kept as reference columns and are nobody's target: the papers, their drafts
and their authors' own records disagree on them. Their Dice and MSE are those of the label codes taken
as numbers (`metrics.overlap.legacy_dice`, `legacy_mse`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.families.lesion import LesionSettings
from tf_medsynth.config.imaging import ImageAugmentConfig

Mixing = Literal["random", "real_first", "synthetic_first"]
Shares = Literal["auto", "patients", "slices"]

STUDIES = ("availability", "lesion-guidance", "ablation", "quality")
FLAT_FIRST_SHARE = 0.9
"""Presentations that go to the synthetic phase where only a tenth of the real slices is left.

Source: the papers' released code. Deviates: their text says "proportional to the amount".
"""


@dataclasses.dataclass(frozen=True)
class Mix(Config):
    """What a downstream network is trained on, in multiples of N, the number of training slices.

    Attributes:
        real: share of the real training slices.
        synthetic: synthetic slices.
        augmented: classically augmented copies of the real slices.
        mixing: ``random``, one shuffled pile; ``real_first``, all real presentations, then all
            synthetic ones; ``synthetic_first``, the other way round.
        first_share: share of the presentations in the first phase; none is in proportion to the
            amounts.
    """

    real: float = 1.0
    synthetic: float = 0.0
    augmented: float = 0.0
    mixing: Mixing = "random"
    first_share: float | None = None

    def __post_init__(self) -> None:
        amounts: dict[str, Any] = {"real": self.real, "synthetic": self.synthetic}
        amounts["augmented"] = self.augmented
        check("amounts are not negative, and not all 0", min(amounts.values()) >= 0 < self.total, **amounts)
        check("the real share lies in [0, 1]", self.real <= 1.0, real=self.real)
        phased = self.mixing != "random"
        check(
            "two phases need real and synthetic slices, and nothing else",
            not phased or (min(self.real, self.synthetic) > 0 and self.augmented == 0),
            mixing=self.mixing,
            **amounts,
        )
        share = self.first_share
        check(
            "first_share lies in (0, 1), and is of two phases",
            share is None or (phased and 0 < share < 1),
            first_share=share,
            mixing=self.mixing,
        )

    @property
    def total(self) -> float:
        """Slices in all, in multiples of N."""
        return self.real + self.synthetic + self.augmented


@dataclasses.dataclass(frozen=True)
class AvailabilitySettings(Config):
    """One row of the availability study; rows differ in `mix` and nothing else.

    Every row sees ``segmentor.training.steps * segmentor.training.batch_size`` slices.

    Attributes:
        mix: what it is trained on.
        shares: a share of the real slices is a share of ``patients``, with all their slices, or of
            ``slices``, of whichever patient; ``auto`` takes patients where the share is at least
            one of them.
        enhanced: how augmented copies are made.
        segmentor: network, scheme and training: ``stacked``, one of all modalities; ``multiple``,
            one a modality, whose scores are averaged.
    """

    mix: Mix = Mix()
    shares: Shares = "auto"
    enhanced: ImageAugmentConfig = ImageAugmentConfig()
    segmentor: LesionSettings = dataclasses.field(
        default_factory=lambda: LesionSettings(scheme="stacked", held_out=0.0)
    )

    def __post_init__(self) -> None:
        parts = {"folds": self.segmentor.folds, "held_out": self.segmentor.held_out}
        remedy = "Leave segmentor.folds at 1 and held_out at 0; mix.real takes a share."
        rule = "a study trains on every training patient of the run"
        check(rule, parts == {"folds": 1, "held_out": 0.0}, remedy, **parts)


@dataclasses.dataclass(frozen=True)
class StudyRow:
    """A row of a study.

    Attributes:
        name: as it is asked for.
        about: what it is, in a few words.
        overrides: settings it changes, by dotted key.
        reference: published values by measure.
        baseline: the baseline that draws in the place of the run's stages; none where they draw.
    """

    name: str
    about: str
    overrides: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    reference: Mapping[str, float] = dataclasses.field(default_factory=dict)
    baseline: str = ""


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim on mean scores: ``row - factor * other > margin`` for each of `others` that was run.

    Attributes:
        side: ``below`` turns it round: ``factor * other - row > margin``.
        origin: who says so: the papers, or the aim of this project.
        measure: by which it is judged; none by each Dice.
    """

    text: str
    row: str
    others: tuple[str, ...]
    side: Literal["above", "below"] = "above"
    factor: float = 1.0
    margin: float = 0.0
    origin: str = "papers"
    measure: str = ""


def study_rows(study: str) -> dict[str, StudyRow]:
    """Every row of a study by name; an unknown study raises."""
    check("unknown study", study in STUDIES, f"Known: {', '.join(STUDIES)}.", study=study)
    return TABLES[study]


def chosen_rows(study: str, names: Sequence[str]) -> list[StudyRow]:
    """The rows called `names`, in that order, each once.

    Raises:
        MedSynthError: none, or one that the study does not have.
    """
    table = study_rows(study)
    check("a study needs rows", bool(names), f"--rows of {', '.join(table)}, or all.", rows=list(names))
    wanted = list(table) if list(names) == ["all"] else list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in table]
    check(f"unknown row of {study}", not unknown, f"Rows: {', '.join(table)}.", rows=unknown)
    return [table[name] for name in wanted]


# Availability: S1 Table 5 = S0 Table 2 = S2 Table 2. (real, synthetic, augmented, mixing, MSE, Dice)
_AVAILABILITY: Mapping[str, tuple[float, float, float, Mixing, float, float]] = {
    "1": (1, 0, 0, "random", 0.026, 0.915),
    "2": (0.5, 0, 0, "random", 0.032, 0.902),
    "3": (0, 1, 0, "random", 0.205, 0.708),
    "4": (0, 2, 0, "random", 0.206, 0.736),
    "5": (0, 3, 0, "random", 0.205, 0.754),
    "6": (0.1, 1, 0, "synthetic_first", 0.031, 0.908),
    "7": (0.1, 2, 0, "synthetic_first", 0.028, 0.907),
    "8": (0.1, 3, 0, "synthetic_first", 0.030, 0.907),
    "9": (0.2, 0.8, 0, "random", 0.041, 0.850),
    "10": (0.5, 0.5, 0, "random", 0.031, 0.904),
    "11": (0.8, 0.2, 0, "random", 0.024, 0.935),
    "12": (1, 0.2, 0, "random", 0.025, 0.921),
    "13": (1, 0.5, 0, "random", 0.023, 0.939),
    "14": (1, 0.8, 0, "random", 0.026, 0.916),
    "15": (1, 1, 0, "random", 0.027, 0.913),
    "16": (1, 2, 0, "random", 0.033, 0.901),
    "17": (1, 3, 0, "random", 0.034, 0.897),
    "18": (1, 0, 0.2, "random", 0.027, 0.911),
    "19": (1, 0, 0.5, "random", 0.025, 0.927),
    "20": (1, 0, 0.8, "random", 0.026, 0.920),
    "21": (1, 0, 1, "random", 0.026, 0.915),
    "22": (1, 0, 2, "random", 0.032, 0.898),
    "23": (1, 0, 3, "random", 0.036, 0.885),
    "24": (1, 1, 0, "real_first", 0.195, 0.795),
    "25": (1, 1, 0, "synthetic_first", 0.021, 0.940),
}

_CURVE = {"C12": 0.125, "C25": 0.25, "C75": 0.75}
"""Further shares of the real patients, for the learning curve; not of the papers."""


def _availability() -> dict[str, StudyRow]:
    rows = {}
    for name, (real, synthetic, augmented, mixing, mse, dice) in _AVAILABILITY.items():
        mix: dict[str, Any] = {"mix.real": real, "mix.synthetic": synthetic, "mix.augmented": augmented}
        mix["mix.mixing"] = mixing
        if real == 0.1:
            mix["mix.first_share"] = FLAT_FIRST_SHARE
        rows[name] = StudyRow(name, mix_words(mix), mix, {"legacy_mse": mse, "legacy_dice": dice})
    for name, share in _CURVE.items():
        mix = {"mix.real": share, "shares": "patients"}
        rows[name] = StudyRow(name, f"{mix_words(mix)} (learning curve, of the patients)", mix)
    return rows


def mix_words(overrides: Mapping[str, Any]) -> str:
    """A mix in words, e.g. ``real x1 + synthetic x0.5, random``."""
    amounts = {kind: overrides.get(f"mix.{kind}", 0) for kind in ("real", "synthetic", "augmented")}
    parts = [f"{kind} ×{amount:g}" for kind, amount in amounts.items() if amount]
    mode = str(overrides.get("mix.mixing", "random")).replace("_", " ")
    return " + ".join(parts) + (f", {mode}" if len(parts) > 1 else "")


MIXES = tuple(name for name, row in _AVAILABILITY.items() if row[0] and row[1])
"""Rows with both real and synthetic slices."""


def _others(name: str) -> tuple[str, ...]:
    return tuple(row for row in MIXES if row != name)


AVAILABILITY_CLAIMS = (
    Claim("synthetic first, then real, beats real alone", "25", ("1",)),
    Claim("it does by 2.5 points of Dice", "25", ("1",), margin=0.025, origin="aim"),
    Claim("a tenth of the real slices with synthetic reaches 99 % of all real", "6", ("1",), factor=0.99),
    Claim("twice the synthetic with a tenth of the real reaches 99 % too", "7", ("1",), factor=0.99),
    Claim("real first, then synthetic, is the worst of the mixes", "24", _others("24"), side="below"),
    Claim("synthetic first, then real, is the best of the mixes", "25", _others("25")),
    Claim("half the real slices are worse than all", "2", ("1",), side="below"),
    Claim("synthetic alone is worse than real alone", "3", ("1",), side="below"),
    Claim("three times the synthetic alone beats once", "5", ("3",)),
    Claim("half as much synthetic mixed in at random beats real alone", "13", ("1",)),
    Claim("a fifth of synthetic in the place of real beats real alone", "11", ("1",)),
    Claim("three times the synthetic at random is worse than real alone", "17", ("1",), side="below"),
    Claim("half as much classical augmentation beats real alone", "19", ("1",)),
    Claim("half as much synthetic beats as much classical augmentation", "13", ("19",)),
    Claim("three times the augmentation is worse than real alone", "23", ("1",), side="below"),
)

# Lesion guidance: S0 Table 1 = S2 Table 1, unfiltered synthetic slices against their labels.
LESION_GUIDANCE = {
    row.name: row
    for row in (
        StudyRow(
            "single",
            "guided by one segmentor for every modality in turn (1SEG)",
            {"lesion.scheme": "single"},
            {"legacy_mse": 0.053, "legacy_dice": 0.741},
        ),
        StudyRow(
            "shared",
            "guided by one encoder with a decoder a modality (1EC + 4DC)",
            {"lesion.scheme": "shared"},
            {"legacy_mse": 0.055, "legacy_dice": 0.808},
        ),
        StudyRow(
            "multiple",
            "guided by a segmentor a modality (4SEG)",
            {"lesion.scheme": "multiple"},
            {"legacy_mse": 0.043, "legacy_dice": 0.838},
        ),
        StudyRow(
            "stacked",
            "guided by one segmentor of all modalities together (not of the papers)",
            {"lesion.scheme": "stacked"},
        ),
        StudyRow("none", "not guided: no lesion loss", {"multimodal.weights.lesion": 0.0}),
    )
}

# No noise at all: neither inside the organ (eq. 12) nor of the pixels, which would do its work.
_NOISE = {"fusion.noise_low": 0.0, "fusion.noise_high": 0.0, "generator.pixel_noise": False}
_QUIET = {f"multimodal.{key}": value for key, value in _NOISE.items()}
POST_PROCESSING = (
    "Drawn images of every row are shifted and scaled where they are not dark, two numbers a modality, to "
    "the mean and spread of the training slices."
)
"""The one setting of all generators that a study compares; real images stay as they are."""

_UNREGISTERED = {"multimodal.weights.registration": 0.0}
_UNGUIDED = {"multimodal.weights.lesion": 0.0}
_ANYWHERE = {"multimodal.label_place": "anywhere"}

# Ablation: the cumulative grid as the released code has it, then leaving one out. MS-SSIM of X1.
ABLATION = {
    row.name: row
    for row in (
        StudyRow("A", "four plain GANs from noise", {}, {"ms_ssim": 0.504}, baseline="gan"),
        StudyRow(
            "B",
            "structure map, conditional generator, no noise",
            {**_QUIET, **_UNREGISTERED, **_UNGUIDED},
            {"ms_ssim": 0.654},
        ),
        StudyRow("C", "B and noise", {**_UNREGISTERED, **_UNGUIDED}, {"ms_ssim": 0.671}),
        StudyRow("D", "C and the registration loss", _UNGUIDED, {"ms_ssim": 0.674}),
        StudyRow("E", "D and the lesion loss, labels anywhere", _ANYWHERE, {"ms_ssim": 0.673}),
        StudyRow("F", "E with labels inside the organ: everything", {}, {"ms_ssim": 0.686}),
        StudyRow("F-noise", "everything but noise", _QUIET),
        StudyRow("F-registration", "everything but the registration loss", _UNREGISTERED),
        StudyRow("F-lesion", "everything but the lesion loss", _UNGUIDED),
        StudyRow("F-labels", "everything but labels inside the organ", _ANYWHERE),
    )
}
"""Deviates: the generator is always given the label, which the authors' script left out in all of A-F.
Their script keeps labels inside the organ in F alone; here they also are in B to D.
"""

GUIDANCE_CLAIMS = (
    Claim("a segmentor a modality guides better than none", "multiple", ("none",)),
    Claim("a segmentor a modality guides better than one of all", "multiple", ("single",)),
    Claim("a segmentor a modality guides better than a shared encoder", "multiple", ("shared",)),
    Claim("a decoder a modality guides better than one segmentor of all", "shared", ("single",)),
)
_SHIFT, _ALIKE, _FAR = "registration_shift_px", "ms_ssim", "fid"
ABLATION_CLAIMS = (
    Claim("a structure map brings modalities together", "B", ("A",), "below", measure=_SHIFT),
    Claim("a structure map makes samples more like real slices", "B", ("A",), measure=_ALIKE),
    Claim("noise does", "C", ("B",), measure=_ALIKE),
    Claim("the registration loss does", "D", ("C",), measure=_ALIKE),
    Claim("labels inside the organ do", "F", ("E",), measure=_ALIKE),
    Claim("everything together does, beside plain GANs", "F", ("A",), measure=_ALIKE),
    Claim("the registration loss brings modalities together", "D", ("C",), "below", measure=_SHIFT),
    Claim("it does with all else in place", "F", ("F-registration",), "below", measure=_SHIFT),
    Claim("the lesion loss makes the lesion visible", "F", ("F-lesion",)),
    Claim("it does in the cumulative grid", "F", ("D",)),
    Claim("noise costs no lesion", "F", ("F-noise",)),
    Claim("labels inside the organ make the lesion visible", "F", ("E",)),
)

# Image quality: S1 Table 3, BRATS.
QUALITY = {
    row.name: row
    for row in (
        StudyRow("run", "samples of the run", {}, {"ms_ssim": 0.727, "fid": 22.27}),
        StudyRow(
            "run-lesion",
            "the same, cropped to their lesion",
            {"crop": "lesion"},
            {"ms_ssim": 0.738, "fid": 21.15},
        ),
        StudyRow("real", "one half of the real training patients against the other"),
        StudyRow("real-lesion", "the same, cropped to their lesion", {"crop": "lesion"}),
        StudyRow(
            "skrgan",
            "a GAN a modality, from the run's structure maps (SkrGAN*)",
            {},
            {"ms_ssim": 0.713, "fid": 28.46},
            baseline="skrgan",
        ),
        StudyRow(
            "gan",
            "a plain GAN a modality, from noise",
            {},
            {"ms_ssim": 0.561, "fid": 104.53},
            baseline="gan",
        ),
    )
}

QUALITY_CLAIMS = (
    Claim(
        "samples of the run are nearer to real ones than SkrGAN's", "run", ("skrgan",), "below", measure=_FAR
    ),
    Claim(
        "samples of the run are nearer to real ones than a plain GAN's",
        "run",
        ("gan",),
        "below",
        measure=_FAR,
    ),
    Claim(
        "SkrGAN's samples are nearer to real ones than a plain GAN's",
        "skrgan",
        ("gan",),
        "below",
        measure=_FAR,
    ),
    Claim("samples of the run are more like real ones than SkrGAN's", "run", ("skrgan",), measure=_ALIKE),
    Claim("samples of the run are more like real ones than a plain GAN's", "run", ("gan",), measure=_ALIKE),
)
"""Deviates: the papers call a higher MS-SSIM better. Of random pairs it is not: see docs/studies.md."""

TABLES: Mapping[str, dict[str, StudyRow]] = {
    "availability": _availability(),
    "lesion-guidance": LESION_GUIDANCE,
    "ablation": ABLATION,
    "quality": QUALITY,
}
CLAIMS: Mapping[str, tuple[Claim, ...]] = {
    "availability": AVAILABILITY_CLAIMS,
    "lesion-guidance": GUIDANCE_CLAIMS,
    "ablation": ABLATION_CLAIMS,
    "quality": QUALITY_CLAIMS,
}
