"""A claim with the number that decides it, from below, from above, or from both sides."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Self

UNKNOWN = "–"
"""Shown where a number does not exist: never a 0."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """A claim with the number that decides it.

    Attributes:
        claim: in words.
        measured: the number, as text.
        wanted: the bound, as text; empty where the claim is its own.
        held: None where the number could not be measured, or decides nothing.
        note: what to know when reading it.
    """

    claim: str
    measured: str
    wanted: str
    held: bool | None
    note: str = ""

    @classmethod
    def at_least(cls, claim: str, value: float | None, bound: float, note: str = "") -> Self:
        """The finding that `value` reaches `bound`; undecided where `value` is None or NaN."""
        return cls(claim, number(value), f"≥ {bound:g}", _decided(value, lambda known: known >= bound), note)

    @classmethod
    def at_most(cls, claim: str, value: float | None, bound: float, note: str = "") -> Self:
        """The finding that `value` stays within `bound`; undecided where `value` is None or NaN."""
        return cls(claim, number(value), f"≤ {bound:g}", _decided(value, lambda known: known <= bound), note)

    @classmethod
    def alike(cls, claim: str, value: float | None, bound: float, note: str = "") -> Self:
        """The finding that `value`, a share of the real one, lies between `bound` and its inverse.

        What is to be like the real thing may fall short of it and may overdo it, by the same factor.
        Undecided where `value` is None or NaN; a bound of 0 asks for nothing, and anything holds.
        """
        most = 1.0 / bound if bound else math.inf
        held = _decided(value, lambda known: bound <= known <= most) if bound else True
        return cls(claim, number(value), f"{bound:g} to {most:.3g}", held, note)


def number(value: Any, digits: int = 3) -> str:
    """A number as text, `UNKNOWN` for None and NaN; integers keep all their digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return UNKNOWN
    return str(value) if isinstance(value, (int, str)) else f"{value:.{digits}f}"


def _decided(value: float | None, holds: Callable[[float], bool]) -> bool | None:
    return None if value is None or math.isnan(value) else bool(holds(value))
