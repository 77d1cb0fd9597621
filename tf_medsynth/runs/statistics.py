"""Statistics of a prepared data set, checked against a schema: what a training may be started on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.pipeline import DriftConfig
from tf_medsynth.config.presets import preset as preset_named
from tf_medsynth.config.records import Anomalies
from tf_medsynth.data.slices import open_slices
from tf_medsynth.data.statistics import Anomaly, make_schema, read_schema, split_statistics, validate

SPLITS = ("train", "test")
_PARTS = ("statistics", "schema", "anomalies")


@dataclasses.dataclass(frozen=True)
class StatisticsResult:
    """Files of `statistics`, in one folder.

    Attributes:
        out: holds ``statistics.json``, ``schema.json`` and ``anomalies.json``.
        fingerprint: of data, schema and bounds.
        anomalies: a line each; none of them stops a training.
        skipped: whether all was there already.
    """

    out: Path
    fingerprint: str
    anomalies: list[str]
    skipped: bool


def statistics(
    *,
    data: str,
    data_dir: Path | str,
    out: Path | str,
    schema: Path | str | None = None,
    preset: str = "tiny",
    overrides: Mapping[str, Any] | None = None,
    drift: DriftConfig | None = None,
) -> StatisticsResult:
    """Describes the splits of a prepared data set and checks them against a schema.

    Args:
        data: prepared data set, e.g. ``brats/slices_96``.
        data_dir: where it was prepared.
        out: folder of the three files; they are written even where the data do not keep the schema.
        schema: ``schema.json`` of an earlier data set; without one, the training split's own.
        preset: whose ``data`` settings hold.
        overrides: ``data.key`` settings, as `train` takes them.
        drift: bounds of the distances.

    Raises:
        MedSynthError: not prepared, an unreadable schema, or data that do not keep it.
    """
    out, drift = Path(out), drift or DriftConfig()
    settings = preset_named(preset).override(overrides or {}).data
    sources = {split: open_slices(data, data_dir, split, settings) for split in SPLITS}
    given = read_schema(schema, sources["train"].domain) if schema else None
    name = fingerprint([source.fingerprint for source in sources.values()], given, drift.to_dict())
    if (out / "anomalies.json").exists():
        held = runtime.read_record(out / "anomalies.json", Anomalies, "Remove the file.")
        if held["fingerprint"] == name:
            return _judged(out, name, [Anomaly(**found) for found in held["anomalies"]], True)
    examples = {split: source.examples(names=True).as_numpy_iterator() for split, source in sources.items()}
    found = {split: split_statistics(examples[split], sources[split].domain) for split in SPLITS}
    kept = given or make_schema(found["train"])
    anomalies = validate(found, kept, drift)
    written = (found, kept, {"anomalies": [dataclasses.asdict(a) for a in anomalies], "fingerprint": name})
    for part, value in zip(_PARTS, written, strict=True):
        runtime.write_json(out / f"{part}.json", value)
    return _judged(out, name, anomalies, False)


def _judged(out: Path, name: str, anomalies: list[Anomaly], skipped: bool) -> StatisticsResult:
    for anomaly in anomalies:
        runtime.log.warning("%s", anomaly)
    stopping = [str(anomaly) for anomaly in anomalies if anomaly.stops]
    check(
        "data must keep their schema",
        not stopping,
        "Mend the data, raise the drift.… bounds, or start from a schema of these data.",
        anomalies=stopping,
        file=str(out / "anomalies.json"),
    )
    return StatisticsResult(out, name, [str(anomaly) for anomaly in anomalies], skipped)
