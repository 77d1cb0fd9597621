"""A layout file proposed for a folder whose names no layout knows: the user mends a line, and goes on.

File names are sorted by the words in them (`words.kind_of`); what varies between the files of one kind,
and is the same for all kinds, is the patient's name, and what else varies becomes ``*``.
"""

from __future__ import annotations

import collections
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tf_medsynth.cohorts.words import kind_of
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.layouts import KINDS, LABEL, STUDIES
from tf_medsynth.imaging.volumes import read_header, read_volume, volume_suffix
from tf_medsynth.types import MedSynthError

MOST_FILES = 100
"""Files of a kind whose names are compared with each other."""

LABELS_READ = 5
"""Labels of which the codes are looked up."""

_MODALITIES, _CLASSES = BRAIN_MRI.modalities, BRAIN_MRI.label.classes
_SEPARATORS = re.compile(r"([_\-. ]+)")
_HEAD = """\
# A layout for {folder}, proposed by `medsynth doctor` from {count} volumes.
# Mend what is wrong, then: medsynth doctor DIR --layout {file}
#                          medsynth prepare brats/CONFIG --manual-dir DIR --layout {file} ...
# A template is matched against the end of a path, without .nii.gz: {{patient}} is the patient's name,
# * is any text without a slash, and #1 behind a template is volume 1 (from 0) of a file with four axes.
"""


def propose(root: Path, volumes: Sequence[Path], file: str = "layout.toml") -> str | None:
    """Text of a layout file for the `volumes` below `root`; None where there are none.

    Args:
        root: the folder.
        volumes: files that no layout knows.
        file: what the user will call it, for the instructions in it.
    """
    if not volumes:
        return None
    paths = {path: _stem(path, root) for path in volumes}
    kinds, rest = _kinds(paths)
    lines = [
        _HEAD.format(folder=root.resolve().name, count=len(volumes), file=file),
        f'name = "{_name(root)}"',
    ]
    lines += ["# person = '(.+)_[0-9]+'    # if a person has several scans: what in a name is the person", ""]
    lines += ["[files]", *_files(kinds, rest)]
    lines += ["", "[codes]", *_code_lines(list(kinds.get(LABEL, {})))]
    return "\n".join(lines) + "\n"


def _stem(path: Path, root: Path) -> str:
    relative = path.relative_to(root).as_posix()
    return relative[: -len(volume_suffix(path) or "")]


def _name(root: Path) -> str:
    return re.sub(r"\W+", "_", root.resolve().name).strip("_").lower() or "own"


def _kinds(paths: Mapping[Path, str]) -> tuple[dict[str, dict[Path, str]], list[str]]:
    """Paths without endings by the kind that their names, or else their folders, speak of."""
    kinds: dict[str, dict[Path, str]] = collections.defaultdict(dict)
    rest = []
    for path, text in paths.items():
        for part in reversed(text.split("/")):
            if found := kind_of(part):
                kinds[found[0]][path] = text
                break
        else:
            rest.append(text)
    return kinds, rest


def _files(kinds: Mapping[str, Mapping[Path, str]], rest: Sequence[str]) -> list[str]:
    found = {kind: list(kinds[kind].values())[:MOST_FILES] for kind in KINDS if kind in kinds}
    if not set(_MODALITIES) & set(found):
        return _open_lines(rest or found[LABEL], found.get(LABEL))
    patients = _patients(found)
    lines = [
        f'{kind} = "{_template(found[kind], patients)}"'
        if kind in found
        else f'{kind} = "?"    # no name speaks of it: mend this line'
        for kind in KINDS
    ]
    if rest:
        lines.append(f"# names that say nothing: {', '.join(rest[:3])}")
    return lines


def _open_lines(texts: Sequence[str], labels: Sequence[str] | None) -> list[str]:
    """Lines to be mended, for names that speak of no modality: numbered channels, or volumes of one file."""
    ends = [match for text in texts if (match := re.search(r"([^/]+)(_000\d)$", text))]
    numbers = sorted({match[2] for match in ends}) or [f"#{number}" for number in range(len(_MODALITIES))]
    patients = {match[1] for match in ends} or {text.rpartition("/")[2] for text in texts}
    label = _template(labels, patients) if labels else "?"
    folder = texts[0].rpartition("/")[0]
    choices = ", ".join(f'"{folder}/{{patient}}{number}"'.replace('"/', '"') for number in numbers)
    lines = [f'{kind} = "?"    # which of {choices}?' for kind in _MODALITIES]
    return [*lines, f'{LABEL} = "{label}"', f"# names: {', '.join(texts[:3])}"]


