"""Records that the package wrote and reads back, spoilt: other types, missing keys, garbage, half of one."""

from __future__ import annotations

import copy
import functools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.hard_input.a_run import run_of, summary
from tests.hard_input.case import Case
from tests.reports.evidence_examples import CERTIFICATE, STUDY

Spoil = Callable[[Path], object]

GARBAGE: Mapping[str, tuple[bytes, str]] = {
    "empty": (b"", "whole JSON object"),
    "half": (b'{"stage": "struc', "whole JSON object"),
    "a list": (b"[]", "whole JSON object"),
    "a text": (b'"run"', "whole JSON object"),
    "binary": (b"\xff\xfe{}\x00", "whole JSON object"),
    "NaN": (b'{"seed": NaN}', "NaN is no number"),
    "nested deeply": (b'{"a":' * 50_000, "nested too deeply"),
    "an empty object": (b"{}", "must have"),
}
"""What stands in place of any record, and the rule that refuses it."""


def _write(file: str, content: bytes) -> Spoil:
    return lambda here: (here / file).write_bytes(content)


def _folder(file: str) -> Spoil:
    def spoil(here: Path) -> None:
        (here / file).unlink(missing_ok=True)
        (here / file).mkdir()

    return spoil


def _pipe(file: str) -> Spoil:
    def spoil(here: Path) -> None:
        (here / file).unlink(missing_ok=True)
        os.mkfifo(here / file)

    return spoil


def _gone(name: str) -> Spoil:
    def spoil(here: Path) -> None:
        shutil.rmtree(here / name) if (here / name).is_dir() else (here / name).unlink()

    return spoil


def changed(value: Any, place: str, to: Any) -> Any:
    """A copy of JSON values with one of them replaced, or left out where `to` is `Ellipsis`."""
    whole = copy.deepcopy(value)
    *way, last = place.split("/")
    inner = whole
    for key in way:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    key = int(last) if isinstance(inner, list) else last
    if to is ...:
        del inner[key]
    else:
        inner[key] = to
    return whole


def _set(file: str, place: str, to: Any) -> Spoil:
    def spoil(here: Path) -> None:
        held = json.loads((here / file).read_text())
        (here / file).write_text(json.dumps(changed(held, place, to)))

    return spoil


def _with_run(spoil: Spoil, here: Path, base: Path) -> None:
    shutil.copytree(run_of(base), here / "run")
    spoil(here)


REPORT = ("report", "--run", "{here}/run", "--out", "{here}/r.html")
GENERATE = ("generate", "--run", "{here}/run", "--count", "2", "--out", "{here}/o")
EXPORT = ("export", "--run", "{here}/run", "--to", "{here}/m")
EVALUATE = ("evaluate", "--run", "{here}/run", "--synthetic", "{here}", "--metrics", "quality")
STUDY_OF = ("study", "availability", "--rows", "1", "--run", "{here}/run", "--out", "{here}/s")
AUDIT = ("audit", "registration", "{here}/run")


def _of_run(name: str, words: tuple[str, ...], rule: str, spoil: Spoil) -> Case:
    return Case(f"{words[0]}: {name}", words, rule, functools.partial(_with_run, spoil))


CONFIG = "run/multimodal/config.json"
STRUCTURE = "run/structure/config.json"
TYPES: Mapping[str, tuple[Any, str]] = {
    "stage": ("../../x", "unknown stage"),
    "settings": ([1], "'settings' of a record must be an object"),
    "settings/training": ("abc", "settings of TrainingSettings are an object"),
    "settings/training/steps": ("many", "steps must be of type int"),
    "settings/evil": (1, "unknown setting"),
    "settings/maps": (7, "maps must be one of"),
    "data_settings": (None, "'data_settings' of a record must be an object"),
    "data_settings/means_in_range": (7, "means_in_range takes several values"),
    "operators": (None, "'operators' of a record must be an object"),
    "seed": ("x", "'seed' of a record must be a whole number"),
    "image_size": ("big", "'image_size' of a record must be a list of 2"),
    "image_size/0": (-1, "an image has pixels"),
    "patients": (3, "'patients' of a record must be a list"),
    "data_dir": (None, "'data_dir' of a record must be a text"),
    "data": (["a"], "'data' of a record must be a text"),
    "fingerprint": (..., "must have fingerprint"),
}


