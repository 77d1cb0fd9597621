"""A real server in this process, until a signal stops it."""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tf_medsynth.config.base import check
from tf_medsynth.config.serving import ServingConfig
from tf_medsynth.runtime import Stopwatch, listening, log, require_tensorflow
from tf_medsynth.serving.model import ModelFolder, ServedModel, warm_up_requests

if TYPE_CHECKING:
    from tf_medsynth.serving.predictor import Predictor

NEEDED = ("orjson", "starlette", "uvicorn")
NEEDED_FOR_GRPC = ("grpc", "tensorflow_serving")
REST_ALONE = "REST alone: gRPC and the warm-up need pip install --no-deps tensorflow-serving-api"
_SPARE_THREADS = 8
"""Of gRPC, to refuse while all others wait."""
_KEEP_ALIVE_SECONDS = 65
"""An idle REST connection stays open longer than the minute after which most clients drop it."""


def run_server(folder: ModelFolder, settings: ServingConfig) -> tuple[int, int]:
    """Serves `folder` until SIGTERM or SIGINT; requests computed, and batches they were computed in.

    Raises:
        MedSynthError: a package is missing, a port is taken, or the model cannot be read.
    """
    missing = _missing(NEEDED)
    check(
        "--local needs the server's packages",
        not missing,
        "Install them with pip install 'tf_medsynth[serve]'.",
        missing=missing,
    )
    speaks_grpc = not _missing(NEEDED_FOR_GRPC)
    watch = Stopwatch()
    with listening(settings.host, settings.port, "port") as rest, contextlib.ExitStack() as stack:
        # gRPC binds by itself, but says less clearly what failed: its port is held for it meanwhile.
        held = listening(settings.host, settings.grpc_port, "grpc_port") if speaks_grpc else None
        with held or contextlib.nullcontext():
            require_tensorflow()
            predictor = _load(folder, settings, speaks_grpc)
        stack.callback(predictor.batcher.close)
        where = f"http://{settings.host}:{rest.getsockname()[1]}"
        if speaks_grpc:
            where += f", gRPC {settings.host}:{_answer_grpc(predictor, settings, stack)}"
        log.info(
            "serving %s version %d at %s, ready in %.1f s", folder.name, folder.version, where, watch.seconds
        )
        _answer_rest(predictor, rest, settings)
        log.info("stopping")
    return predictor.batcher.requests, predictor.batcher.batches


def _missing(packages: Sequence[str]) -> list[str]:
    return [name for name in packages if importlib.util.find_spec(name) is None]


def _load(folder: ModelFolder, settings: ServingConfig, warm_up: bool) -> Predictor:
    """The model, loaded, and warm where the messages of its recorded requests can be read."""
    from tf_medsynth.serving.predictor import Predictor

    model, warm = ServedModel(folder), 0
    predictor = Predictor(model, settings)
    if not warm_up:
        log.info(REST_ALONE)
        return predictor
    for name, inputs in warm_up_requests(folder):  # straight to the model: they may exceed the batch limit
        signature = predictor.signature(name)
        signature.check(inputs)
        model.run(signature.name, inputs)
        warm += 1
    log.info("warm-up: %d recorded requests", warm)
    return predictor


def _answer_grpc(predictor: Predictor, settings: ServingConfig, stack: contextlib.ExitStack) -> int:
    """Answers gRPC requests until `stack` unwinds; the port."""
    from tf_medsynth.serving.grpc_service import add_services, new_server

    threads = settings.queue_limit + settings.batch_limit + _SPARE_THREADS
    server = new_server(threads, settings.message_limit_mib * 2**20, settings.body_seconds)
    port = int(server.add_insecure_port(f"{settings.host}:{settings.grpc_port}"))
    add_services(server, predictor)
    server.start()
    stack.callback(lambda: server.stop(settings.grace_seconds).wait())
    return port


def _answer_rest(predictor: Predictor, listening: socket.socket, settings: ServingConfig) -> None:
    """Answers REST requests until a signal; those under way are finished."""
    import uvicorn

    from tf_medsynth.serving.connections import harden
    from tf_medsynth.serving.rest import build_app

    limit = settings.message_limit_mib * 2**20
    app = build_app(predictor, limit, settings.queue_limit, settings.body_seconds)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(settings.grace_seconds)),
    )
    harden(config)
    # Once it has stopped, uvicorn raises the signal again for whoever listened before.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
