"""The page: what is asked for, who is drawn, and how it is shown; one object a browser tab."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from nicegui import run, ui

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.lesion_shapes import LesionShape
from tf_medsynth.generation.provenance import domain_words
from tf_medsynth.imaging.lesion_shapes import moved_inside
from tf_medsynth.reports.gallery import class_colours
from tf_medsynth.saved_model.patient_files import class_pixels, command
from tf_medsynth.saved_model.patients import Patient, Patients
from tf_medsynth.types import MedSynthError
from tf_medsynth.viewer import pictures
from tf_medsynth.viewer.controls import Field, button, choice, say, slider, words
from tf_medsynth.viewer.links import archive_address, file_name

T = TypeVar("T")

DRAWN = "drawn"
KINDS = {
    DRAWN: "drawn by the model",
    "nested": "my own, of nested classes",
    "oedema": "my own, oedema",
    "enhancing": "my own, enhancing",
    "non_enhancing": "my own, non-enhancing",
    "necrosis": "my own, necrosis",
}
_STEP = 0.005
_SHAPE: dict[str, tuple[str, tuple[float, float, float], str]] = {
    "radius": ("Size (radius)", (_STEP, 0.5, _STEP), "%"),
    "column": ("Place, from the left", (0.0, 1.0, _STEP), "%"),
    "row": ("Place, from the top", (0.0, 1.0, _STEP), "%"),
    "elongation": ("Elongation", (1.0, 4.0, 0.1), "times"),
    "angle": ("Angle", (0.0, 180.0, 5.0), "degrees"),
    "core": ("Enhancing rim, of the lesion", (0.05, 1.0, 0.05), "%"),
    "necrosis": ("Necrosis, of the rim", (0.0, 0.95, 0.05), "%"),
}
"""Label, (least, most, step) and unit of each slider of a lesion, in the order of the page."""
_NESTED = ("core", "necrosis")
_MAPS = ("Structure map", "Organ", "Lesion label")
_WORDS = "message"
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def kinds_for(classes: Sequence[str]) -> dict[str, str]:
    """Those of `KINDS` whose lesions show nothing but `classes`."""
    needs = {DRAWN: (), "nested": ("oedema", "enhancing", "necrosis")}
    return {kind: told for kind, told in KINDS.items() if set(needs.get(kind, (kind,))) <= set(classes)}


class Page:
    """One tab's controls and pictures.

    Args:
        patients: of the model.
        model: how a command names it.
    """

    def __init__(self, patients: Patients, model: str) -> None:
        self._patients, self._model, self._domain = patients, model, patients.record.domain
        self._shown: Patient | None = None
        self._wanted = self._busy = False
        self._new_seed = True
        with ui.element("div").classes("page"):  # inside the <main> of NiceGUI
            self._head()
            with ui.element("div").classes("sides"):
                with ui.element("div").classes("name"):
                    self._name_controls()
                with ui.element("section").props('aria-label="Pictures"').classes("patient"):
                    self._messages()
                    self._pictures()
                    self._files()
                with ui.element("div").classes("choices"):
                    self._lesion_controls()
                    self._look_controls()

    async def start(self) -> None:
        """Draws the first patient."""
        await self._draw_new_seed()

    # What is on the page.

    def _head(self) -> None:
        record, folder = self._patients.record, self._patients.model.folder.resolve()
        words("h1", "Patients who do not exist")
        text = (
            f"Model {folder.parent.name}, version {folder.name} ({record.model_hash}), trained on "
            f"{record.data['patients']} patients. One slice of {domain_words(self._domain)} in "
            f"{_modalities(self._domain)}, drawn from a seed. Not for diagnosis."
        )
        words("p", text)

    def _name_controls(self) -> None:
        with ui.element("fieldset"):
            words("legend", "Patient")
            told = {"min": 0, "step": 1, "described": _WORDS}
            self._seed = Field("seed", "Seed", "number", "0", self._draw_new_seed, **told)
            self._number = Field("number", "Sample number", "number", "0", self._draw, **told)
            with ui.element("div").classes("buttons"):
                button("Previous sample", lambda: self._step(-1))
                button("Next sample", lambda: self._step(1))

    def _lesion_controls(self) -> None:
        plain = LesionShape()
        with ui.element("fieldset"):
            words("legend", "Lesion")
            self._kind = choice("kind", "Lesion", kinds_for(self._domain.label.classes), self._draw_new_kind)
            with ui.element("div") as self._own:
                self._shape = {
                    name: slider(name, label, getattr(plain, name), span, self._draw, unit)
                    for name, (label, span, unit) in _SHAPE.items()
                }
                with ui.element("div").classes("buttons"):
                    button("Move it to where there is room", self._move_inside)
            self._own.set_visibility(False)

    def _look_controls(self) -> None:
        part = (0.0, 1.0, 0.05)
        with ui.element("fieldset"):
            words("legend", "Images")
            self._label = slider("label", "Lesion label over images", 0.0, part, self._paint)
            self._lines = slider("lines", "Structure map over images", 0.0, part, self._paint)
            with ui.element("details"):
                words("summary", "Windows of the modalities")
                self._windows = [self._window_controls(name) for name in self._domain.modalities]
                with ui.element("div").classes("buttons"):
                    button("Reset windows", self._reset_windows)

    def _window_controls(self, name: str) -> tuple[Field, Field]:
        plain = pictures.Window()
        return (
            slider(f"level-{name}", f"{name} level", plain.level, (0.0, 1.0, 0.01), self._paint),
            slider(f"width-{name}", f"{name} window", plain.width, (0.05, 2.0, 0.05), self._paint),
        )

    def _messages(self) -> None:
        self._status = words("p", "Drawing …", "role=status").classes("status")
        self._error = words("p", "", f"role=alert id={_WORDS}").classes("error")

    def _pictures(self) -> None:
        self._tiles: dict[str, ui.element] = {}
        for kind, names in (("maps", _MAPS), ("images", self._domain.modalities)):
            with ui.element("div").classes(f"tiles {kind}"):
                for name in names:
                    with ui.element("figure"):
                        self._tiles[name] = ui.element("img").props('alt="being drawn"')
                        words("figcaption", name)
        with ui.element("ul").classes("legend").props('aria-label="Colours"'):
            colours = {**class_colours(self._domain.label.classes), "structure map": pictures.LINE_COLOUR}
            for name, (red, green, blue) in colours.items():
                with ui.element("li"):
                    ui.element("span").style(f"background: rgb({red}, {green}, {blue})").props("aria-hidden")
                    words("span", name.replace("_", "-"))

    def _files(self) -> None:
        self._link = words("a", "Download as NIfTI (.zip)", "download").classes("download")
        text = (
            f"{_modalities(self._domain).capitalize()}, label, structure map and mask, each a volume of one "
            "slice: spacing 1 mm, "
            "origin 0, intensities int16 of 10000 × value, maps uint8. record.json says so too."
        )
        words("p", text)
        words("h2", "The same patient from a command line")
        self._command = words("code", "", 'id="command"')

    # What happens.

    async def _step(self, by: int) -> None:
        if self._shown is not None:
            self._number.put(max(0, self._shown.number + by))
            await self._draw()

    async def _draw_new_seed(self) -> None:
        self._new_seed = True
        await self._draw()

    async def _draw_new_kind(self) -> None:
        """A lesion of the user's begins inside the brain."""
        self._own.set_visibility(self._kind.text != DRAWN)
        for name in _NESTED:
            self._shape[name].set_visibility(self._kind.text == "nested")
        if self._kind.text != DRAWN and self._shown is not None and self._shown.lesion is None:
            await self._move_inside()
        else:
            await self._draw()

    async def _move_inside(self) -> None:
        try:
            name = self._name()
            mask = await _aside(self._patients.background_mask, *name)
            moved = moved_inside(self._lesion() or LesionShape(), mask, _STEP)
        except MedSynthError as error:
            say(self._error, str(error))
            return
        for part in ("row", "column", "radius"):
            self._shape[part].put(getattr(moved, part))
        await self._draw()

    async def _draw(self) -> None:
        """Draws what is asked for; while it does, only the newest wish is remembered."""
        self._wanted = True
        if self._busy:
            return
        self._busy = True
        try:
            while self._wanted:
                self._wanted = False
                await self._draw_once()
        finally:
            self._busy = False

    async def _draw_once(self) -> None:
        try:
            self._show(await self._drawn())
        except MedSynthError as error:
            say(self._error, str(error))
            say(self._status, "Not drawn; the pictures show the patient before.")

    async def _drawn(self) -> Patient:
        if self._new_seed:
            seed = _whole("the seed", self._seed.text)
            number = await _aside(self._patients.first_good, seed)
            self._new_seed = False
            self._number.put(number)
        return await _aside(self._patients.draw, *self._name(), self._lesion())

    def _name(self) -> tuple[int, int]:
        return _whole("the seed", self._seed.text), _whole("the sample number", self._number.text)

    def _lesion(self) -> LesionShape | None:
        if self._kind.text == DRAWN:
            return None
        parts: dict[str, Any] = {name: field.text for name, field in self._shape.items()}
        if self._kind.text != "nested":
            parts = {name: text for name, text in parts.items() if name not in _NESTED}
        return LesionShape().override({"kind": self._kind.text, **parts})

    def _show(self, patient: Patient) -> None:
        self._shown = patient
        say(self._error, "")
        counts = class_pixels(patient, self._domain.label.classes)
        self._found = ", ".join(f"{n.replace('_', '-')} {k} px" for n, k in counts.items()) or "no lesion"
        note = "" if patient.lesion or patient.label_found else " No lesion of the model fits this brain."
        say(self._status, f"Seed {patient.seed}, sample {patient.number}: {self._found}.{note}")
        for name, picture in pictures.map_pictures(patient, self._domain.label.classes).items():
            self._put(name, picture)
        self._paint()
        file = file_name(patient)
        self._link.props["href"] = archive_address(patient)
        self._link.props["download"] = file
        self._link.update()
        say(self._command, command(patient, self._model, file))

    def _paint(self) -> None:
        """The modalities again, with the windows and opacities of now."""
        if self._shown is None:
            return
        windows = tuple(pictures.Window(level.number, width.number) for level, width in self._windows)
        look = pictures.Look(windows, self._label.number, self._lines.number)
        for name, picture in pictures.modality_pictures(self._shown, look, self._domain).items():
            self._put(name, picture)

    def _put(self, name: str, picture: pictures.Picture) -> None:
        if self._shown is None:
            return
        tile, kind = self._tiles[name], f"{name} image" if name in self._domain.modalities else name
        tile.props["src"] = pictures.data_address(picture)
        tile.props["alt"] = f"{kind} of seed {self._shown.seed}, sample {self._shown.number}: {self._found}"
        tile.update()

    def _reset_windows(self) -> None:
        plain = pictures.Window()
        for level, width in self._windows:
            level.put(plain.level)
            width.put(plain.width)
        self._paint()


def _modalities(domain: Domain) -> str:
    if domain.num_modalities == 1:
        return "one modality"
    return f"{_NUMBERS.get(domain.num_modalities, domain.num_modalities)} registered modalities"


async def _aside(compute: Callable[..., T], *arguments: Any) -> T:
    """What `compute` answers, in a thread of its own: other tabs are served meanwhile."""
    answer: T | None = await run.io_bound(compute, *arguments)
    if answer is None:
        raise asyncio.CancelledError  # the server is being stopped
    return answer


def _whole(what: str, text: str) -> int:
    """The whole number that `text` is.

    Raises:
        MedSynthError: it is none.
    """
    check(f"{what} must be a whole number, 0 or more", text.isdecimal() and len(text) < 20, received=text)
    return int(text)
