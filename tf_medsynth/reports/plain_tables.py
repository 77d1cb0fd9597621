"""Any nested JSON answer as tables: whoever measured it, nothing in it is left out without saying so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tf_medsynth.metrics.intervals import Interval
from tf_medsynth.reports.tables import UNKNOWN, Table, number, spelled

MOST_ROWS = 12
"""Rows of one table; what lies beyond is counted in its note."""

_MOST_LISTED = 8


def plain_tables(values: Mapping[str, Any], title: str = "") -> list[Table]:
    """Tables of an answer: scalars of a level together, alike mappings side by side, the rest below.

    Args:
        values: JSON values: numbers, text, intervals, lists and mappings, nested at will.
        title: of the level; those below add their key to it.
    """
    return list(_tables(values, title))


def as_interval(value: Any) -> Interval | None:
    """`value` as an interval, where it is one: as `Interval` is kept in JSON, or by its names."""
    if isinstance(value, Mapping) and {"estimate", "low", "high"} <= value.keys():
        value = [*(value[name] for name in ("estimate", "low", "high")), value.get("n", 0)]
    if not (isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 4):
        return None
    if isinstance(value[3], bool) or not isinstance(value[3], int) or not all(map(_numeric, value)):
        return None
    estimate, low, high = (float("nan") if part is None else float(part) for part in value[:3])
    sound = not (low > estimate or high < estimate)
    return Interval(estimate, low, high, value[3]) if sound else None


def shown(value: Any) -> str:
    """One value as text of a cell."""
    interval = as_interval(value)
    if interval is not None:
        if interval.low != interval.low:  # NaN: from one unit there is no interval
            return number(interval.estimate)
        units = f"; n = {interval.n}" if interval.n else ""
        return f"{number(interval.estimate)} ({number(interval.low)} to {number(interval.high)}{units})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and 0 < abs(value) < 0.001:
        return f"{value:.2g}"
    if isinstance(value, (list, tuple)):
        if len(value) > _MOST_LISTED:
            return f"{len(value)} values"
        return ", ".join(map(shown, value)) or UNKNOWN
    if isinstance(value, Mapping):
        return ", ".join(f"{spelled(key)} {shown(inner)}" for key, inner in value.items()) or UNKNOWN
    return number(value)


def _tables(values: Mapping[str, Any], title: str) -> Iterator[Table]:
    flat = {key: value for key, value in values.items() if _is_cell(value)}
    if flat:
        rows = [[spelled(key), shown(value)] for key, value in flat.items()]
        yield Table(title or "Facts", ["measure", "value"], rows)
    for key, value in values.items():
        below = f"{title} · {spelled(key)}" if title else spelled(key).capitalize()
        if key in flat or not value:
            continue
        if isinstance(value, Mapping):
            yield from _side_by_side(value, below) if _alike(value) else _tables(value, below)
        elif all(isinstance(part, Mapping) for part in value):
            yield _listed(value, below)
        else:
            yield Table(below, ["number", "values"], [[str(n), shown(part)] for n, part in enumerate(value)])


def _side_by_side(values: Mapping[str, Mapping[str, Any]], title: str) -> Iterator[Table]:
    """A row a mapping, a column a key of theirs."""
    columns = list(dict.fromkeys(key for inner in values.values() for key in inner))
    rows = [
        [spelled(name), *(shown(inner.get(column)) for column in columns)] for name, inner in values.items()
    ]
    yield Table(title, ["of", *map(spelled, columns)], rows[:MOST_ROWS], _more(len(rows)))


def _listed(values: Sequence[Mapping[str, Any]], title: str) -> Table:
    columns = list(dict.fromkeys(key for row in values for key in row))
    rows = [[shown(row.get(column)) for column in columns] for row in values[:MOST_ROWS]]
    return Table(title, list(map(spelled, columns)), rows, _more(len(values)))


def _more(count: int) -> str:
    return f"The first {MOST_ROWS} of {count} rows." if count > MOST_ROWS else ""


def _alike(values: Mapping[str, Any]) -> bool:
    """Mappings of cells only, which share at least half of their keys."""
    inner = list(values.values())
    if not inner or not all(isinstance(v, Mapping) and all(map(_is_cell, v.values())) for v in inner):
        return False
    keys = set().union(*inner)
    return 2 * sum(len(v) for v in inner) >= len(keys) * len(inner)


def _is_cell(value: Any) -> bool:
    if as_interval(value) is not None:
        return True
    if isinstance(value, (list, tuple)):
        return not any(isinstance(part, (Mapping, list, tuple)) for part in value)
    return not isinstance(value, Mapping)


def _numeric(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