def _configs() -> Iterator[Case]:
    for what, (content, rule) in GARBAGE.items():
        yield _of_run(f"config.json {what}", REPORT, rule + r".*config\.json", _write(CONFIG, content))
    for words in (GENERATE, EXPORT, EVALUATE, STUDY_OF):
        for what in ("half", "a list", "binary", "an empty object"):
            rule = rf"{GARBAGE[what][1]}.*File: '.*config\.json'\. Remove the stage's folder"
            yield _of_run(f"config.json {what}", words, rule, _write(CONFIG, GARBAGE[what][0]))
    for place, (value, rule) in TYPES.items():
        yield _of_run(f"config.json {place}", REPORT, rf"{rule}.*config\.json", _set(CONFIG, place, value))
    for place in ("settings", "operators", "image_size", "data_dir", "fingerprint"):
        value, rule = TYPES[place]
        yield _of_run(f"config.json {place}", GENERATE, rf"{rule}.*config\.json", _set(CONFIG, place, value))
    for words in (REPORT, GENERATE):
        yield _of_run("config.json a folder", words, r"Not a file.*config\.json", _folder(CONFIG))
        yield _of_run("config.json a pipe", words, r"Not a file.*config\.json", _pipe(CONFIG))


def _finished() -> Iterator[Case]:
    file = "run/structure/finished.json"
    for what in ("half", "a list", "binary"):
        rule = rf"{GARBAGE[what][1]}.*finished\.json"
        yield _of_run(f"finished.json {what}", GENERATE, rule, _write(file, GARBAGE[what][0]))
        yield _of_run(f"finished.json {what}", REPORT, rule, _write(file, GARBAGE[what][0]))
    yield _of_run("finished.json of words", GENERATE, "'steps'", _write(file, b'{"steps": "many"}'))
    yield _of_run("finished.json losses", GENERATE, "'losses'", _write(file, b'{"losses": 3}'))
    yield _of_run("an unfinished stage", GENERATE, "is not finished.*--resume", _gone(file))
    yield _of_run("no stage", GENERATE, "no stage 'structure'", _gone("run/structure"))


def _checkpoints() -> Iterator[Case]:
    state = "run/structure/checkpoints/checkpoint"
    names = "names the last checkpoint in its folder"
    for what, content in {
        "garbage": b"\x00\x01garbage",
        "binary": b"\xff\xfe\xff",
        "empty": b"",
        "of another folder": b'model_checkpoint_path: "../../lesion/checkpoints/ckpt-6"\n',
        "of a file elsewhere": b'model_checkpoint_path: "../../../../../../etc/passwd"\n',
        "of no file": b'model_checkpoint_path: "nosuch"\n',
        "of a step that is gone": b'model_checkpoint_path: "ckpt-7"\n',
    }.items():
        yield _of_run(f"checkpoint {what}", GENERATE, rf"{names}.*train it again", _write(state, content))
    yield _of_run("checkpoint a folder", GENERATE, names, _folder(state))
    yield _of_run("no checkpoint", GENERATE, "finished stage has a checkpoint", _gone(state))
    yield _of_run("checkpoint of garbage", GENERATE, "checkpoint must be whole", lambda here: None)
    yield _of_run("resumed from a damaged checkpoint", EXPORT, names, _write(state, b"garbage"))


def _lines() -> Iterator[Case]:
    steps, csv = "run/steps.jsonl", "run/lesion/metrics.csv"
    whole = b'{"verb": "v", "seconds": 1, "peak_memory_mib": 1, "detail": {}}\n'
    for what, (content, rule) in {
        "half a line in the middle": (whole[:20] + b"\n" + whole, r"every line is a JSON object.*line 1'"),
        "a list": (whole + b"[]\n", r"must be an object.*line 2"),
        "another type": (whole.replace(b"1,", b'"1",', 1), r"'seconds' of a record must be a number.*line 1"),
        "a missing key": (b'{"verb": "v"}\n', "must have seconds"),
        "binary": (b"\xff\xfe\n", "must be a text file"),
    }.items():
        yield _of_run(f"steps.jsonl {what}", REPORT, rule, _write(steps, content))
    yield Case(
        "report: steps.jsonl half a line at its end",
        REPORT,
        r"(?s)report -> .*steps\.jsonl: the last line was cut off",
        functools.partial(_with_run, _write(steps, whole + whole[:20])),
        status=0,
        leaves=("r.html",),
    )
    yield _of_run("steps.jsonl a folder", REPORT, "Not a file", _folder(steps))
    for what, (content, rule) in {
        "garbage": (b"garbage\n", "step first.*line 1"),
        "a short row": (b"step,loss\n1,2\n3\n", "a row holds 2 numbers.*line 3"),
        "a word": (b"step,loss\n1,x\n", "a row holds 2 numbers.*line 2"),
        "without step": (b"loss\n1\n", "step first"),
        "binary": (b"\xff\xfe", "must be a text file"),
    }.items():
        yield _of_run(f"metrics.csv {what}", REPORT, rf"{rule}", _write(csv, content))
    yield _of_run(
        "warnings.txt binary", REPORT, "must be a text file", _write("run/lesion/warnings.txt", b"\xff")
    )


