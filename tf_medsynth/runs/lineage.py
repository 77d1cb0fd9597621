"""Which data, settings, code and model made which artifact: files that a person can read."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import functools
import hashlib
import os
import platform
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from tf_medsynth.config.records import Failure, LineageRecord
from tf_medsynth.runtime import Stopwatch, atomic_path, log, read_record, write_json
from tf_medsynth.types import MedSynthError
from tf_medsynth.version import __version__

FOLDER = "lineage"
_REMEDY = "Remove the file; the next run of the step writes it again."
_PACKAGES = ("tf_medsynth", "tfds_builders")
_LIBRARIES = ("tensorflow", "tensorflow-cpu", "keras", "tensorflow-datasets", "numpy")


@dataclasses.dataclass
class Step:
    """A step that is being run: it says what it made.

    Attributes:
        name: of the step.
        config: settings that decide what it makes.
        inputs: artifacts it reads, each with ``uri`` and ``fingerprint``.
        outputs: artifacts it made, the same.
        skipped: whether all of them were there already.
    """

    name: str
    config: Mapping[str, Any]
    inputs: dict[str, Mapping[str, Any]]
    outputs: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    skipped: bool = False

    def read(self, artifact: str, uri: Path | str, fingerprint: str) -> None:
        """Notes an input that no step made."""
        self.inputs[artifact] = {"uri": os.fspath(uri), "fingerprint": fingerprint}

    def made(self, artifact: str, uri: Path | str, fingerprint: str) -> None:
        """Notes that `artifact` now stands at `uri`, and its name by content."""
        self.outputs[artifact] = {"uri": os.fspath(uri), "fingerprint": fingerprint}


@contextlib.contextmanager
def record_lineage(
    root: Path | str, name: str, config: Mapping[str, Any], inputs: Mapping[str, Mapping[str, Any]]
) -> Iterator[Step]:
    """Context of a step, which becomes ``ROOT/lineage/<name>.json`` and a row of ``lineage.md``.

    A step that made nothing new keeps the record of when its artifacts were made. One that fails
    leaves ``<name>.failed.json`` with its error; one that is killed leaves ``<name>.running``.

    A step runs once at a time: a second process waits, so that what a dead runner left running can end.
    """
    folder, step, watch = Path(root) / FOLDER, Step(name, config, dict(inputs)), Stopwatch()
    base = {"step": name, "started": _now(), "config": dict(config), "inputs": step.inputs, "code": code()}
    failed = folder / f"{name}.failed.json"
    try:
        with _alone(folder, name):
            yield step
    except BaseException as error:
        write_json(failed, {**base, "seconds": round(watch.seconds, 2), "error": _one_line(error)})
        raise
    failed.unlink(missing_ok=True)
    if not (step.skipped and _made_before(folder / f"{name}.json", step.outputs)):
        facts = {**base, "seconds": round(watch.seconds, 2), "outputs": step.outputs}
        write_json(folder / f"{name}.json", facts)
    with atomic_path(folder / "lineage.md") as partial:
        partial.write_text(lineage_page(read_lineage(root)), encoding="utf-8")


def read_lineage(root: Path | str) -> list[dict[str, Any]]:
    """The records of finished steps under `root`, in the order in which they were run."""
    files = (Path(root) / FOLDER).glob("*.json")
    whole = [file for file in files if not file.name.endswith(".failed.json")]
    records = [dict(read_record(file, LineageRecord, _REMEDY)) for file in whole]
    return sorted(records, key=lambda record: str(record["started"]))


def failure(root: Path | str, since: float = 0.0) -> tuple[str, str] | None:
    """Name and error of the step that failed or was killed last, None where none did.

    Args:
        since: seconds of the epoch; what is older does not count.
    """
    folder = Path(root) / FOLDER
    killed = [(file, "ended from outside: killed, or out of memory") for file in folder.glob("*.running")]
    told = [(file, read_record(file, Failure, _REMEDY)["error"]) for file in folder.glob("*.failed.json")]
    recent = [(file.stat().st_mtime, file.name.partition(".")[0], error) for file, error in killed + told]
    latest = max((found for found in recent if found[0] >= since), default=None)
    return latest[1:] if latest else None


@functools.cache
def code() -> dict[str, str]:
    """The package's version and a hash of its sources, and the versions of what it runs on."""
    digest, home = hashlib.sha256(), Path(__file__).parents[2]
    for file in sorted(file for package in _PACKAGES for file in (home / package).rglob("*.py")):
        digest.update(file.relative_to(home).as_posix().encode() + b"\0" + file.read_bytes())
    found = {"tf_medsynth": __version__, "sources": digest.hexdigest()[:16]}
    for name in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return {**found, "python": platform.python_version()}


def lineage_page(records: list[dict[str, Any]]) -> str:
    """`records` as Markdown: the steps, then every artifact with what it was made from."""
    maker = {output["fingerprint"]: r["step"] for r in records for output in r["outputs"].values()}
    lines = [
        "# Lineage",
        "",
        "Artifacts are named by their content. Settings and library versions are in `<step>.json`.",
        "",
        "| step | artifact | name | made from | code | started | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for record in records:
        sources = [
            f"{key} `{facts['fingerprint']}` ({maker.get(facts['fingerprint'], 'given')})"
            for key, facts in record["inputs"].items()
        ]
        code_name = f"{record['code']['tf_medsynth']} `{record['code']['sources']}`"
        for artifact, facts in record["outputs"].items():
            cells = [
                record["step"],
                f"{artifact}: `{facts['uri']}`",
                f"`{facts['fingerprint']}`",
                "; ".join(sources) or "nothing",
                code_name,
                record["started"],
                f"{record['seconds']:g}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """Waits until no other process is in here, then leaves ``<name>.running`` to one that is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("%s is still running in another process, waiting for its end", name)
            fcntl.flock(lock, fcntl.LOCK_EX)
        running = folder / f"{name}.running"
        running.touch()
        try:
            yield
        finally:
            running.unlink()


def _made_before(file: Path, outputs: Mapping[str, Any]) -> bool:
    return file.exists() and read_record(file, LineageRecord, _REMEDY)["outputs"] == outputs


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def _one_line(error: BaseException) -> str:
    text = " ".join(line.strip() for line in str(error).splitlines() if line.strip())
    return text if isinstance(error, MedSynthError) else f"{type(error).__name__}: {text}"
