"""The registry of training families: one scan of this folder. Whatever lists families takes them from here.

A family kept elsewhere is found as well: ``MEDSYNTH_FAMILIES`` names modules that can be imported, each with
a ``FAMILY`` as the files here have, separated by commas.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Mapping

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.family import Family, in_order

OUTSIDE = "MEDSYNTH_FAMILIES"


def _scan() -> dict[str, Family]:
    here = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    outside = [name for name in os.environ.get(OUTSIDE, "").split(",") if name]
    found: dict[str, Family] = {}
    for place in (*sorted(here), *outside):
        family = getattr(importlib.import_module(place), "FAMILY", None)
        check("the module of a family has a FAMILY", isinstance(family, Family), module=place)
        assert isinstance(family, Family)
        check("families have names of their own", family.name not in found, family=family.name, module=place)
        found[family.name] = family
    return in_order(found)


FAMILIES: Mapping[str, Family] = _scan()
"""By name, in an order in which they can be trained."""

TRAINABLE = tuple(FAMILIES)

MODELS: Mapping[str, tuple[str, ...]] = {
    model: tuple(name for name, family in FAMILIES.items() if family.model_family == model)
    for model in dict.fromkeys(family.model_family for family in FAMILIES.values())
    if model
}
"""The families of one product, by `model_family`, in the order in which they are trained."""

STAGES = MODELS["thesis"]
"""Of a run, in the order in which they are trained."""

BASELINES = MODELS["baselines"]
"""What the products are compared with."""

NEEDS: Mapping[str, tuple[str, ...]] = {name: family.needs for name, family in FAMILIES.items()}
"""Families that a family is trained or drawn with."""


def needs(name: str, domain: Domain) -> tuple[str, ...]:
    """Families that family `name` is trained or drawn with on such data: nothing translates one modality."""
    enough = domain.num_modalities
    return tuple(need for need in NEEDS[name] if FAMILIES[need].least_modalities <= enough)


def table() -> str:
    """All families as a Markdown table."""
    rows = [
        f"| `{family.name}` | {family.model_family or ''} | {family.about} | "
        f"{', '.join(f'`{need}`' for need in family.needs)} |"
        for family in FAMILIES.values()
    ]
    return "\n".join(["| family | of | what it learns | needs |", "|---|---|---|---|", *rows]) + "\n"
