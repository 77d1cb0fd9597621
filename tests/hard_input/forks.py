"""Runs every case in a fork of one process that has imported everything: seconds of imports are paid once.

Called by `test_hard_input.py` as a program of its own, since a process that runs TensorFlow cannot be forked.
"""

from __future__ import annotations

import fnmatch
import importlib
import io
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import tf_medsynth
from tests.hard_input.bases import make_bases
from tests.hard_input.case import Case

MODEL = Path(__file__).resolve().parents[2] / "saved_models" / "phantom96"
AT_ONCE = 2
KILLED = -1


def load() -> None:
    """Imports what the verbs import, and runs none of it."""
    for name in ("tensorflow", "keras", "tensorflow_datasets", "SimpleITK", "nibabel", "tfds_builders"):
        importlib.import_module(name)
    for verb in set(tf_medsynth.__all__) - {"gallery", "serve", "pipeline", "demo"}:
        getattr(tf_medsynth, verb)


def tables() -> list[str]:
    """Names of the modules that hold cases, sorted."""
    return sorted(path.stem for path in Path(__file__).parent.glob("of_*.py"))


def cases_of(table: str) -> list[Case]:
    """The cases of one table."""
    cases: list[Case] = importlib.import_module(f"tests.hard_input.{table}").CASES
    return cases


def run_all(work: Path, names: Sequence[str]) -> Iterator[dict[str, object]]:
    """What became of each case of the named tables, as it ends."""
    base = make_bases(work / "base")
    waiting = [(table, case) for table in names for case in cases_of(table)]
    running: list[_Child] = []
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            running.append(_Child(*waiting.pop(0), work / str(len(waiting)), base))
        time.sleep(0.02)
        for child in [child for child in running if child.ended()]:
            running.remove(child)
            yield child.result()


class _Child:
    def __init__(self, table: str, case: Case, folder: Path, base: Path) -> None:
        self.table, self.case, self.folder = table, case, folder
        self.here = folder / "here"
        self.here.mkdir(parents=True)
        if case.make is not None:
            case.make(self.here, base)
        self.before = _names(self.here)
        words = [w.format(here=self.here, base=base, model=MODEL) for w in case.words]
        self.since, self.peak, self.status, self.killed = time.monotonic(), 0, 0, ""
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if not self.pid:
            _become(words, self.here, folder)
        self.start = _resident(self.pid)

    def ended(self) -> bool:
        done, status = os.waitpid(self.pid, os.WNOHANG)
        if done:
            self.status = os.waitstatus_to_exitcode(status)
            return True
        self.peak = max(self.peak, _resident(self.pid) - self.start)
        if time.monotonic() - self.since > self.case.seconds:
            self.killed = "time"
        elif self.peak > self.case.mebibytes:
            self.killed = "memory"
        if self.killed:
            os.killpg(self.pid, signal.SIGKILL)
        return False

    def result(self) -> dict[str, object]:
        error = (self.folder / "stderr").read_text("utf-8", "backslashreplace")
        output = (self.folder / "stdout").read_text("utf-8", "backslashreplace")
        new = [
            name
            for name in sorted(_names(self.here) - self.before)
            if not any(fnmatch.fnmatch(name, pattern) for pattern in self.case.leaves)
        ]
        found = {
            "table": self.table,
            "name": self.case.name,
            "status": self.status,
            "killed": self.killed,
            "seconds": round(time.monotonic() - self.since, 2),
            "mebibytes": self.peak,
            "stderr": error[-4000:],
            "stdout": output[-4000:],
            "new": [name.encode("utf-8", "backslashreplace").decode() for name in new],
        }
        shutil.rmtree(self.folder, ignore_errors=True)
        return found


def _become(words: list[str], here: Path, folder: Path) -> None:
    """The child: a command line of its own, which never returns."""
    status = 99
    try:
        os.setsid()
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for name, number, errors in (("stdout", 1, "strict"), ("stderr", 2, "backslashreplace")):
            raw = os.fdopen(number, "wb", closefd=False)
            setattr(sys, name, io.TextIOWrapper(raw, "utf-8", errors, line_buffering=True))
        os.chdir(here)
        from tf_medsynth.cli.main import main

        try:
            status = main(words)
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status & 255)


def _resident(pid: int) -> int:
    """Memory of a process in MiB; 0 once it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20
    except (OSError, IndexError):
        return 0


def _names(folder: Path) -> set[str]:
    return {
        os.path.relpath(os.path.join(root, name), folder)
        for root, folders, files in os.walk(folder)
        for name in (*folders, *files)
    }


if __name__ == "__main__":
    load()
    with Path(sys.argv[1], "results.jsonl").open("w") as rows:
        for row in run_all(Path(sys.argv[1]), sys.argv[2:]):
            rows.write(json.dumps(row) + "\n")
            rows.flush()
