"""A training family as a value: what one file of `config/families` states, and nothing else lists."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal, NamedTuple

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.networks import PAPER_SPECS

ModelFamily = Literal["thesis", "paper", "nie", "baselines"]
"""What families are parts of one product: the thesis' four stages, the joint paper's, Nie's. Baselines
are parts of none: what the products are compared with."""

BatchPart = Literal["structure", "drawn_maps"]
"""What a training batch holds beside images and label: structure map, background mask and the image that
they are of; maps that stage S drew, with labels put into them."""


class SwitchedOff(NamedTuple):
    """Weights that have no term under the settings, by dotted key, and why.

    Attributes:
        weights: dotted keys.
        setting: the setting that is why.
        value: of the setting.
        remedy: what else would help than to set the weights to 0.
    """

    weights: tuple[str, ...]
    setting: str
    value: object
    remedy: str


class FamilySettings(Config):
    """Base of a family's settings; a frozen dataclass with fields ``weights`` and ``training`` at least.

    Attributes:
        second_phase: weights of ``weights`` whose terms the second of two phases alone computes.
    """

    second_phase: ClassVar[tuple[str, ...]] = ()

    def switched_off(self) -> Iterator[SwitchedOff]:
        """Weights that other settings leave without a term."""
        yield from ()

    def check_training(self) -> None:
        """Raises where a training by these settings would be none; what was so trained is still read."""


@dataclasses.dataclass(frozen=True)
class Family:
    """A training family: settings, presets and needs. Its networks and terms are in `module`.

    Attributes:
        name: of its settings in a preset, of its folder in a run, and of what ``medsynth train`` takes.
        about: one line for tables.
        settings: as published; a preset that says nothing of the family has these.
        presets: what each preset changes of them, by its name and by dotted key.
        follows: settings that follow from those of other families in the same preset, by dotted key.
        fits: raises where settings are not this family's.
        model_family: whose product it is a part of, if any.
        needs: families that it is trained or drawn with.
        frozen: those of them whose networks look on in its training.
        batch: what a batch holds beside images and label.
        least_modalities: fewest that the data must have; nobody needs it where they have fewer.
        label_free: whether it reads no label, and so also trains on patients who have none.
        holds_out: whether its settings leave persons out: ``folds``, ``fold``, ``held_out``.
        module: with `networks_of` and `stage_of`; by default ``tf_medsynth.stages.NAME``.
    """

    name: str
    about: str
    settings: Any
    presets: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    follows: Callable[[Any], Mapping[str, Any]] | None = None
    fits: Callable[[Any], None] | None = None
    model_family: ModelFamily | None = None
    needs: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    batch: tuple[BatchPart, ...] = ()
    least_modalities: int = 1
    label_free: bool = False
    holds_out: bool = False
    module: str = ""

    def __post_init__(self) -> None:
        check("a family's name is a word", self.name.isidentifier(), name=self.name)
        check(
            "a family has settings with weights and training",
            isinstance(self.settings, FamilySettings)
            and all(hasattr(self.settings, part) for part in ("weights", "training")),
            family=self.name,
            settings=type(self.settings).__name__,
        )
        check(
            "networks that look on are of families that are needed",
            set(self.frozen) <= set(self.needs),
            family=self.name,
            frozen=self.frozen,
            needs=self.needs,
        )
        if not self.module:
            object.__setattr__(self, "module", f"tf_medsynth.stages.{self.name}")


def published(name: str) -> Any:
    """A field that defaults to a published network; its image size is set when the data are known."""
    return dataclasses.field(default_factory=lambda: PAPER_SPECS[name])


_LAST: Mapping[str | None, int] = {"baselines": 1, None: 2}


def in_order(families: Mapping[str, Family]) -> dict[str, Family]:
    """`families` in an order in which they can be trained: each after what it needs; first those of products.

    Raises:
        MedSynthError: one needs what is not there, or itself.
    """
    ordered: dict[str, Family] = {}

    def add(name: str, wanted_by: tuple[str, ...]) -> None:
        check("a family needs one that there is", name in families, needs=name, wanted_by=wanted_by)
        check("a family cannot need itself", name not in wanted_by, family=name, wanted_by=wanted_by)
        for need in families[name].needs:
            add(need, (*wanted_by, name))
        ordered.setdefault(name, families[name])

    needed = {need for family in families.values() for need in family.needs}
    roots = [name for name in families if name not in needed] or list(families)
    for name in sorted(roots, key=lambda name: (_LAST.get(families[name].model_family, 0), name)):
        add(name, ())
    for name in sorted(families):
        add(name, ())
    return ordered
