"""The server of the page: NiceGUI on a socket that listens already, and archives by address."""

from __future__ import annotations

import contextlib
import signal
import socket
import webbrowser
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from nicegui import ui
from starlette.concurrency import run_in_threadpool

from tf_medsynth.saved_model.patient_files import archive
from tf_medsynth.saved_model.patients import Patients
from tf_medsynth.types import MedSynthError
from tf_medsynth.viewer.links import ARCHIVE, file_name, patient_of
from tf_medsynth.viewer.page import Page
from tf_medsynth.viewer.visitors import OwnVisitors

STYLE = Path(__file__).with_name("page.css")
TITLE = "tf_medsynth gallery"
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><ellipse cx="16" cy="16" rx="12" ry="15" '
    'fill="#1b1b1b"/><circle cx="20" cy="12" r="5" fill="#f0e442"/></svg>'
)
_GRACE_SECONDS = 3


def serve_page(
    patients: Patients,
    model: str,
    listening: socket.socket,
    opened: str | None,
    host: str = "127.0.0.1",
    allowed: Sequence[str] = (),
) -> None:
    """Serves the page until a signal.

    Args:
        patients: of the model.
        model: how a command names it.
        listening: where browsers come in.
        opened: address to open in the user's browser; None leaves that to the user.
        host: that it listens on.
        allowed: further names by which it may be asked.
    """
    app = OwnVisitors(build_app(patients, model, opened), host, allowed)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE_SECONDS
    )
    # Once it has stopped, uvicorn raises the signal again for whoever listened before.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def build_app(patients: Patients, model: str, opened: str | None = None) -> FastAPI:
    """The application: the page at ``/``, archives at `ARCHIVE`."""

    @contextlib.asynccontextmanager
    async def opening(_: FastAPI) -> AsyncIterator[None]:
        if opened:
            webbrowser.open(opened)
        yield

    app = FastAPI(lifespan=opening, docs_url=None, redoc_url=None, openapi_url=None)

    @app.get(ARCHIVE)
    async def download(request: Request) -> Response:
        try:
            patient = await run_in_threadpool(patient_of, patients, dict(request.query_params))
        except MedSynthError as error:
            return Response(f"{error}\n", status_code=400, media_type="text/plain")
        made = await run_in_threadpool(archive, patient, patients.model)
        named = {"Content-Disposition": f'attachment; filename="{file_name(patient)}"'}
        return Response(made, media_type="application/zip", headers=named)

    @ui.page("/")
    async def page() -> None:
        ui.add_css(STYLE.read_text(encoding="utf-8"))
        shown = Page(patients, model)
        await ui.context.client.connected()
        await shown.start()

    # No style compiler in the browser, and no relay over the network: the page is whole by itself.
    ui.run_with(app, title=TITLE, favicon=ICON, language="en-US", tailwind=False, show_welcome_message=False)
    return app
