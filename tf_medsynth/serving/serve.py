"""The verb: how TensorFlow Serving serves a model, or a server in this process that does likewise."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.config.serving import ServingConfig
from tf_medsynth.serving.model import ModelFolder, find_model

IMAGE = "tensorflow/serving"
MODELS_CONFIG = "models.config"
BATCHING_CONFIG = "batching.config"
"""Files beside the versions that the export writes; the first names the model's place in a container."""


@dataclasses.dataclass(frozen=True)
class ServeCommands:
    """Command lines that serve a model with TensorFlow Serving."""

    binary: str
    docker: str

    def render(self) -> str:
        """Both, each below a line that says what it needs."""
        return (
            f"# With tensorflow_model_server on the PATH:\n{self.binary}\n\n# With Docker:\n{self.docker}\n\n"
            "# In this environment: the same command with --local."
        )


@dataclasses.dataclass(frozen=True)
class ServeSummary:
    """What a local server did before it was stopped."""

    model: str
    version: int
    requests: int
    batches: int

    def render(self) -> str:
        """One line."""
        return (
            f"served {self.model} version {self.version}: {self.requests} requests computed in "
            f"{self.batches} batches"
        )


def serve(
    model: Path | str | None = None, *, local: bool = False, overrides: Mapping[str, Any] | None = None
) -> ServeCommands | ServeSummary:
    """Command lines of TensorFlow Serving for a SavedModel; with `local`, serves it here until a signal.

    Args:
        model: ``saved_models/NAME``, of which the newest version is meant, ``saved_models/NAME/VERSION``,
            or the name of a model that comes along; the newest of those without it.
        local: run a server in this process: TensorFlow Serving's REST form and its gRPC services.
        overrides: changes of `ServingConfig`, e.g. ``{"port": 0}``.

    Raises:
        MedSynthError: no SavedModel there; for `local` also a missing package or a taken port.
    """
    settings = ServingConfig().override(overrides or {})
    folder = find_model(model)
    if not local:
        return _commands(folder, settings)
    from tf_medsynth.serving.local import run_server

    requests, batches = run_server(folder, settings)
    return ServeSummary(folder.name, folder.version, requests, batches)


def _commands(folder: ModelFolder, settings: ServingConfig) -> ServeCommands:
    """The commands for what stands in the folder, with the ports of `settings`."""
    base, inside = folder.base.resolve(), Path("/models") / folder.name
    ports = [f"--port={settings.grpc_port}", f"--rest_api_port={settings.port}"]
    model = [f"--model_name={folder.name}", f"--model_base_path={base}"]
    published = [
        word
        for outside, port in ((settings.grpc_port, 8500), (settings.port, 8501))
        for word in ("--publish", f"{settings.host}:{outside}:{port}")
    ]
    mount = [
        "--mount",
        f"type=bind,source={base},target={inside},readonly",
        "--env",
        f"MODEL_NAME={folder.name}",
    ]
    batching = (base / BATCHING_CONFIG).is_file()
    flags = ["--enable_batching", f"--batching_parameters_file={base / BATCHING_CONFIG}"] if batching else []
    listed = [f"--model_config_file={inside / MODELS_CONFIG}"] if (base / MODELS_CONFIG).is_file() else []
    inner = [*listed, *(flag.replace(str(base), str(inside)) for flag in flags)]
    return ServeCommands(
        binary=shlex.join(["tensorflow_model_server", *ports, *model, *flags]),
        docker=shlex.join(["docker", "run", "--rm", *published, *mount, IMAGE, *inner]),
    )
