"""The certificate of registration: do the modalities of a sample lie on one another?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tf_medsynth.audits.audit import Kind
from tf_medsynth.config.base import check
from tf_medsynth.data.batches import with_structure
from tf_medsynth.evaluation.registration import NOTHING, registration_certificate
from tf_medsynth.metrics.arrays import as_grey
from tf_medsynth.runs.samples import Samples

_MOST = 1000
_BATCH = 32


def measure(target: Samples, against: Samples | None, seed: int) -> dict[str, Any]:
    """The certificate of `target`; that of `against`, without rows, under ``beside``.

    Structure maps that are not stored are drawn as the stages draw them; `seed` chooses the
    modality each is drawn from.
    """
    found = _certificate(target, seed)
    if against is None:
        return {**found, "beside": None}
    beside = _certificate(against, seed)
    del beside["rows"]
    return {**found, "beside": {"samples": len(against), "of": against.total, **beside}}


def render(certificate: Mapping[str, Any]) -> list[str]:
    """A heading, and a line for each measure, target first."""
    columns = [certificate, *([certificate["beside"]] if certificate["beside"] else [])]
    names = [str(certificate["target"]), *([str(certificate["against"])] if certificate["beside"] else [])]
    lines = [f"registration of {' beside '.join(names)}: median / 95th percentile"]
    lines += [f"  samples: {' | '.join(str(column['samples']) for column in columns)}"]
    for key, words in (
        ("shift_px", "shift of the worst pair"),
        ("local_shift_px", "shift of the worst patch"),
    ):
        lines.append(f"  {words}, px: {' | '.join(_pair(column[key]) for column in columns)}")
    pairs = [
        (pair, [column["pair_shift_px"][pair] for column in columns]) for pair in columns[0]["pair_shift_px"]
    ]
    lines += [f"    {pair}, px: {' | '.join(map(_pair, found))}" for pair, found in pairs]
    shares = [
        ", ".join(f"{100 * v:.0f} % within {k} px" for k, v in c["shift_px"]["within"].items())
        for c in columns
    ]
    lines.append(f"  worst pair: {' | '.join(shares)}")
    for modality in columns[0]["edge_overlap"]:
        found = [f"{column['edge_overlap'][modality]['median']:.2f}" for column in columns]
        lines.append(f"  lines on an edge of {modality}, median share: {' | '.join(found)}")
    return lines


KIND = Kind(measure, render, most=(_MOST, _MOST))


def _certificate(samples: Samples, seed: int) -> dict[str, Any]:
    check(NOTHING, samples.domain.num_modalities > 1, target=samples.name)
    maps = samples.structure_map if samples.structure_map is not None else _structure_maps(samples, seed)
    images = as_grey(samples.images, samples.domain.channels)
    return registration_certificate(images, samples.domain.modalities, maps, samples.keys.tolist())


def _structure_maps(samples: Samples, seed: int) -> np.ndarray:
    """`(n, H, W)`, 1 on a line: drawn from each sample's own images."""
    label = samples.lesion_label
    if label is None:
        label = np.zeros((len(samples), *samples.image_size), np.uint8)
    arrays = {
        "index": np.arange(len(samples), dtype=np.int64),
        "images": samples.images,
        "lesion_label": label[..., None].astype(np.int32),
    }
    step = with_structure(samples.domain.operators_at(*samples.image_size), samples.domain, seed)
    batches = tf.data.Dataset.from_tensor_slices(arrays).batch(_BATCH).map(step)
    return np.concatenate([b["structure_map"][..., 0] for b in batches.as_numpy_iterator()]).astype(np.uint8)


def _pair(found: Mapping[str, Any]) -> str:
    return f"{found['median']:.2f} / {found['p95']:.2f}"
