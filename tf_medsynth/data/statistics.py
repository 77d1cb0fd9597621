"""What a prepared data set holds, in numbers; the schema they must keep; and how far they drifted.

The measures of drift are those of TensorFlow Data Validation, which supports no TensorFlow of today.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import jensenshannon

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.pipeline import DriftConfig
from tf_medsynth.runtime import of_file, read_json

BINS = 64
"""Equal bins of an intensity histogram over [0, 1]."""

QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)

_SCHEMA = "Give the schema.json of an earlier run."


@dataclasses.dataclass(frozen=True)
class Anomaly:
    """A rule that data do not keep.

    Attributes:
        feature: what it is about, e.g. ``train/T1``.
        rule: in words.
        measured: what was found, as text.
        wanted: what the rule asks for, as text.
        stops: whether nothing may be trained on such data.
    """

    feature: str
    rule: str
    measured: str
    wanted: str
    stops: bool = True

    def __str__(self) -> str:
        """The anomaly on one line."""
        return f"{self.feature}: {self.rule} ({self.measured}, wanted {self.wanted})"


def split_statistics(examples: Iterable[Mapping[str, Any]], domain: Domain) -> dict[str, Any]:
    """Statistics of one split as JSON values, gathered in one pass and bounded memory.

    Args:
        examples: each with ``images`` `(H, W, M * C)` float32 in [0, 1], ``patient`` bytes, and
            ``lesion_label`` as its kind has it.
        domain: of the examples.

    Returns:
        ``slices``; ``patients`` (slices of each); ``shapes``; ``intensity`` (of each modality, inside
        the organ: ``histogram`` of shares, ``quantiles``, ``outside`` [0, 1] or not finite);
        ``classes`` (of each labelled class: ``pixel_share`` of all labelled pixels, boxes or
        slices, whatever has a class; ``slice_share`` of all slices); ``unknown_labels`` (of no known class).
    """
    patients: dict[str, int] = {}
    shapes: set[tuple[int, ...]] = set()
    modalities, classes = domain.modalities, domain.label.classes
    kind = domain.label.kind
    first = int(kind != "plane")
    counts = np.zeros((len(modalities), BINS), np.int64)
    outside = np.zeros(len(modalities), np.int64)
    pixels, slices = np.zeros((2, len(classes)), np.int64)
    unknown = 0
    for example in examples:
        name = example["patient"].decode()
        patients[name] = patients.get(name, 0) + 1
        shapes.add(tuple(example["images"].shape))
        flat = example["images"].reshape(-1, domain.image_channels)
        counts += _by_modality(_histograms(flat), domain)
        outside += _by_modality((~np.isfinite(flat) | (flat < 0.0) | (flat > 1.0)).sum(axis=0), domain)
        label = np.atleast_1d(example["lesion_label"])
        label = label[:, -1].astype(np.int64) if kind == "boxes" else label
        known = (label >= 0) & (label < len(classes))
        found = np.bincount(label[known], minlength=len(classes))
        pixels, slices, unknown = pixels + found, slices + (found > 0), unknown + int((~known).sum())
    total = sum(patients.values())
    return {
        "slices": total,
        "patients": dict(sorted(patients.items())),
        "shapes": sorted(map(list, shapes)),
        "intensity": {name: _spread(counts[m], int(outside[m])) for m, name in enumerate(modalities)},
        "classes": {
            name: {
                "pixel_share": float(pixels[code] / max(pixels[first:].sum(), 1)),
                "slice_share": float(slices[code] / max(total, 1)),
            }
            for code, name in enumerate(classes)
            if code >= first
        },
        "unknown_labels": unknown,
    }


def make_schema(statistics: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that training data of these `statistics` keep: shape, modalities, classes, spread."""
    return {
        "shape": statistics["shapes"][0],
        "modalities": list(statistics["intensity"]),
        "classes": {name: found["pixel_share"] for name, found in statistics["classes"].items()},
        "intensity": {name: found["histogram"] for name, found in statistics["intensity"].items()},
    }


def read_schema(file: Path | str, domain: Domain | None = None) -> dict[str, Any]:
    """The schema in `file`, which is one that `make_schema` could have made: of `domain`, where it is given.

    Raises:
        MedSynthError: unreadable, or a part is missing or of another type.
    """
    schema = read_json(file, _SCHEMA)
    with of_file(file):
        _check_schema(schema, domain)
    return schema


def _check_schema(schema: Mapping[str, Any], domain: Domain | None) -> None:
    modalities = schema.get("modalities") if domain is None else list(domain.modalities)
    named = isinstance(modalities, list) and bool(modalities) and all(isinstance(m, str) for m in modalities)
    check("a schema names its modalities", named, _SCHEMA, modalities=modalities)
    shape, intensity, classes = (schema.get(name) for name in ("shape", "intensity", "classes"))
    plain = isinstance(shape, list) and bool(shape) and all(type(n) is int and n > 0 for n in shape)
    check("a schema has the shape of the images", plain, _SCHEMA, shape=shape)
    known = isinstance(intensity, Mapping) and set(intensity) == set(modalities or ())
    rule = f"a schema has {BINS} shares of the intensities of {', '.join(modalities or ())}"
    whole = known and all(_numbers(shares, BINS) for shares in dict(intensity or {}).values())
    check(rule, whole, _SCHEMA, intensity=sorted(intensity) if isinstance(intensity, Mapping) else intensity)
    whole = isinstance(classes, Mapping) and _numbers(list(classes.values()), len(classes))
    check("a schema has the shares of the labelled classes", whole, _SCHEMA, classes=classes)


