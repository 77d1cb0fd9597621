"""Presets: all settings of a run by name. What a preset says of a family stands with the family."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.families import FAMILIES
from tf_medsynth.config.imaging import OPERATOR_PRESETS, OperatorConfig, operator_preset


@dataclasses.dataclass(frozen=True)
class RunSettings(Config):
    """What all families of a run share.

    `operators` none takes those measured for the images' domain and size; a word is the name of one of
    `config.imaging.OPERATOR_PRESETS`.
    """

    data: DataSettings = dataclasses.field(default_factory=DataSettings)
    operators: OperatorConfig | None = None

    def __post_init__(self) -> None:
        for name, family in FAMILIES.items():
            if family.fits and hasattr(self, name):
                family.fits(getattr(self, name))

    def override(self, values: Mapping[str, Any], within: str = "") -> Self:
        """As `Config.override`; ``operators`` also takes the name of a preset."""
        named = values.get("operators")
        if isinstance(named, str) and named != "none":
            values = {**values, "operators": operator_preset(named)}
        return super().override(values, within)


def _field(default: Any) -> Any:
    return dataclasses.field(default_factory=lambda: default)


if TYPE_CHECKING:

    class Preset(RunSettings):
        """Settings of a whole run, and of the baselines that it is compared with: a field a family."""

        def __init__(self, **groups: Any) -> None:
            """Groups by name; the others are as published."""

        def __getattr__(self, family: str) -> Any:
            """Settings of `family`."""

else:
    Preset = dataclasses.make_dataclass(
        "Preset",
        [(name, type(family.settings), _field(family.settings)) for name, family in FAMILIES.items()],
        bases=(RunSettings,),
        frozen=True,
        namespace={"__module__": __name__},
    )


def preset(name: str) -> Preset:
    """The settings called `name`.

    Raises:
        MedSynthError: unknown name.
    """
    check("unknown preset", name in PRESETS, f"Known: {', '.join(PRESETS)}.", preset=name)
    return PRESETS[name]


def _preset(name: str, shared: Mapping[str, Any]) -> Preset:
    """The settings of `shared`, of what families say of preset `name`, and of what follows from those."""
    said = {k: family.presets.get(name, {}) for k, family in FAMILIES.items()}
    settings = Preset().override({**shared, **_by_family(said)})
    following = {k: family.follows(settings) for k, family in FAMILIES.items() if family.follows}
    return settings.override(_by_family(following))


def _by_family(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {f"{name}.{key}": value for name, own in values.items() for key, value in own.items()}


_SHARED: Mapping[str, Mapping[str, Any]] = {
    "thesis": {"data.normalisation": "minmax", "operators": OPERATOR_PRESETS["thesis/brats"]},
    "tiny": {},
    "brats96": {"data.normalisation": "organ_mean"},
    "phantom96": {"data.normalisation": "percentile"},
}

PRESETS: dict[str, Preset] = {name: _preset(name, shared) for name, shared in _SHARED.items()}
"""``thesis``: as published, see below. ``tiny``: 64 pixels on two cores in minutes, the demo's.
``brats96``: a dozen real patients at 96 pixels on two cores in about an hour. ``phantom96``: the model in
the box, the same with narrower networks, for a download of 10 MB.

``thesis`` has the thesis' weights, rates and lengths with its published networks, for 184x144 slices.

Source: Qu et al. (thesis), and the authors' released settings, `method` sections 2 to 5.
Deviates: in stage S the encoder and decoder of maps alone work at 512x512, as published; the mask
    generator, D_s and every loss see maps of the image's size, where the release keeps all of them
    at 512x512. The lines of a lesion are taken out of maps, as the papers say and the release does
    not. D_s also judges reconstructions, and D of stage M renderings of real maps, each at half the
    weight of what is drawn from z. A guide's sigmoid is in its loss; which class is likeliest does
    not change, and the probability of a lesion is the softmax of the same logits. Input dropout
    acts in training only. Stage M is fed the label, translations are what D of stage T judges,
    modalities and not slices are summed over, and 671,000 steps of four slices are 200 epochs of
    the 13,420 training slices.
"""