def _sets() -> Iterator[Case]:
    note, places = "run/generated.json", {"out": 3, "summary": [], "summary/count": "2", "summary/scores": {}}
    places |= {
        "summary/settings": None,
        "summary/coverage/before": 4,
        "summary/labels": "x",
        "summary/seed": ...,
    }
    held = {"out": "/nowhere", "summary": summary()}
    for place, value in places.items():
        content = json.dumps(changed(held, place, value)).encode()
        rule = rf"{place.rpartition('/')[2]}.*generated\.json"
        yield _of_run(f"generated.json {place}", REPORT, rule, _write(note, content))
    cells = json.dumps(changed(held, "summary/coverage/before", {"moon": {"small": {"left": 1}}})).encode()
    yield _of_run("generated.json unknown cell", REPORT, "unknown cell", _write(note, cells))
    for what in ("half", "a list", "an empty object"):
        content, rule = GARBAGE[what]
        yield _of_run(f"generated.json {what}", AUDIT, rf"{rule}.*generated\.json", _write(note, content))
    yield _of_run("generated.json a folder", REPORT, "Not a file", _folder(note))
    yield _of_run("generated.json of a set that is gone", AUDIT, "a target is a folder", _write(
        note, json.dumps(held).encode()
    ))  # fmt: skip


def _evaluations() -> Iterator[Case]:
    file = "run/evaluation.json"
    for what, (content, rule) in {
        "half": (b'{"samples"', "whole JSON"),
        "no count": (b"{}", "must have samples"),
        "a list for a group": (b'{"samples": 2, "quality": []}', "'quality' of a record must be an object"),
        "a group without its parts": (b'{"samples": 2, "structure": {}}', "'structure' of a record must"),
        "a word for a number": (
            b'{"samples": 2, "diversity": {"measure": 3}}', "'diversity' of a record must have synthetic",
        ),
    }.items():  # fmt: skip
        yield _of_run(f"evaluation.json {what}", REPORT, rf"{rule}.*evaluation\.json", _write(file, content))


def _certificates() -> Iterator[Case]:
    def certificate(name: str, content: bytes) -> Spoil:
        def spoil(here: Path) -> None:
            (here / "run/certificates").mkdir()
            (here / "run/certificates" / name).write_bytes(content)

        return spoil

    for place, value in {
        "kind": "registration", "seed": "4", "size": [32], "samples": None, "groups": [],
        "groups/whole_lesion": 3,
        "counts": {"judges": "x"}, "rows": {"dice": 1}, "verdict": 3,
    }.items():  # fmt: skip
        content = json.dumps(changed(CERTIFICATE, place, value)).encode()
        rule = rf"{place.partition('/')[0]}.*lesion\.json.*audit again"
        yield _of_run(f"certificate {place}", REPORT, rule, certificate("lesion.json", content))
    held = json.dumps({**CERTIFICATE, "kind": "sparkle"}).encode()
    yield _of_run("certificate of no kind", REPORT, "of a known kind", certificate("sparkle.json", held))
    yield _of_run("certificate half", REPORT, "whole JSON", certificate("lesion.json", b'{"kind"'))
    spaces = json.dumps({**CERTIFICATE, "kind": "memorisation"}).encode()
    yield _of_run(
        "certificate without parts", REPORT, "must have spaces", certificate("memorisation.json", spaces)
    )


