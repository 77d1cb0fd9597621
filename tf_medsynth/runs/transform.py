"""The operators that turn images into structure maps, settled once for all stages, with what they draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.base import fingerprint
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.config.presets import preset as preset_named
from tf_medsynth.config.records import Settled
from tf_medsynth.data.batches import with_structure
from tf_medsynth.data.slices import open_slices
from tf_medsynth.evaluation.structure import contour_pass_rate, line_share

_BATCH = 32
_REMEDY = "Remove the file; structure_transform writes it again."


@dataclasses.dataclass(frozen=True)
class TransformResult:
    """The file of `structure_transform`, its name by content, and whether it was there already."""

    file: Path
    fingerprint: str
    skipped: bool


def structure_transform(
    *,
    data: str,
    data_dir: Path | str,
    out: Path | str,
    preset: str = "tiny",
    overrides: Mapping[str, Any] | None = None,
) -> TransformResult:
    """Settles the structure map's operators for a data set and measures the maps they draw from it.

    The maps themselves are drawn while training, each from a modality of its own draw.

    Args:
        data: prepared data set, e.g. ``brats/slices_96``.
        data_dir: where it was prepared.
        out: folder of ``transform.json``: ``operators``, ``data_settings``, ``image_size``, and of the
            training maps ``closed_outlines`` and ``line_share``.
        preset: whose ``data`` and ``operators`` settings hold.
        overrides: ``data.key`` and ``operators.key`` settings, as `train` takes them.

    Raises:
        MedSynthError: not prepared, or unknown settings.
    """
    settings = preset_named(preset).override(overrides or {})
    source = open_slices(data, data_dir, "train", settings.data)
    operators = settings.operators or source.domain.operators_at(*source.image_size)
    name = fingerprint(source.fingerprint, operators.to_dict())
    file = Path(out) / "transform.json"
    if file.exists() and runtime.read_record(file, Settled, _REMEDY)["fingerprint"] == name:
        return TransformResult(file, name, True)
    examples = source.examples().enumerate().map(lambda index, example: {"index": index, **example})
    closed: list[float] = []
    lines: list[np.ndarray] = []
    for batch in examples.batch(_BATCH).map(with_structure(operators, source.domain, 0)).as_numpy_iterator():
        maps = batch["structure_map"], batch["background_mask"]
        closed += [contour_pass_rate(*maps)] * len(maps[0])
        lines.append(line_share(*maps))
    measured = {"closed_outlines": np.mean(closed), "line_share": np.nanmean(np.concatenate(lines))}
    record = {
        "operators": operators.to_dict(),
        "data_settings": settings.data.to_dict(),
        "image_size": source.image_size,
        **measured,
        "fingerprint": name,
    }
    runtime.write_json(file, record)
    return TransformResult(file, name, False)


def transform_overrides(file: Path | str) -> dict[str, Any]:
    """The settings of `train` that a `structure_transform` settled.

    Raises:
        MedSynthError: unreadable, or settings of another version.
    """
    operators = runtime.read_record(file, Settled, _REMEDY)["operators"]
    with runtime.of_file(file, _REMEDY):
        return {"operators": OperatorConfig.from_dict(operators)}
