"""Controls of the page: the browser's own, each with its label."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui import ui

Handler = Callable[[], Awaitable[None] | None]

_SECONDS = 0.1
"""A slider that is being dragged tells its value this often."""
_UNITS = {"%": (100, 0, " %"), "times": (1, 1, " ×"), "degrees": (1, 0, "°")}
"""Factor, decimals and text with which a range's value is shown."""


class Field(ui.element, component="field.js"):
    """A range, number or select with its label; `text` is what it holds.

    Args:
        name: of the control in the page, unique.
        label: that people read.
        kind: ``range``, ``number`` or ``select``.
        text: what it holds at first.
        on_change: called after each change by the user.
        props: of ``field.js``: min, max, step, and for a range scale, digits and unit of what is shown.
    """

    def __init__(
        self, name: str, label: str, kind: str, text: str, on_change: Callable[..., Any], **props: Any
    ) -> None:
        super().__init__()
        self.text = text
        self._changed = on_change
        for key, value in {"control": name, "label": label, "kind": kind, "initial": text, **props}.items():
            self._props[key] = value
        self.on("told", self._told, throttle=_SECONDS)

    @property
    def number(self) -> float:
        """What a range holds."""
        return float(self.text)

    def put(self, text: str | float) -> None:
        """Shows another value, without `on_change`."""
        self.text = str(text)
        self.run_method("put", self.text)

    def _told(self, event: Any) -> Any:
        self.text = str(event.args)
        return self._changed()


def slider(
    name: str,
    label: str,
    value: float,
    span: tuple[float, float, float],
    on_change: Handler,
    unit: str = "%",
) -> Field:
    """A range over ``(least, most, step)``; `unit` is one of `_UNITS`."""
    least, most, step = span
    scale, digits, shown = _UNITS[unit]
    digits += scale * step < 1 and unit == "%"
    props = {"min": least, "max": most, "step": step, "scale": scale, "digits": int(digits), "unit": shown}
    return Field(name, label, "range", str(value), on_change, **props)


def choice(name: str, label: str, options: Mapping[str, str], on_change: Handler) -> Field:
    """A select of texts by key; the first is chosen."""
    return Field(name, label, "select", next(iter(options)), on_change, options=list(options.items()))


def button(text: str, on_click: Callable[..., Any]) -> ui.html:
    """A native button."""
    return words("button", text, "type=button").on("click", on_click)


def words(tag: str, text: str, props: str = "") -> ui.html:
    """An element with nothing but text."""
    return ui.html(html.escape(text), tag=tag, sanitize=False).props(props)


def say(element: ui.html, text: str) -> None:
    """Changes the text of `words`."""
    element.set_content(html.escape(text))
