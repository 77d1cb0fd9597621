"""Names of files and folders at which nothing can be read or written, for every verb."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hard_input.case import Case

_STAGE = ("train", "lesion", "--data", "brats/slices_64")
_MODEL = ("generate", "--from", "{model}", "--count", "1")
_STUDY = ("study", "availability", "--rows", "all")
_SLICES = ("--data", "brats/slices_64", "--data-dir", "{here}")
_LONG = "n" * 230

Words = dict[str, tuple[str, ...]]

FOLDERS: Words = {
    "phantom --out": ("phantom", "--patients", "1", "--size", "32", "--out"),
    "prepare --data-dir": ("prepare", "brats", "--manual-dir", "{base}/patients", "--data-dir"),
    "train --run": (*_STAGE, "--data-dir", "{here}", "--run"),
    "generate --out": (*_MODEL, "--out"),
    "export --to": ("export", "--run", "{base}", "--to"),
    "study --out": (*_STUDY, "--run", "{base}", "--out"),
    "study --pool --out": ("study", "availability", "--pool", "{base}", "{here}", "--out"),
    "nnunet --out": ("nnunet", "--real", "brats/slices_64", "--data-dir", "{base}", "--out"),
    "pipeline run --out": ("pipeline", "run", "--out"),
    "demo --out": ("demo", "--out"),
}
"""Words of commands that end in a folder to be written."""

FILES: Words = {
    "report --out, .html": ("report", "--run", "{base}", "--out"),
    "sample --out, .png": ("sample", "--model", "{model}", "--out"),
    "audit --out, .json": ("audit", "registration", "{base}/patients", "--out"),
    "evaluate --train-features, .keras": ("evaluate", *_SLICES, "--train-features"),
    "pipeline compile --out, .yaml": ("pipeline", "compile", "--out"),
}
"""Words of commands that end in a file to be written, and its ending."""

READ: Words = {
    "prepare --manual-dir": ("prepare", "brats", "--data-dir", "{here}/o", "--manual-dir"),
    "prepare --splits": ("prepare", "brats", "--manual-dir", "{base}", "--data-dir", "{here}/o", "--splits"),
    "doctor": ("doctor",),
    "train --data-dir": (*_STAGE, "--run", "{here}/r", "--data-dir"),
    "generate --run": ("generate", "--count", "1", "--out", "{here}/o", "--run"),
    "generate --from": ("generate", "--count", "1", "--out", "{here}/o", "--from"),
    "export --run": ("export", "--to", "{here}/m", "--run"),
    "report --run": ("report", "--out", "{here}/r.html", "--run"),
    "evaluate --run": ("evaluate", "--run"),
    "study --run": (*_STUDY, "--out", "{here}/o", "--run"),
    "sample --model": ("sample", "--out", "{here}/s.png", "--model"),
    "pipeline --manual-dir": ("pipeline", "run", "--out", "{here}/o", "--manual-dir"),
    "pipeline --schema": ("pipeline", "run", "--out", "{here}/o", "--schema"),
}
"""Words of commands that end in a place to be read."""

_NOWHERE = {
    "a URL": ("gs://bucket/a", "not a URL.*Mount or copy"),
    "no name": ("", "names a file or folder"),
    "not UTF-8": ("{here}/a\udcff", "a name in UTF-8"),
}
"""What no option takes for a place."""

_UNWRITABLE = {
    "a file": ("{here}/file", "can be written to|is a folder"),
    "below a file": ("{here}/file/a", "can be written to"),
    "a link to itself": ("{here}/loop", "can be written to|is a folder"),
    "below a link to itself": ("{here}/loop/a", "can be written to"),
    "a device": ("/dev/null", "can be written to|is a folder"),
    "a kernel's folder": ("/proc/a/b", "can be written to"),
    "a long name": (f"{{here}}/{_LONG}", "at most 200 bytes|File name too long"),
}


def _stand(here: Path, base: Path) -> None:
    (here / "file").write_text("")
    (here / "loop").symlink_to(here / "loop")


def _nowhere() -> Iterator[Case]:
    for what, words in {**FOLDERS, **FILES, **READ}.items():
        for kind, (place, rule) in _NOWHERE.items():
            yield Case(f"{what}: {kind}", (*words, place), rule)


def _folders() -> Iterator[Case]:
    for what, words in FOLDERS.items():
        for kind, (place, rule) in _UNWRITABLE.items():
            yield Case(f"{what}: {kind}", (*words, place), rule, _stand)


def _files() -> Iterator[Case]:
    for what, words in FILES.items():
        end = what.rpartition(" ")[2]
        places = {
            "an empty folder": (f"{{here}}/empty{end}", "is a file, not a folder"),
            "a link to itself": (f"{{here}}/loop{end}", "a link to nowhere"),
            "below a file": (f"{{here}}/file/a{end}", "can be written to"),
            "in a kernel's folder": (f"/proc/a{end}", "can be written to"),
            "a long name": (f"{{here}}/{_LONG}{end}", "at most 200 bytes|File name too long"),
        }

        def make(here: Path, base: Path, end: str = end) -> None:
            (here / f"empty{end}").mkdir()
            (here / f"loop{end}").symlink_to(here / f"loop{end}")
            _stand(here, base)

        for kind, (place, rule) in places.items():
            yield Case(f"{what}: {kind}", (*words, place), rule, make)


def _patterns() -> Iterator[Case]:
    others: Words = {"train --data-dir": READ["train --data-dir"]}
    for what in ("prepare --data-dir", "train --run", "generate --out", "export --to", "pipeline run --out"):
        others[what] = FOLDERS[what]
    for what, words in others.items():
        yield Case(f"{what}: a pattern", (*words, "{here}/set[1]"), "takes for patterns")


def _schema(text: str) -> Callable[[Path, Path], object]:
    return lambda here, base: (here / "schema.json").write_text(text)


def _schemas() -> Iterator[Case]:
    words = (*READ["pipeline --schema"], "{here}/schema.json")
    shares = {name: [0.0] * 64 for name in ("T1", "T2", "T1c", "Flair")}
    whole = {
        "modalities": list(shares),
        "shape": [64, 64, 4],
        "classes": {"oedema": 1.0},
        "intensity": shares,
    }
    texts = {
        "empty": ("", "whole JSON object"),
        "a list": ("[1]", "whole JSON object"),
        "without modalities": ("{}", "names its modalities"),
        "without a shape": (json.dumps({**whole, "shape": None}), "shape of the images"),
        "a shape of words": (json.dumps({**whole, "shape": ["a"]}), "shape of the images"),
        "without a modality": (json.dumps({**whole, "intensity": {"T1": [0.0] * 64}}), "64 shares"),
        "few shares": (json.dumps({**whole, "intensity": {**shares, "T1": [0.0]}}), "64 shares"),
        "classes as text": (json.dumps({**whole, "classes": {"oedema": "1"}}), "labelled classes"),
    }
    for kind, (text, rule) in texts.items():
        yield Case(f"pipeline --schema: {kind}", words, rule, _schema(text))


def _pipe(here: Path, base: Path) -> None:
    os.mkfifo(here / "p")


def _others() -> Iterator[Case]:
    out = FOLDERS["generate --out"]
    for kind, place in (("where it is run", "."), ("where it is run, in full", "{here}")):
        yield Case(f"generate --out: {kind}", (*out, place), "a folder of its own")
    for kind, place in (("a disk", "/proc"), ("the folder around", "..")):
        yield Case(f"generate --out: {kind}", (*out, place), "of its own|earlier generated|written to")
    for what, rule in (
        ("prepare --manual-dir", "must be a folder"),
        ("prepare --splits", "splits must exist"),
        ("pipeline --schema", "must be there, a file"),
    ):
        yield Case(f"{what}: a pipe", (*READ[what], "{here}/p"), rule, _pipe)
    words = READ["pipeline --manual-dir"]
    yield Case("pipeline --manual-dir: a file", (*words, "{here}/file"), "there, a folder", _stand)
    yield Case("pipeline --schema: a folder", (*READ["pipeline --schema"], "{here}"), "there, a file")
    for what, rule in {
        "prepare --manual-dir": "must be a folder",
        "generate --run": "no stage",
        "export --run": "from a run directory",
        "report --run": "needs a run directory",
        "evaluate --run": "unfiltered samples|no stage|run",
        "study --run": "needs a run",
        "sample --model": "no exported model",
        "generate --from": "no exported model",
        "train --data-dir": "no such prepared dataset",
    }.items():
        yield Case(f"{what}: not there", (*READ[what], "{here}/none"), rule)


CASES = [
    *_nowhere(),
    *_folders(),
    *_files(),
    *_patterns(),
    *_schemas(),
    *_others(),
]
