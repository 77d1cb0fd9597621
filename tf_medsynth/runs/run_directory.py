"""One run directory holds all stages: what each was trained with, how far it is, and its weights."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.families import STAGES, TRAINABLE
from tf_medsynth.config.presets import Preset
from tf_medsynth.config.records import Claimed, Finished, NetworksRecord, StageRecord
from tf_medsynth.runtime import alone, local_path, of_file, read_record, write_json

_REMEDY = "Remove the stage's folder and train it again."


@dataclasses.dataclass(frozen=True)
class StageDirectory:
    """``RUN/<stage>``: config.json, checkpoints/, logs/, metrics.csv, samples/, finished.json."""

    path: Path

    @property
    def name(self) -> str:
        """Stage name."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """Folder of the stage's checkpoints."""
        return self.path / "checkpoints"

    def claimed(self) -> dict[str, Any]:
        """The config that the directory is claimed by, whatever it is of.

        Raises:
            MedSynthError: nothing was begun there.
        """
        file = self._config_file()
        return dict(read_record(file, Claimed, _REMEDY))

    def config(self) -> dict[str, Any]:
        """What the stage was trained with, and on what: a `StageRecord` whose settings this version knows.

        Raises:
            MedSynthError: the stage has not been trained in this run, or its record is of other types.
        """
        return self._known(StageRecord)

    def networks(self) -> dict[str, Any]:
        """As `config`, of what the networks are built from: all that is known of a judge in a study."""
        return self._known(NetworksRecord)

    def _known(self, schema: type[NetworksRecord]) -> dict[str, Any]:
        file = self._config_file()
        held = read_record(file, schema, _REMEDY)
        with of_file(file, _REMEDY):
            stages = ", ".join(TRAINABLE)
            check("unknown stage", held["stage"] in TRAINABLE, f"Stages: {stages}.", stage=held["stage"])
            settings = {"data": held["data_settings"], "operators": held["operators"]}
            Preset.from_dict({held["stage"]: held["settings"], **settings})
            height, width = held["image_size"]
            check("an image has pixels", height > 0 and width > 0, image_size=(height, width))
        return dict(held)

    def _config_file(self) -> Path:
        file = self.path / "config.json"
        check(
            f"this run has no stage {self.name!r}",
            file.exists(),
            f"Train it first: medsynth train {self.name} --run ...",
            run=str(self.path.parent),
        )
        return file

    def finished(self) -> dict[str, Any] | None:
        """The record of a finished training, or None."""
        file = self.path / "finished.json"
        return dict(read_record(file, Finished, _REMEDY)) if file.exists() else None

    def require_finished(self) -> dict[str, Any]:
        """The record of a finished training.

        Raises:
            MedSynthError: not trained, or not to the end.
        """
        self._config_file()
        record = self.finished()
        check(
            f"stage {self.name!r} of this run is not finished",
            record is not None,
            f"Go on with: medsynth train {self.name} --run ... --resume",
            run=str(self.path.parent),
        )
        assert record is not None
        return record

    def open(self, config: Mapping[str, Any], whereabouts: Mapping[str, Any], resume: bool) -> bool:
        """Claims the directory for a training by `config`; True where it is finished already.

        See `finished_by`.
        """
        if self.finished_by(config, whereabouts, resume):
            return True
        file = self.path / "config.json"
        if file.exists() and self.claimed().get("workers", 1) == whereabouts.get("workers", 1):
            return False
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(file, {**config, **whereabouts, "fingerprint": fingerprint(config)})
        return False

    def finished_by(
        self, config: Mapping[str, Any], whereabouts: Mapping[str, Any], resume: bool = False
    ) -> bool:
        """Whether a training by `config` is finished here; writes nothing.

        Args:
            config: what decides the training's outcome.
            whereabouts: what is worth keeping but does not name the training, e.g. where the data lie;
                of it, an unfinished training keeps its number of ``workers``.
            resume: an unfinished training may be gone on with.

        Raises:
            MedSynthError: it holds a training by another config, or an unfinished one without `resume`.
        """
        if not (self.path / "config.json").exists():
            return False
        held = self.claimed()
        check(
            f"{self.name!r} of this run was trained by other settings",
            held.get("fingerprint") == fingerprint(config),
            "Choose another --run, or remove that stage's folder.",
            differing=sorted(key for key in config if held.get(key) != config[key]),
            run=str(self.path.parent),
        )
        if self.finished() is not None:
            return True
        started = any(self.checkpoints.glob("*.index"))
        check(
            f"{self.name!r} of this run is unfinished",
            resume or not started,
            "Pass --resume to go on.",
            run=str(self.path.parent),
        )
        before, now = held.get("workers", 1), whereabouts.get("workers", 1)
        check(
            f"{self.name!r} of this run goes on with as many workers as it was begun with",
            before == now or not started,
            "Give TF_CONFIG that many, or remove the stage's folder.",
            begun_with=before,
            workers=now,
        )
        return False

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Context in which no other process trains here.

        Raises:
            MedSynthError: one does.
        """
        rule = f"one process at a time trains {self.name!r} of a run"
        with alone(self.path, rule, "Wait for it, or choose another --run."):
            yield


def stage_directory(run: Path | str, name: str) -> StageDirectory:
    """The directory of stage `name` in `run`."""
    check("unknown stage", name in (*TRAINABLE, "judge"), f"Stages: {', '.join(STAGES)}.", stage=name)
    return StageDirectory(local_path(run, "run", literal=True) / name)
