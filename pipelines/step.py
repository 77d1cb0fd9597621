"""What every component does around its one call: settings, lineage, and where its artifacts stand."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.config.pipeline import PipelineConfig
from tf_medsynth.runs.lineage import Step, record_lineage
from tf_medsynth.runtime import log_to_stderr

Artifact = Any
"""A `kfp.dsl` artifact; Kubeflow Pipelines itself is not needed here."""


@dataclasses.dataclass
class PipelineStep:
    """A running component.

    Attributes:
        root: folder that all steps of a pipeline see.
        config: of the pipeline.
        record: for the lineage.
    """

    root: Path
    config: PipelineConfig
    record: Step

    @property
    def run(self) -> Path:
        """The run directory, which holds all stages."""
        return self.root / "run"

    def made(self, key: str, artifact: Artifact, path: Path, fingerprint: str, **facts: Any) -> None:
        """Says that output `key` stands at `path`, below the root, and is named `fingerprint` by content.

        Artifacts stay in the shared folder, not where a runner would put them: there a stopped
        training goes on, and a finished one is found again.
        """
        artifact.path = str(path)
        artifact.metadata.update({"fingerprint": fingerprint, **facts})
        self.record.made(key, path.relative_to(self.root), fingerprint)


@contextlib.contextmanager
def pipeline_step(
    name: str,
    root: str,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Artifact],
    given: Mapping[str, Any] | None = None,
) -> Iterator[PipelineStep]:
    """Context of a component named `name`, whose lineage is written when it ends.

    Args:
        root: folder that all steps of a pipeline see.
        settings: of a `PipelineConfig`.
        inputs: artifacts of earlier steps.
        given: what else decides the outcome.
    """
    log_to_stderr()
    place, config = Path(root), PipelineConfig.from_dict(settings)
    read = {
        key: {"uri": _below(place, artifact.path), "fingerprint": artifact.metadata["fingerprint"]}
        for key, artifact in inputs.items()
    }
    with record_lineage(place, name, {**config.to_dict(), **(given or {})}, read) as record:
        yield PipelineStep(place, config, record)


def _below(root: Path, path: str) -> str:
    return str(Path(path).relative_to(root)) if Path(path).is_relative_to(root) else path
