"""How a folder of patients is to be read: layout, label codes, persons, who is left out."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.layout_files import layouts_of, parse_codes, read_layout
from tf_medsynth.config.layouts import ANY_LAYOUT, STUDIES, Layout
from tf_medsynth.config.persons import alias_groups, check_pattern


@dataclasses.dataclass(frozen=True)
class CohortSettings(Config):
    """What a user says of a folder; the defaults read every published layout.

    Attributes:
        layout: key of `LAYOUTS`, ``"any"``, or an own layout as JSON text (`Layout.to_text`).
        codes: meaning of the label codes, instead of the layout's: a key of `STUDIES`, or each code
            with its class, as ``1=oedema,2=non_enhancing,3=enhancing``.
        person: regular expression of what in a patient's name is the person.
        aliases: ``"A=B"``: two names of one person.
        leave_out: names of patients that are not wanted.
        trusted: names of patients whose codes are as the layout says, though anatomy speaks against it.
        copied_modalities: take a patient of whom one scan stands for two modalities.
        unlabelled: a patient without a lesion label is refused, or goes into a split of that name,
            which only what needs no label may read.
    """

    layout: str = ANY_LAYOUT
    codes: tuple[str, ...] = ()
    person: str = ""
    aliases: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    copied_modalities: bool = False
    unlabelled: Literal["refuse", "split"] = "refuse"

    def __post_init__(self) -> None:
        layouts_of(self.layout)
        check_pattern(self.person)
        alias_groups(self.aliases, self.person)
        if self.codes:
            self.code_table({})

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """The layouts to look for, in order."""
        return layouts_of(self.layout)

    def trusts(self, patient: str) -> bool:
        """Whether a patient is in `trusted`, in any letter case."""
        return patient.casefold() in {name.casefold() for name in self.trusted}

    def leaves_out(self, patient: str) -> bool:
        """Whether a patient is in `leave_out`, in any letter case."""
        return patient.casefold() in {name.casefold() for name in self.leave_out}

    def code_table(self, published: Mapping[int, int]) -> Mapping[int, int]:
        """Code -> index into the classes of `BRAIN_MRI`: what these settings say, else `published`."""
        if not self.codes:
            return published
        if len(self.codes) == 1 and "=" not in self.codes[0]:
            study = self.codes[0]
            check(
                "codes are those of a study, or code=class",
                study in STUDIES,
                f"Known: {', '.join(STUDIES)}; or e.g. codes=1=oedema,2=enhancing",
                codes=study,
            )
            return STUDIES[study]
        pairs = [word.partition("=") for word in self.codes]
        return {0: 0} | parse_codes((code, meaning) for code, _, meaning in pairs)


S = TypeVar("S", bound=CohortSettings)


def settings_of(base: S, overrides: Mapping[str, Any]) -> S:
    """`base` with `overrides`; a layout that is a TOML file is read, and travels with the settings.

    Raises:
        MedSynthError: unknown key or value, a layout file that is none.
    """
    values = dict(overrides)
    layout = values.get("layout")
    if isinstance(layout, os.PathLike) or (isinstance(layout, str) and layout.endswith(".toml")):
        values["layout"] = read_layout(Path(layout)).to_text()
    return base.override(values)


def cohort_part(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a data set's settings that say how its folder is read."""
    known = {field.name for field in dataclasses.fields(CohortSettings)}
    return {name: value for name, value in overrides.items() if name in known}
