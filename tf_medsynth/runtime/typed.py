"""Is a value of JSON of the type that a schema states? The first place where it is not is named.

A schema is a type: a `TypedDict` whose keys are needed unless they are `NotRequired`, with lists, tuples,
mappings, unions and literals in it. Keys that it does not know are kept, since other versions have more.

The check is our own because the base installation has no library for it: pydantic comes with the
extras alone, takes a tenth of a second to import, and before Python 3.12 refuses `typing.TypedDict`.
"""

from __future__ import annotations

import contextlib
import functools
import math
import reprlib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from tf_medsynth.config.base import check
from tf_medsynth.types import MedSynthError

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_MOST_NAMED = 3
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "an object"}


class Shown(str):
    """Text that an error shows without quotes."""

    def __repr__(self) -> str:
        return str(self)


def short(value: Any) -> Shown:
    """`value` as an error shows it, however long it is."""
    return Shown(_SHORT.repr(value))


def typed(value: Any, schema: Any, name: str = "") -> Any:
    """`value`, which is of the type `schema`.

    Args:
        name: what the value is called in an error, with its place, e.g. ``rows.1.mean``.

    Raises:
        MedSynthError: it is not; the first place that differs is named.
    """
    origin, arguments = typing.get_origin(schema), typing.get_args(schema)
    if schema is Any or schema is object:
        return value
    if typing.is_typeddict(schema):
        return _typed_dict(value, schema, name)
    if origin in (typing.Union, types.UnionType):
        return _typed_union(value, arguments, name)
    if origin is typing.Literal:
        check(
            f"{_called(name)} must be one of {', '.join(map(str, arguments))}",
            any(value == known and type(value) is type(known) for known in arguments),
            **_received(name, value),
        )
        return value
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        _is(value, dict, "an object", name)
        for key, inner in value.items():
            typed(inner, arguments[1], f"{name}.{key}")
        return value
    if origin is tuple and arguments[-1] is not Ellipsis:
        _is(value, list, f"a list of {len(arguments)}", name)
        check(
            f"{_called(name)} must be a list of {len(arguments)}",
            len(value) == len(arguments),
            **_received(name, value),
        )
        for place, (inner, part) in enumerate(zip(value, arguments, strict=True)):
            typed(inner, part, f"{name}[{place}]")
        return value
    if origin in (list, tuple) or (isinstance(origin, type) and issubclass(origin, Sequence)):
        _is(value, list, "a list", name)
        for place, inner in enumerate(value):
            typed(inner, arguments[0], f"{name}[{place}]")
        return value
    return _typed_plain(value, schema, name)


def _typed_dict(value: Any, schema: Any, name: str) -> Any:
    _is(value, dict, "an object", name)
    hints, optional = _hints(schema)
    missing = [key for key in hints if key not in value and key not in optional]
    check(
        f"{_called(name)} must have {', '.join(missing[:_MOST_NAMED])}",
        not missing,
        keys=short(list(value)),
    )
    for key in hints.keys() & value.keys():
        typed(value[key], hints[key], f"{name}.{key}" if name else key)
    return value


def _typed_union(value: Any, options: Sequence[Any], name: str) -> Any:
    """The error of the last option is told, unless the value is of none of their kinds."""
    if value is None and type(None) in options:
        return value
    others = [option for option in options if option is not type(None)]
    for option in others[:-1]:
        with contextlib.suppress(MedSynthError):
            return typed(value, option, name)
    return typed(value, others[-1], name)


def _typed_plain(value: Any, schema: Any, name: str) -> Any:
    if schema is float:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    elif schema is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
    else:
        fits = isinstance(value, schema)
    check(f"{_called(name)} must be {_NAMES[schema]}", fits, **_received(name, value))
    return value


@functools.cache
def _hints(schema: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """Types by key, and the keys that may be missing.

    ``__required_keys__`` of Python 3.11 does not know `NotRequired` in postponed annotations.
    """
    hints = typing.get_type_hints(schema, include_extras=True)
    optional = {key for key, hint in hints.items() if typing.get_origin(hint) is typing.NotRequired}
    return {k: typing.get_args(h)[0] if k in optional else h for k, h in hints.items()}, frozenset(optional)


def _is(value: Any, kind: type, words: str, name: str) -> None:
    check(f"{_called(name)} must be {words}", isinstance(value, kind), **_received(name, value))


def _called(name: str) -> str:
    return f"{name.lstrip('.')!r} of a record" if name else "a record"


def _received(name: str, value: Any) -> dict[str, Any]:
    return {"kind": type(value).__name__, "value": short(value)}
