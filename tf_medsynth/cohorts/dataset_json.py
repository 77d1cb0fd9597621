"""Data sets that describe themselves in a ``dataset.json``: nnU-Net's raw data and the Decathlon's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.cohorts.words import class_of, kind_of
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.layout_files import parse_codes
from tf_medsynth.config.layouts import LABEL, Layout


def dataset_layouts(paths: Iterable[Path], tested: bool = False) -> Iterator[tuple[Path, Layout]]:
    """A layout for each ``dataset.json`` that names four modalities, with its folder; others are passed over.

    nnU-Net writes a file a channel, ``imagesTr/NAME_0000.nii.gz``, and ``channel_names`` (``modality`` in its
    first version); the Medical Segmentation Decathlon one file of four axes, and ``modality``.

    Args:
        paths: of the files.
        tested: look for the images to be tested on as well, which have no label.
    """
    for path in paths:
        values = _read(path)
        kinds = _kinds(values.get("channel_names", values.get("modality")))
        if set(kinds) != set(BRAIN_MRI.modalities):
            continue
        separate = "channel_names" in values or any(path.parent.glob("imagesTr/*_0000.*"))
        folders = ("imagesTr", "imagesTs") if tested else ("imagesTr",)
        form = "{folder}/{{patient}}_{number:04d}" if separate else "{folder}/{{patient}}#{number}"
        templates = {
            kind: tuple(form.format(folder=folder, number=number) for folder in folders)
            for kind, number in kinds.items()
        }
        codes = _codes(values.get("labels"), path)
        name = "nnunet" if separate else "decathlon"
        yield path.parent, Layout(name, templates | {LABEL: ("labelsTr/{patient}",)}, codes)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # that of lists in lists in lists
        return {}
    return values if isinstance(values, Mapping) else {}


def _kinds(channels: Any) -> dict[str, int]:
    """Number of the channel of each modality."""
    kinds: dict[str, int] = {}
    for number, name in channels.items() if isinstance(channels, Mapping) else ():
        found = kind_of(re.sub(r"\s+", "_", str(name)))
        if found and _is_number(number):
            if found[0] in kinds:
                return {}  # two channels of one kind: the names do not say which is meant
            kinds[found[0]] = int(number)
    return kinds


def _codes(labels: Any, path: Path) -> dict[int, int]:
    """Code -> class; a label whose name means no single class has no code, and is refused where it occurs."""
    items = labels.items() if isinstance(labels, Mapping) else ()
    pairs = [(code, name) if _is_number(code) else (name, code) for code, name in items]
    known = [(code, class_of(str(name))) for code, name in pairs if _is_number(code)]
    return {0: 0} | parse_codes(((code, meaning) for code, meaning in known if meaning), str(path))


def _is_number(value: Any) -> bool:
    text = str(value)
    return text.isascii() and text.isdecimal() and len(text) < 10
