"""What a long loop tells: a bar on a terminal, a quiet line now and then in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any, TypeVar

log = logging.getLogger("medsynth")

Item = TypeVar("Item")

LOG_SECONDS = 10.0
"""Away from a terminal a running loop speaks at most this often."""


def log_to_stderr() -> None:
    """Sends the package's log to standard error, once."""
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False
        # TFDS warns of its own deprecations at every read.
        logging.getLogger("absl").setLevel(logging.ERROR)


def progress(
    items: Iterable[Item],
    total: int | None = None,
    label: str = "",
    unit: str = "item",
    every: float = LOG_SECONDS,
) -> Iterator[Item]:
    """Iterator over `items` that shows how far it is and the time left.

    On a terminal it draws a bar; elsewhere it logs a line every `every` seconds and one at the end.

    Args:
        items: what to go through.
        total: how many they are; None asks ``len(items)``, and without a length leaves out the share.
        label: what is being done, in a word or two.
        unit: one item in the singular, e.g. ``step``.
        every: seconds between two log lines.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if sys.stderr.isatty():
        return _drawn(items, total, label, unit)
    return _logged(items, total, label, unit, every)


def training_bar(total: int, done: int, label: str) -> Any:
    """A bar of steps for a training that counts them itself, with ``update`` and ``close``.

    Away from a terminal it is silent, since a training logs its losses anyway.
    """
    from tqdm import tqdm

    shown = sys.stderr.isatty()
    return tqdm(total=total, initial=done, desc=label, unit="step", dynamic_ncols=True, disable=not shown)


def _drawn(items: Iterable[Item], total: int | None, label: str, unit: str) -> Iterator[Item]:
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    with logging_redirect_tqdm([log]):  # or a log line would break the bar
        yield from tqdm(items, total=total, desc=label or None, unit=unit, dynamic_ncols=True)


def _logged(items: Iterable[Item], total: int | None, label: str, unit: str, every: float) -> Iterator[Item]:
    start = spoke = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - spoke >= every and done != total:
            spoke = now
            log.info(_progress_line(done, total, label, unit, now - start))
    if done:
        log.info(_progress_line(done, total, label, unit, time.monotonic() - start, finished=True))


def _progress_line(
    done: int, total: int | None, label: str, unit: str, seconds: float, finished: bool = False
) -> str:
    """E.g. ``structure: 120/400 steps (30 %), 35 s so far, 1 min 22 s left``."""
    head = f"{label}: " if label else ""
    units = unit if (done if finished or not total else total) == 1 else f"{unit}s"
    if finished:
        return f"{head}{done} {units} in {_duration(seconds)}"
    if not total:
        return f"{head}{done} {units}, {_duration(seconds)} so far"
    left = seconds / done * max(total - done, 0)
    share = round(100 * done / total)
    return f"{head}{done}/{total} {units} ({share} %), {_duration(seconds)} so far, {_duration(left)} left"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