def _studies() -> Iterator[Case]:
    def study(content: bytes) -> Spoil:
        def spoil(here: Path) -> None:
            (here / "s").mkdir()
            (here / "s/study.json").write_bytes(content)

        return spoil

    words = (*REPORT, "--study", "{here}/s")
    for place, (value, rule) in {
        "rows": ({}, "has rows"),
        "rows/1": ([], r"'rows\.1' of a record must be an object"),
        "rows/1/mean": ([], r"'rows\.1\.mean' of a record must be an object"),
        "rows/1/mean/whole_lesion": (0.7, "must be an object"),
        "rows/1/mean/whole_lesion/low": (..., "must have low"),
        "study": ("sparkle", "unknown study"),
        "seeds": (2, "'seeds' of a record must be a list"),
        "verdicts": ([], "'verdicts' of a record must be an object"),
        "verdicts/whole_lesion/0/verdict": ("perhaps", "must be one of held"),
        "learning_curve": ([], "'learning_curve' of a record must be an object"),
        "config": (None, "'config' of a record must be an object"),
        "fingerprint": (..., "must have fingerprint"),
    }.items():
        content = json.dumps(changed(STUDY, place, value)).encode()
        yield _of_run(
            f"study.json {place}", words, rf"{rule}.*study\.json.*Run the study again", study(content)
        )
    yield _of_run("study.json empty", words, r"must have study", study(b"{}"))
    yield _of_run("no study", words, "folder of a finished study", lambda here: (here / "s").mkdir())


def _pools() -> Iterator[Case]:
    from tests.studies.test_pooled import FIRST, SECOND

    def two(first: Any, here: Path, base: Path) -> None:
        for name, held in (("a", first), ("b", SECOND)):
            (here / name).mkdir()
            (here / name / "study.json").write_text(json.dumps(held))

    words = ("study", "availability", "--pool", "{here}/a", "{here}/b", "--out", "{here}/o")
    for place, (value, rule) in {
        "rows": ([], "'rows' of a record must be an object"),
        "rows/1/patients": ([], "must be an object"),
        "rows/1/patients/0": ({}, "scored on every test patient"),
        "rows/1/patients/x": ({}, "scored from every seed"),
        "rows/1/patients/0/a": ({"whole_lesion": "x"}, "must be a number"),
        "config/settings": ({}, "must have segmentor"),
        "seeds": (["0"], "must be a whole number"),
        "time": ({}, "must have of_units"),
        "cases": ("ab", "'cases' of a record must be a list"),
    }.items():
        make = functools.partial(two, changed(FIRST, place, value))
        yield Case(f"pool: study.json {place}", words, rf"{rule}.*study\.json", make)


class _Runs:
    def __reduce__(self) -> Any:
        return os.system, ("touch ran",)


def _exported() -> Iterator[Case]:
    from tests.hard_input.forks import MODEL

    def model(spoil: Spoil, here: Path, base: Path) -> None:
        version = max(MODEL.glob("[0-9]*"), key=lambda folder: int(folder.name))
        (here / "m/1").mkdir(parents=True)
        (here / "m/1/saved_model.pb").write_bytes(b"")
        shutil.copy(version / "medsynth.json", here / "m/1")
        spoil(here)

    words = ("sample", "--model", "{here}/m", "--out", "{here}/o.png", "--seed", "1")
    file = "m/1/medsynth.json"
    spoilt: dict[str, tuple[Spoil, str]] = {
        what: (_write(file, content), rule if content != b"{}" else "format 1")
        for what, (content, rule) in GARBAGE.items()
    }
    for place, value in {
        "image_size": [96], "labels": [], "labels/count": "x", "data": 3, "data/patients": [],
        "settings": None,
        "settings/contour": 3, "rows": 0, "signatures": [], "model_hash": 3, "format": 99,
    }.items():  # fmt: skip
        spoilt[place] = (_set(file, place, value), f"(?i){place.rpartition('/')[2]}")
    spoilt |= {"a folder": (_folder(file), "needs its"), "gone": (_gone(file), "needs its")}
    for what, (spoil, rule) in spoilt.items():
        yield Case(f"sample: medsynth.json {what}", words, rule, functools.partial(model, spoil))


CASES = [
    *_configs(),
    *_finished(),
    *_checkpoints(),
    *_lines(),
    *_sets(),
    *_evaluations(),
    *_certificates(),
    *_studies(),
    *_pools(),
    *_exported(),
]
