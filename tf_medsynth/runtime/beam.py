"""One function for many items, by Apache Beam: on processes of this machine, or on a cluster."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tf_medsynth.config.base import check
from tf_medsynth.types import MedSynthError

Item = TypeVar("Item")

HERE = "DirectRunner"
_WORKER_OPTIONS: Mapping[str, tuple[str, ...]] = {
    HERE: ("direct_num_workers",),
    "DataflowRunner": ("num_workers", "max_num_workers"),
    "FlinkRunner": ("parallelism",),
    "SparkRunner": (),
    "PortableRunner": (),
}
"""Runner -> its options that take the number of workers; none where its cluster decides."""

_TOLD = re.compile(r"MedSynthError: (.+?)(?: \[while running |$)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Beam:
    """Where a pipeline runs.

    Attributes:
        runner: ``DirectRunner`` for processes of this machine, else one of Beam's for a cluster.
        workers: how many processes or machines; None for the runner's own number.
        options: pipeline options of Beam by name, e.g. ``{"flink_master": "host:8081"}``.
    """

    runner: str = HERE
    workers: int | None = None
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        known = ", ".join(_WORKER_OPTIONS)
        check("unknown Beam runner", self.runner in _WORKER_OPTIONS, f"Runners: {known}.", runner=self.runner)
        check("workers must be at least 1", self.workers is None or self.workers >= 1, workers=self.workers)
        check(
            f"the cluster behind {self.runner} decides the number of workers",
            self.workers is None or bool(_WORKER_OPTIONS[self.runner]),
            "Leave it out.",
            workers=self.workers,
        )

    def run(self, function: Callable[[Item], Any], items: Sequence[Item]) -> None:
        """Calls `function` with every item, each by some worker; a worker may be given an item again.

        Args:
            function: importable by its name in a worker's Python; bound arguments are pickled.
            items: picklable.

        Raises:
            MedSynthError: Beam is missing, an option it does not know, or what `function` raised.
        """
        _require_beam()
        import apache_beam
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner

        # By its name the direct runner would first try to fetch another program from the network.
        runner = FnApiRunner() if self.runner == HERE else self.runner
        try:
            with apache_beam.Pipeline(runner, self._pipeline_options()) as pipeline:
                given = pipeline | apache_beam.Create(items)
                _ = given | apache_beam.Reshuffle() | "Work" >> apache_beam.Map(function)
        except Exception as error:
            told = _TOLD.findall(f"{type(error).__name__}: {error}")
            if told:
                raise MedSynthError(told[-1]) from error
            raise

    def _pipeline_options(self) -> Any:
        from apache_beam.options.pipeline_options import PipelineOptions

        known = set(PipelineOptions([]).get_all_options())
        unknown = sorted(set(self.options) - known)
        check("Beam has no such pipeline option", not unknown, unknown=unknown)
        own: dict[str, Any] = {"default_sdk_harness_log_level": "WARNING"}
        if self.workers is not None:
            own |= dict.fromkeys(_WORKER_OPTIONS[self.runner], self.workers)
        if self.runner == HERE and (self.workers or 1) > 1:
            own["direct_running_mode"] = "multi_processing"
        flags = [f"--{name}={value}" for name, value in (own | dict(self.options)).items()]
        return PipelineOptions(flags)


def _require_beam() -> None:
    check(
        "this step needs Apache Beam",
        importlib.util.find_spec("apache_beam") is not None,
        "Install it with pip install 'tf_medsynth[beam]'.",
        apache_beam=None,
    )


def beam_of(
    runner: str | None = None, workers: int | None = None, options: Mapping[str, str] | None = None
) -> Beam | None:
    """The pipeline's place that a caller asked for, None where nothing was asked: this process.

    Args:
        runner: ``DirectRunner`` when only `workers` are given.
        workers: see `Beam`.
        options: see `Beam`.

    Raises:
        MedSynthError: Beam is missing, an unknown runner, or a number of workers it does not take.
    """
    if runner is None and workers is None:
        check("pipeline options need a Beam runner", not options, "Name one.", options=options)
        return None
    _require_beam()
    return Beam(runner or HERE, workers, dict(options or {}))
