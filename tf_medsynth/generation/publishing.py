"""From a spool to a data set others can read: TFDS records, or volume files, with summary and card."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.generation import Geometry, SampleFormat
from tf_medsynth.config.records import SetSummary
from tf_medsynth.generation.card import dataset_card
from tf_medsynth.generation.croissant import CARD_NAME, write_description
from tf_medsynth.generation.listing import sample_name, suffix_of, write_samples
from tf_medsynth.generation.provenance import Provenance
from tf_medsynth.generation.spool import RECORDS_NAME, Spool, encode_record
from tf_medsynth.generation.summary import DATASET, summarise
from tf_medsynth.imaging.volumes import Volume, write_volume

SUMMARY_NAME = "summary.json"
INTENSITY_SCALE = 10_000
"""A volume file holds ``round(INTENSITY_SCALE * image)`` as int16."""

ENDINGS: dict[SampleFormat, str] = {"nifti": ".nii.gz", "mha": ".mha"}


def check_output(out: Path) -> None:
    """Raises unless `out` can be published to: nothing there, an empty folder, or an earlier set.

    Raises:
        MedSynthError: a file, somebody else's folder, or a place that cannot be written.
    """
    check("--out is a folder", not os.path.lexists(out) or out.is_dir(), out=str(out))
    runtime.check_writable(out)
    own = out.name not in ("", "..") and not os.path.ismount(out) and out.resolve() != Path.cwd()
    rule = "--out is a folder of its own, not a disk, nor where the command is run"
    check(rule, own, "Name a new folder in it.", out=str(out))
    check(
        "--out is new, empty, or an earlier generated set",
        not out.is_dir() or not any(out.iterdir()) or _published(out) is not None,
        "Use another --out.",
        out=str(out),
    )
    runtime.check_writable(out.absolute().parent)


def find_published(
    out: Path, identity: Mapping[str, Any], count: int, form: SampleFormat
) -> dict[str, Any] | None:
    """Summary of the data set in `out` where it is the one asked for, else None.

    Args:
        identity: of `identity_of`.
    """
    wanted = json.loads(runtime.json_text({**identity, "count": count, "format": form}))
    summary = _published(out) or {}
    if {key: summary.get(key) for key in wanted} != wanted:
        return None
    return dict(runtime.read_record(out / SUMMARY_NAME, SetSummary, "Remove the set: it is drawn again."))


def publish(
    spool: Spool | Path,
    out: Path,
    form: SampleFormat,
    count: int,
    geometry: Geometry | None = None,
    provenance: Provenance | None = None,
) -> dict[str, Any]:
    """The summary of the data set that now is in `out`, which appears whole or not at all.

    Args:
        spool: what `stream` filled.
        out: see `check_output`; an earlier generated set is replaced.
        form: ``tfds``, ``nifti`` or ``mha``.
        count: samples to publish, the first accepted ones.
        geometry: of volume files; 1 mm at the origin without it.
        provenance: what the set is made of, for its summary, its card and its Croissant description.

    Raises:
        MedSynthError: unusable `out`, fewer samples in the spool, no space left.
    """
    check("count must be at least 1", count >= 1, count=count)
    check("format must be one of tfds, nifti, mha", form in ("tfds", *ENDINGS), format=form)
    check_output(out)
    source = Spool.read(spool) if isinstance(spool, Path) else spool
    geometry = geometry or Geometry()
    provenance = provenance or Provenance()
    training = dict(provenance.training_data)
    summary: dict[str, Any] = {**summarise(source, count), "format": form, "training": training}
    if form != "tfds":
        summary |= {"intensity_scale": INTENSITY_SCALE, "geometry": geometry.to_dict()}
    kept = "The samples are kept in the spool: make room and run again with --resume."
    with runtime.disk_errors(out, kept), runtime.atomic_path(out, overwrite=True) as staging:
        staging.mkdir()
        if form == "tfds":
            _write_tfds(source, staging, count)
        else:
            _write_volumes(source, staging, count, ENDINGS[form], geometry)
        with (staging / RECORDS_NAME).open("w", encoding="utf-8") as log:
            log.writelines(map(encode_record, source.records_through(count)))
        write_samples(staging, source.identity, source.records_through(count), form)
        runtime.write_json(staging / SUMMARY_NAME, summary)
        write_description(staging, summary, form, provenance)
        (staging / CARD_NAME).write_text(dataset_card(summary, form, provenance), encoding="utf-8")
    return summary


def _published(out: Path) -> dict[str, Any] | None:
    """Summary of the set in `out`, None where it is not one of ours."""
    try:
        summary = json.loads((out / SUMMARY_NAME).read_text())
    except (OSError, ValueError):
        return None
    return summary if isinstance(summary, dict) and summary.get("dataset") == DATASET else None


def data_set_name(summary: Mapping[str, Any]) -> str:
    """Hexadecimal name of a published data set: model, seed, labels, gates, count and format."""
    keys = ("model_hash", "seed", "labels", "settings", "memorisation", "count", "format")
    return fingerprint("samples", *(summary.get(key) for key in keys))


def _write_tfds(spool: Spool, folder: Path, count: int) -> None:
    # Imported here: writing volume files needs no TFDS.
    from tfds_builders.medsynth_synthetic.medsynth_synthetic_dataset_builder import Builder

    builder = Builder(data_dir=str(folder), spool=str(spool.folder), count=count)
    # TFDS announces itself on standard output, which belongs to whoever asked for --json.
    with contextlib.redirect_stdout(io.StringIO()):
        builder.download_and_prepare()
    shutil.rmtree(folder / "downloads", ignore_errors=True)  # made by TFDS, empty


def _write_volumes(spool: Spool, folder: Path, count: int, ending: str, geometry: Geometry) -> None:
    channels, seed = spool.domain.channel_names(), spool.identity["seed"]
    samples = runtime.progress(spool.samples(count), total=count, label="publish", unit="sample")
    for sample in samples:
        name = sample_name(seed, int(sample["sample_index"]))
        (folder / name).mkdir()
        write_sample(sample, channels, folder / name, name, ending, geometry)


def write_sample(
    sample: Mapping[str, Any],
    channels: Sequence[str],
    folder: Path,
    name: str,
    ending: str,
    geometry: Geometry,
) -> None:
    """Writes ``FOLDER/NAME_<suffix><ending>``: a volume of one slice a channel, and of each map.

    Args:
        sample: ``images`` `(H, W, M * C)` in [0, 1]; ``lesion_label``, ``structure_map`` and
            ``background_mask`` `(H, W, 1)` of a type that a volume file holds.
        channels: names of the M * C channels.
        folder: is there already.
        name: of the sample.
        ending: one of `ENDINGS`.
        geometry: where the pixels lie.
    """
    scaled = np.rint(sample["images"].astype(np.float64) * INTENSITY_SCALE).astype(np.int16)
    slices = {suffix_of(name): scaled[..., number] for number, name in enumerate(channels)}
    slices |= {
        "seg": sample["lesion_label"][..., 0],
        "structure": sample["structure_map"][..., 0],
        "mask": sample["background_mask"][..., 0],
    }
    for suffix, pixels in slices.items():
        volume = Volume(pixels[None], geometry.spacing, geometry.origin, geometry.direction)
        write_volume(volume, folder / f"{name}_{suffix}{ending}")
