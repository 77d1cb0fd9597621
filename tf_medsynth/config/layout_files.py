"""Layouts by name, or in a file of one's own: read, checked, and explained where they are wrong."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.config.base import check
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.layouts import ANY_LAYOUT, CLASS_INDEX, KINDS, LAYOUTS, Layout
from tf_medsynth.config.persons import check_pattern


def layouts_of(layout: str) -> tuple[Layout, ...]:
    """The layouts that a setting names: ``"any"``, a key of `LAYOUTS`, or an own one as JSON text.

    Raises:
        MedSynthError: an unknown name, or text that is no layout.
    """
    if layout == ANY_LAYOUT:
        return tuple(LAYOUTS.values())
    if layout.startswith("{"):
        try:
            values = json.loads(layout)
        except ValueError as error:
            check(
                "a layout is a name, a TOML file or JSON text", False, layout=layout[:80], reason=str(error)
            )
        return (parse_layout(values, "layout"),)
    check(
        "unknown layout",
        layout in LAYOUTS,
        f"Known: {', '.join(LAYOUTS)}; or a file of your own, --layout FILE.toml.",
        layout=layout,
    )
    return (LAYOUTS[layout],)


def read_layout(path: Path) -> Layout:
    r"""The layout that a TOML file of one's own describes.

    Example::

        name = "our_hospital"
        person = '(P\d+)_.*'            # optional: what in a patient's name is the person
        [files]
        T1 = "{patient}/{patient}_T1_pre"
        T1c = "{patient}/{patient}_T1_post"
        T2 = "{patient}/{patient}_T2"
        Flair = "{patient}/{patient}_FLAIR"
        label = "labels/{patient}"
        [codes]
        1 = "necrosis"
        2 = "oedema"
        4 = "enhancing"

    Raises:
        MedSynthError: no such file, no TOML, an unknown key, modality or class, a bad template.
    """
    check("a layout file must exist", path.is_file(), path=str(path))
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        check(
            "a layout file can be read and is TOML",
            False,
            "See docs/own_data.md.",
            path=str(path),
            reason=str(error),
        )
    return parse_layout({"name": path.stem, **values}, str(path))


def parse_layout(values: Mapping[str, Any], source: str) -> Layout:
    """The layout in a dictionary of plain values; `source` is named in errors.

    Raises:
        MedSynthError: an unknown key, modality or class, a bad template.
    """
    known = {field.name for field in dataclasses.fields(Layout)}
    check(
        "unknown key of a layout",
        not set(values) - known,
        f"Known: {', '.join(sorted(known))}.",
        source=source,
        keys=sorted(set(values) - known),
    )
    files = values.get("files")
    check(
        f"files of a layout name {', '.join(KINDS)}",
        isinstance(files, Mapping) and set(BRAIN_MRI.modalities) <= set(files) <= set(KINDS),
        "The label alone may be left out.",
        source=source,
        files=sorted(files) if isinstance(files, Mapping) else files,
    )
    assert isinstance(files, Mapping)  # for the type checker
    templates = {kind: _texts(kind, files[kind], source) for kind in KINDS if kind in files}
    codes = values.get("codes", {})
    check("codes of a layout are a table", isinstance(codes, Mapping), source=source, codes=codes)
    texts = {key: values.get(key, default) for key, default in (("patients", ".*"), ("person", ""))}
    for key, text in {**texts, "name": values.get("name", "own")}.items():
        check(f"{key} of a layout is text", isinstance(text, str), source=source, received=text)
    for key in ("patients", "person"):
        check_pattern(texts[key])
    whole, needs, notes = values.get("whole", False), values.get("needs", ()), values.get("notes", {})
    check("whole is true or false", isinstance(whole, bool), source=source, whole=whole)
    for key, given in (("needs", needs), ("notes", notes)):
        good = isinstance(given, list | tuple | Mapping) and all(str(code).isdecimal() for code in given)
        good = good and isinstance(given, Mapping) == (key == "notes")
        check(f"{key} of a layout holds label codes", good, source=source, received=given)
    layout = Layout(
        name=values.get("name", "own"),
        files=templates,
        codes={0: 0} | parse_codes(codes.items(), source),
        whole=whole,
        needs=tuple(int(code) for code in needs),
        notes={int(code): str(note) for code, note in notes.items()},
        **texts,
    )
    assert layout.templates  # parses, and so checks, every template
    return layout


def parse_codes(items: Iterable[tuple[Any, Any]], source: str = "codes") -> dict[int, int]:
    """Codes and their classes, each class a name or an index of `BRAIN_MRI`'s.

    Raises:
        MedSynthError: a code that is no number from 0 to 255, an unknown class.
    """
    table = {}
    for code, meaning in items:
        plain = str(code).strip()
        number = int(plain) if plain.isdecimal() else -1
        check("a label code is a number from 0 to 255", 0 <= number <= 255, source=source, code=code)
        name = (
            str(meaning)
            .strip()
            .lower()
            .replace("-", "_")
            .replace("edema", "oedema")
            .replace("ooedema", "oedema")
        )
        index = int(name) if name.isdecimal() else CLASS_INDEX.get(name, -1)
        check(
            "a label code means a class",
            0 <= index < BRAIN_MRI.num_classes,
            f"Known: {', '.join(BRAIN_MRI.label.classes)}.",
            source=source,
            code=code,
            received=meaning,
        )
        check("code 0 is the background", number > 0 or index == 0, source=source, received=meaning)
        check("a label code is given once", number not in table, source=source, code=code)
        table[number] = index
    return table


def _texts(kind: str, value: Any, source: str) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
    good = bool(texts) and all(isinstance(text, str) and text.strip("/ ") for text in texts)
    check("a kind of file has a template, or a list of them", good, source=source, kind=kind, received=value)
    open_line = "?" in texts
    check(
        "a line of the layout is still open", not open_line, f"Write the template of {kind}.", source=source
    )
    return tuple(
        re.sub(r"\.(nii\.gz|nii|mha|mhd|nrrd)(?=#|$)", "", text, flags=re.IGNORECASE) for text in texts
    )
