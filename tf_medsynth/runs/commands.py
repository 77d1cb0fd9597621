"""Shell lines that make a run again, with every setting that its presets do not already say."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.config.presets import PRESETS, preset
from tf_medsynth.runs.run_directory import StageDirectory


def training_commands(stages: Sequence[StageDirectory]) -> list[str]:
    """One line a stage; folders stand as DATA and RUN, and the version of the data is left to them."""
    return [_training(directory.name, directory.config()) for directory in stages]


def generation_command(summary: Mapping[str, Any]) -> str:
    """The line that makes a published set again, by its summary; folders stand as RUN and OUT.

    Every threshold is given as a number, also those that were relative to a ceiling.
    """
    held = summary["settings"]
    words = ["medsynth", "generate", "--run", "RUN", "--count", str(summary["count"])]
    words += ["--seed", str(summary["seed"]), "--out", "OUT", "--labels", held["labels"]]
    words += ["--format", summary.get("format", "tfds"), *([] if held["filter"] else ["--no-filter"])]
    said = ("labels", "filter")
    changes = _differing(held, GenerationConfig().identity())
    changed = [f"{key}={_word(value)}" for key, value in changes if key not in said and _sayable(value)]
    return shlex.join([*words, *(["--set", *changed] if changed else [])])


def _training(stage: str, config: Mapping[str, Any]) -> str:
    name = str(config.get("data", "DATA")).rsplit("/", 1)[0]
    words = ["medsynth", "train", stage, "--data", name, "--data-dir", "DATA", "--run", "RUN"]
    words += ["--preset", str(config["preset"])] if "preset" in config else []
    words += ["--seed", str(config["seed"])]
    words += ["--precision", str(config["precision"]).removeprefix("mixed_")] if "precision" in config else []
    changes = dict(_changes(stage, config))
    sayable = [f"{key}={_word(value)}" for key, value in changes.items() if _sayable(value)]
    line = shlex.join([*words, *(["--set", *sayable] if sayable else [])])
    others = [key for key, value in changes.items() if not _sayable(value)]
    return f"{line}  # overrides of the Python call: {', '.join(others)}" if others else line


def _changes(stage: str, config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Settings that are not those of the preset, by dotted key."""
    if config.get("preset") not in PRESETS:
        return
    named = preset(config["preset"])
    for prefix, wanted, held in (
        ("", getattr(named, stage).to_dict(), config["settings"]),
        ("data.", named.data.to_dict(), config["data_settings"]),
    ):
        yield from ((prefix + key, value) for key, value in _differing(held, wanted))


def _differing(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in held.items():
        other = wanted.get(key)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            yield from ((f"{key}.{inner}", changed) for inner, changed in _differing(value, other))
        elif _plain(value) != _plain(other):
            yield key, value


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def _sayable(value: Any) -> bool:
    """Whether ``--set`` can give it: neither a group of settings nor a list of lists."""
    if isinstance(value, (list, tuple)):
        return not any(isinstance(part, (list, tuple, Mapping)) for part in value)
    return not isinstance(value, Mapping)


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(_word, value))
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
