"""Data sets that describe themselves in a ``dataset.json``: nnU-Net's raw data and the Decathlon's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.cohorts.words import class_of, kind_of
from tf_medsynth.config.layout_files import parse_codes
from tf_medsynth.config.layouts import LABEL, Layout
from tf_medsynth.types import MODALITIES


def dataset_layouts(paths: Iterable[Path]) -> Iterator[Layout]:
    """A layout for each ``dataset.json`` that names four modalities; others are passed over.

    nnU-Net writes a file a channel, ``imagesTr/NAME_0000.nii.gz``, and ``channel_names``; the Medical
    Segmentation Decathlon one file of four axes, and ``modality``.
    """
    for path in paths:
        values = _read(path)
        channels = values.get("channel_names")
        separate = isinstance(channels, Mapping)
        kinds = _kinds(channels if separate else values.get("modality"))
        if set(kinds) != set(MODALITIES):
            continue
        templates = {
            kind: (f"imagesTr/{{patient}}_{number:04d}" if separate else f"imagesTr/{{patient}}#{number}",)
            for kind, number in kinds.items()
        }
        name = "nnunet" if separate else "decathlon"
        yield Layout(name, templates | {LABEL: ("labelsTr/{patient}",)}, _codes(values.get("labels")))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, Mapping) else {}


def _kinds(channels: Any) -> dict[str, int]:
    """Number of the channel of each modality."""
    kinds: dict[str, int] = {}
    for number, name in channels.items() if isinstance(channels, Mapping) else ():
        found = kind_of(re.sub(r"\s+", "_", str(name)))
        if found and str(number).isdecimal():
            kinds.setdefault(found[0], int(number))
    return kinds


def _codes(labels: Any) -> dict[int, int]:
    """Code -> class; a label whose name means no single class has no code, and is refused where it occurs."""
    items = labels.items() if isinstance(labels, Mapping) else ()
    pairs = [(code, name) if str(code).isdecimal() else (name, code) for code, name in items]
    known = [(code, class_of(str(name))) for code, name in pairs if str(code).isdecimal()]
    return {0: 0} | parse_codes((code, meaning) for code, meaning in known if meaning)