def _patients(found: Mapping[str, Sequence[str]]) -> set[str]:
    """Names of the patients: what varies between the files of a kind, alike for most kinds."""
    counts: collections.Counter[str] = collections.Counter()
    for texts in found.values():
        counts.update({value for text in texts for value in _varying(texts, text)})
    most = max(counts.values(), default=0)
    shared = {value for value, count in counts.items() if count == most and (count > 1 or len(found) == 1)}
    if shared or not found:
        return shared
    # One patient: the folder that all files share, or the words with which all their names begin.
    texts = [text for group in found.values() for text in group]
    folders = set.intersection(*({*text.split("/")[:-1]} for text in texts))
    if deepest := [part for part in texts[0].split("/")[:-1] if part in folders]:
        return {deepest[-1]}
    names = [_SEPARATORS.split(text.rpartition("/")[2]) for text in texts]
    shared_words = min(_common(names[0], other) for other in names)
    return {"".join(names[0][: max(shared_words - shared_words % 2, 1)]).strip("_-. ")}


def _varying(texts: Sequence[str], text: str) -> list[str]:
    """Of each component of a path what is not the same in all, from its first to its last such word."""
    columns = [other.split("/") for other in texts if other.count("/") == text.count("/")]
    values = []
    for place, part in enumerate(text.split("/")):
        span = _span([column[place] for column in columns], part)
        if span:
            values.append(part[span[0] : span[1]])
    return values


def _span(parts: Iterable[str], part: str) -> tuple[int, int] | None:
    """Start and end, in `part`, of the words in which it differs from any of `parts`."""
    words = _SEPARATORS.split(part)
    head = tail = len(words)
    for other in parts:
        rival = _SEPARATORS.split(other)
        head = min(head, _common(words, rival))
        tail = min(tail, _common(words[::-1], rival[::-1]))
    if head == len(words):
        return None
    head -= head % 2  # not in the middle of a separator
    tail -= tail % 2
    start = sum(map(len, words[:head]))
    return start, max(len(part) - sum(map(len, words[len(words) - tail :])), start)


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )


def _template(texts: Sequence[str], patients: set[str]) -> str:
    """The commonest template of the paths of one kind."""
    forms: collections.Counter[str] = collections.Counter()
    for text in texts:
        columns = [other.split("/") for other in texts if other.count("/") == text.count("/")]
        parts = []
        for place, part in enumerate(text.split("/")):
            span = _span([column[place] for column in columns], part)
            named = _named(part, span, patients)
            if named:
                parts.append(f"{part[: named[0]]}{{patient}}{part[named[1] :]}")
            else:
                parts.append(part if span is None else f"{part[: span[0]]}*{part[span[1] :]}")
        forms["/".join(parts)] += 1
    return forms.most_common(1)[0][0]


def _named(part: str, span: tuple[int, int] | None, patients: set[str]) -> tuple[int, int] | None:
    """Where a patient's name stands in a component of a path: at what varies, or as whole words."""
    if span and part[span[0] : span[1]] in patients:
        return span
    for name in sorted(patients, key=len, reverse=True):
        if name and (match := re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", part, re.IGNORECASE)):
            return match.span()
    return None


def _code_lines(labels: Sequence[Path]) -> list[str]:
    """Codes that the labels hold, with their classes where one study alone, or BraTS to 2021, uses such."""
    codes = _codes_in(labels) - {0}
    if not codes:
        return ['# 1 = "necrosis"    # no label was read: write each code and its class', _classes()]
    fitting = [name for name, table in STUDIES.items() if codes <= set(table)]
    sure = len(fitting) == 1 or (4 in codes and "brats2017" in fitting)
    table = STUDIES["brats2017" if "brats2017" in fitting else fitting[0]] if sure else {}
    lines = [f"# codes in the labels: {', '.join(map(str, sorted(codes)))}"]
    lines += [f"# {name}: {_meanings(STUDIES[name])}" for name in fitting]
    lines += [
        f'{code} = "{_CLASSES[table[code]]}"' if code in table else f'{code} = "?"    # mend this line'
        for code in sorted(codes)
    ]
    return [*lines, _classes()]


def _meanings(table: Mapping[int, int]) -> str:
    return ", ".join(f"{code} {_CLASSES[index]}" for code, index in table.items() if code)


def _classes() -> str:
    return f"# classes: {', '.join(_CLASSES)}"


def _codes_in(labels: Sequence[Path]) -> set[int]:
    codes: set[int] = set()
    for path in labels[:LABELS_READ]:
        try:
            if len(read_header(path).shape) == 3:
                codes |= {int(code) for code in np.unique(np.rint(read_volume(path).array))}
        except (MedSynthError, ValueError, OverflowError):  # damaged, NaN, infinite
            continue
    return codes
