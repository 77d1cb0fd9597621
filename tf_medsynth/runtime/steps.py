"""What a finished step of a run took: seconds and memory, a line each in ``RUN/steps.jsonl``."""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.runtime.files import json_text
from tf_medsynth.runtime.records import append_line


def reset_peak_memory() -> bool:
    """True when the peak of `peak_memory_mib` starts anew here (Linux), False where it cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def peak_memory_mib(children: bool = False) -> float:
    """Largest resident memory of this process in MiB, or of its largest finished child if that is more."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if children:
        peak = max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    return peak / (1024.0**2 if sys.platform == "darwin" else 1024.0)


class Stopwatch:
    """Wall-clock time since it was made; the process's peak memory starts anew with it."""

    def __init__(self) -> None:
        reset_peak_memory()
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the stopwatch was made."""
        return time.perf_counter() - self._start


@contextlib.contextmanager
def record_step(
    run: Path | str, verb: str, detail: Mapping[str, Any] | None = None, once: bool = False
) -> Iterator[dict[str, Any]]:
    """Context whose length and peak memory become a line of ``RUN/steps.jsonl`` when it ends well.

    Args:
        run: run directory, made if need be.
        verb: name of the step, as the report shows it.
        detail: facts that are known at the start; the block may add to the dictionary it is given.
        once: `detail` names the step: a process that was killed when it had written its line is not
            followed by another line.
    """
    facts = dict(detail or {})
    watch = Stopwatch()
    yield facts
    line = {
        "verb": verb,
        "seconds": round(watch.seconds, 3),
        "peak_memory_mib": round(peak_memory_mib(), 1),
        "detail": facts,
    }
    path = Path(run) / "steps.jsonl"
    if once and _is_told(path, line):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    append_line(path, json_text(line))


def _is_told(path: Path, line: Mapping[str, Any]) -> bool:
    """Whether the file has a line of the same step."""
    wanted = json.loads(json_text({name: line[name] for name in ("verb", "detail")}))
    for text in path.read_text("utf-8", "replace").splitlines() if path.is_file() else ():
        with contextlib.suppress(ValueError):
            held = json.loads(text)
            if isinstance(held, dict) and {name: held.get(name) for name in wanted} == wanted:
                return True
    return False
