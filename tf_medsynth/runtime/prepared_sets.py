"""The one door through which a prepared data set is opened: its description is judged before TFDS follows it.

TFDS imports the module of each feature class that ``features.json`` names, whatever it is, and opens the
files that ``dataset_info.json`` names, wherever they are.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.runtime.records import of_file

_AGAIN = "Prepare or generate the set again."
_CLASS_KEYS = ("pythonClassName", "python_class_name")
_NAMES = ("name", "configName", "config_name", "version")
_TEMPLATES = ("filepathTemplate", "filepath_template")


def open_prepared(folder: Path | str) -> Any:
    """TFDS builder of the data set in `folder`, that of a version.

    Raises:
        MedSynthError: its description is damaged, names other than TFDS's own feature classes, or files
            elsewhere.
    """
    import tensorflow_datasets as tfds

    check_prepared(folder)
    try:
        return tfds.builder_from_directory(folder)
    except Exception as error:  # protobuf's, JSON's, assertions: each file fails in its own way
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        check("a prepared dataset must be whole", False, _AGAIN, folder=str(folder), error=first)


def domain_of(builder: Any) -> Domain:
    """What the data set of a TFDS builder shows, as its metadata state it.

    Raises:
        MedSynthError: they state none, or one that breaks a rule.
    """
    info = builder.info
    stated: Any = dict(info.metadata or {}).get("domain")
    rule = "a prepared dataset states its domain: modalities, channels, label"
    check(rule, stated is not None, "Run medsynth prepare again.", dataset=info.full_name)
    with of_file(Path(builder.data_dir) / "metadata.json", _AGAIN):
        return Domain.from_dict(stated)


def check_prepared(folder: Path | str) -> None:
    """Raises unless TFDS can follow the description in `folder`, as far as there is one, safely."""
    for name in ("features.json", "dataset_info.json"):
        file = Path(folder) / name
        if file.exists():
            described, whole = _read(file), name == "features.json"
            _check_classes(described if whole else described.get("features"), file)
            if not whole:
                _check_names(described, file)
    metadata = Path(folder) / "metadata.json"
    if metadata.exists():
        _read(metadata)


def _read(file: Path) -> dict[str, Any]:
    held, reason = None, "not an object"
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]
    rule = "the description of a data set must be a whole JSON object"
    check(rule, isinstance(held, dict), _AGAIN, file=str(file), reason=reason)
    return dict(held or {})


def _check_classes(described: Any, file: Path) -> None:
    for key, value in _entries(described, file):
        rule = "names of features must be no paths"
        check(rule, _is_name(key), _AGAIN, file=str(file), name=key)
        if key in _CLASS_KEYS:
            check(
                "the features of a data set must be those of TFDS: others are code of somebody's",
                isinstance(value, str) and value in _known_classes(),
                _AGAIN,
                file=str(file),
                feature=value,
            )


def _entries(value: Any, file: Path) -> Iterator[tuple[str, Any]]:
    """Keys and values at any depth, and in JSON within; classes of TFDS's older form too."""
    if isinstance(value, list):
        for item in value:
            yield from _entries(item, file)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key, item
            if key == "json" and isinstance(item, str):
                item = _inner(item, file)
            yield from _entries(item, file)
        if "type" in value and "content" in value:
            yield _CLASS_KEYS[0], value["type"]


def _inner(text: str, file: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        rule = "the description of a data set must be whole JSON"
        check(rule, False, _AGAIN, file=str(file), json=text[:80])


def _check_names(described: dict[str, Any], file: Path) -> None:
    """Raises where a name, or a file's name, leads out of the folder."""
    splits = described.get("splits", [])
    rule = "the splits of a data set must be a list of objects"
    check(rule, isinstance(splits, list) and all(isinstance(s, dict) for s in splits), _AGAIN, file=str(file))
    for group in (described, *splits):
        for key in (*_NAMES, *_TEMPLATES):
            value = group.get(key, "")
            rule = f"{key} in the description of a data set must be a name, no path"
            check(rule, isinstance(value, str) and _is_name(value), _AGAIN, file=str(file), **{key: value})


def _is_name(text: str) -> bool:
    return not set(text) & set("/\\\0") and text not in (".", "..")


@functools.cache
def _known_classes() -> frozenset[str]:
    """Feature classes of TFDS by their full names."""
    import tensorflow_datasets as tfds

    held = vars(tfds.features).values()
    kind = tfds.features.FeatureConnector
    found = [value for value in held if isinstance(value, type) and issubclass(value, kind)]
    return frozenset(f"{value.__module__}.{value.__name__}" for value in found)