def _numbers(values: Any, count: int) -> bool:
    return (
        isinstance(values, list) and len(values) == count and all(isinstance(v, int | float) for v in values)
    )


def validate(
    statistics: Mapping[str, Mapping[str, Any]], schema: Mapping[str, Any], drift: DriftConfig
) -> list[Anomaly]:
    """What the splits do not keep of the schema, and how far they are from it and from one another.

    Args:
        statistics: `split_statistics` by split, ``train`` among them.
        schema: of this data set or of an earlier one.
        drift: bounds of the distances.
    """
    found: list[Anomaly] = []
    for split, facts in statistics.items():
        found += _broken(split, facts, schema)
    train = make_schema(statistics["train"])
    found += _far("train", "drifted from the schema", train, schema, drift.intensity, drift.label, True)
    for split in statistics.keys() - {"train"}:
        other = make_schema(statistics[split])
        found += _far(split, "differs from train", other, train, drift.split, drift.split, False)
    return found


def divergence(one: Iterable[float], other: Iterable[float]) -> float:
    """Jensen-Shannon divergence of two histograms in base 2, in [0, 1]: 0 equal, 1 disjoint or one empty."""
    p, q = np.asarray(list(one)), np.asarray(list(other))
    if not p.sum() or not q.sum():
        return float(p.sum() != q.sum())
    return float(jensenshannon(p, q, base=2) ** 2)


def largest_difference(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """L-infinity distance of two shares by name; a name that is missing has share 0."""
    return max((abs(one.get(name, 0.0) - other.get(name, 0.0)) for name in {*one, *other}), default=0.0)


def _by_modality(counts: np.ndarray, domain: Domain) -> np.ndarray:
    """`(M, ...)` counts of each modality, of `(M * C, ...)` of each channel."""
    return counts.reshape(domain.num_modalities, domain.channels, *counts.shape[1:]).sum(axis=1)


def _histograms(flat: np.ndarray) -> np.ndarray:
    """`(M * C, BINS)` counts of the pixels inside the organ, where any channel is above 0."""
    inside = flat[np.nan_to_num(flat).max(axis=1) > 0.0]
    known = np.nan_to_num(inside).clip(0.0, 1.0)
    codes = np.minimum((known * BINS).astype(np.int64), BINS - 1)
    return np.stack([np.bincount(codes[:, m], minlength=BINS) for m in range(flat.shape[1])])


def _spread(counts: np.ndarray, outside: int) -> dict[str, Any]:
    shares = counts / max(counts.sum(), 1)
    edges = np.arange(1, BINS + 1) / BINS
    reached = np.searchsorted(np.cumsum(shares), QUANTILES)
    quantiles = edges[np.minimum(reached, BINS - 1)]
    return {
        "histogram": shares.round(6).tolist(),
        "quantiles": dict(zip(map(str, QUANTILES), quantiles.tolist(), strict=True)),
        "outside": outside,
    }


def _broken(split: str, facts: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Anomaly]:
    found: list[Anomaly] = []
    if facts["shapes"] != [schema["shape"]]:
        rule = "images have the schema's shape"
        found.append(Anomaly(f"{split}/images", rule, f"{facts['shapes']}", f"{schema['shape']}"))
    for name, spread in facts["intensity"].items():
        if spread["outside"]:
            rule = "intensities are finite and in [0, 1]"
            found.append(Anomaly(f"{split}/{name}", rule, f"{spread['outside']} pixels are not", "none"))
    if facts["unknown_labels"]:
        rule = "labels are known classes"
        found.append(
            Anomaly(f"{split}/lesion_label", rule, f"{facts['unknown_labels']} pixels are not", "none")
        )
    return found


def _far(
    split: str,
    rule: str,
    here: Mapping[str, Any],
    there: Mapping[str, Any],
    intensity: float,
    label: float,
    stops: bool,
) -> list[Anomaly]:
    found: list[Anomaly] = []
    for name in here["intensity"]:
        distance = divergence(here["intensity"][name], there["intensity"][name])
        if distance > intensity:
            measured = f"Jensen-Shannon divergence {distance:.3f}"
            found.append(Anomaly(f"{split}/{name}", rule, measured, f"at most {intensity:g}", stops))
    distance = largest_difference(here["classes"], there["classes"])
    if distance > label:
        measured = f"L-infinity distance {distance:.3f}"
        found.append(Anomaly(f"{split}/lesion_label", rule, measured, f"at most {label:g}", stops))
    return found
