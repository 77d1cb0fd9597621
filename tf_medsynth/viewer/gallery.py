"""The verb: checks, loads the model, serves the page until a signal."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Sequence
from pathlib import Path

from tf_medsynth.config.base import check
from tf_medsynth.runtime import Stopwatch, listening, log
from tf_medsynth.saved_model.patients import Patients

NEEDED = ("fastapi", "nicegui", "uvicorn")
_MOST = 65535


@dataclasses.dataclass(frozen=True)
class GallerySummary:
    """What was shown."""

    model: str
    url: str

    def render(self) -> str:
        """One line."""
        return f"showed {self.model} at {self.url}"


def gallery(
    *,
    model: Path | str | None = None,
    host: str = "127.0.0.1",
    port: int = 8600,
    browser: bool = True,
    allow_hosts: Sequence[str] = (),
) -> GallerySummary:
    """Shows the patients of a model on a page until SIGINT or SIGTERM.

    Args:
        model: a folder, or the name of a model that comes along; the newest of those without it.
        host: address to listen on; there is no authentication, so others than this machine come in
            by choice.
        port: 0 takes a free one.
        browser: open the page in the user's browser.
        allow_hosts: names by which the page may be asked for, beside `host` and those of this machine.

    Raises:
        MedSynthError: the package of the page is missing, the port is taken, or the model is none of
            ours, damaged, or lacks a signature.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    remedy = "Install them with pip install 'tf_medsynth[ui]'."
    check("the gallery needs the packages of its page", not missing, remedy, missing=missing)
    check(f"port must be a port, 0 to {_MOST}", 0 <= port <= _MOST, port=port)
    watch = Stopwatch()
    with listening(host, port) as server:
        patients = Patients(model)
        from tf_medsynth.viewer.server import serve_page

        shown = f"[{host}]" if ":" in host else host
        url, name = f"http://{shown}:{server.getsockname()[1]}", model_words(patients.model.folder)
        log.info("gallery of %s at %s, ready in %.1f s; Ctrl-C ends it", name, url, watch.seconds)
        serve_page(patients, name, server, url if browser else None, host, allow_hosts)
    return GallerySummary(name, url)


def model_words(folder: Path) -> str:
    """The model's folder as a command run from here names it."""
    folder, here = folder.resolve(), Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)
