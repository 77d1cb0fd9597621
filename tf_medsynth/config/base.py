"""Frozen, validated settings: read from dictionaries and ``key=value`` words, named by a hash."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, TypeVar, cast

from tf_medsynth.types import MedSynthError

T = TypeVar("T")

_LONGEST = 600
"""Characters of a received value that an error shows."""


def check(rule: str, holds: bool, remedy: str = "", **received: Any) -> None:
    """Raises a one-line `MedSynthError` unless `holds`: rule, what was received, remedy."""
    if not holds:
        shown = ", ".join(f"{name}={_short(repr(value))}" for name, value in received.items())
        raise MedSynthError(f"{rule}. Received: {shown}." + (f" {remedy}" if remedy else ""))


def _short(text: str) -> str:
    """`text`, its middle left out where a reader could not use it all."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 100]} ... {text[-80:]}"


def fingerprint(*parts: Any) -> str:
    """A 16-digit hexadecimal name of JSON-able `parts`, equal exactly when they are equal."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Config:
    """Base of every settings class: strict keys, typed values, nested overrides.

    A subclass is a frozen dataclass of plain values, tuples and other `Config` classes, with its
    rules in `__post_init__` (use `check`).
    """

    def to_dict(self) -> dict[str, Any]:
        """Nested dictionary of plain JSON values; `from_dict` restores an equal object."""
        return cast(dict[str, Any], json.loads(json.dumps(dataclasses.asdict(self))))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The settings held by a nested dictionary; an unknown key raises."""
        hints = typing.get_type_hints(cls)
        check(f"settings of {cls.__name__} are an object", isinstance(values, Mapping), values=values)
        _known(cls, values)
        needed = [field.name for field in dataclasses.fields(cls) if _is_needed(field)]
        missing = [name for name in needed if name not in values]
        check(f"settings of {cls.__name__} need {', '.join(missing)}", not missing, keys=list(values))
        return cls(**{name: _read(hints[name], value, name) for name, value in values.items()})

    def override(self, values: Mapping[str, Any], within: str = "") -> Self:
        """A copy with dotted keys replaced, e.g. ``{"generator.base_filters": 16}``.

        Text values, as they come from ``--set key=value``, are read as the field's type.

        Args:
            values: by dotted key.
            within: how errors name the group that this is part of: ``"generator."``.

        Raises:
            MedSynthError: unknown key, a value that is not of the field's type, or no finite number.
        """
        hints = typing.get_type_hints(type(self))
        changes: dict[str, Any] = {}
        inner: dict[str, dict[str, Any]] = {}
        for key, value in values.items():
            name, _, rest = key.partition(".")
            _known(type(self), [name])
            if rest:
                inner.setdefault(name, {})[rest] = value
            else:
                changes[name] = _read(hints[name], value, within + key)
        for name, rests in inner.items():  # all at once: rules hold for the result, not on the way
            current = changes.get(name, getattr(self, name))
            check(
                f"only a group of settings has a dotted part, {name!r} is a value",
                isinstance(current, Config),
                key=f"{within}{name}.{next(iter(rests))}",
            )
            changes[name] = current.override(rests, f"{within}{name}.")
        return dataclasses.replace(self, **changes)

    def fingerprint(self) -> str:
        """Hexadecimal name of these settings."""
        return fingerprint(type(self).__name__, self.to_dict())


@dataclasses.dataclass(frozen=True)
class Weights(Config):
    """Base of the weights of a stage's terms, by name; 0 leaves a term out."""

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            check("a weight must not be negative", value >= 0, **{f"weights.{name}": value})


def parse_assignments(words: Sequence[str], example: str = "--set batch_size=8") -> dict[str, str]:
    """``["a.b=1", "c=x"]`` as a dictionary for `Config.override`.

    Args:
        words: as the command line has them.
        example: of the option that takes them, for the message of an error.
    """
    rule = f"{example.partition(' ')[0]} takes key=value"
    for word in words:
        check(rule, "=" in word[1:], f"Example: {example}", word=word)
    return dict(word.split("=", 1) for word in words)


def _is_needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _known(cls: type, names: Any) -> None:
    known = {field.name for field in dataclasses.fields(cls)}
    for name in names:
        check(
            f"unknown setting of {cls.__name__}",
            name in known,
            f"Known: {', '.join(sorted(known))}.",
            key=name,
        )


def _read(hint: Any, value: Any, key: str) -> Any:
    """`value` as type `hint`; text is parsed, anything else must already fit."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None or (value == "none" and type(None) in arguments):
            return None
        return _read(next(a for a in arguments if a is not type(None)), value, key)
    if origin is typing.Literal:
        check(f"{key} must be one of {', '.join(map(str, arguments))}", value in arguments, value=value)
        return value
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        check(f"{key} takes several values", isinstance(items, (list, tuple)), value=value)
        inner = [arguments[0]] * len(items) if arguments[-1] is Ellipsis else arguments
        check(f"{key} takes {len(inner)} comma-separated values", len(items) == len(inner), value=value)
        return tuple(_read(h, item, key) for h, item in zip(inner, items, strict=True))
    if origin in (dict, Mapping) or hint is dict:
        check(f"{key} must be an object", isinstance(value, Mapping), value=value)
        return dict(value)
    if isinstance(hint, type) and issubclass(hint, Config):
        return value if isinstance(value, hint) else hint.from_dict(value)
    if hint is bool:
        return _read_bool(value, key)
    return _convert(hint, value, key)


def _read_bool(value: Any, key: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    parsed = words.get(str(value).lower())
    check(f"{key} must be true or false", parsed is not None, value=value)
    return bool(parsed)


def _convert(hint: Callable[[Any], T], value: Any, key: str) -> T:
    name = getattr(hint, "__name__", str(hint))
    try:
        converted = hint(value)
    except (TypeError, ValueError, OverflowError):
        converted = None
    finite = not isinstance(converted, float) or math.isfinite(converted)
    check(f"{key} must be a finite number", finite, value=value)
    lossless = converted is not None and (isinstance(value, str) or converted == value)
    check(f"{key} must be of type {name}", lossless, value=value)
    return cast(T, converted)
