"""A patient as files: a picture, or one archive of NIfTI volumes with a record of what they are."""

from __future__ import annotations

import io
import shlex
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.generation import Geometry
from tf_medsynth.saved_model.loading import SavedModel
from tf_medsynth.saved_model.patients import Patient
from tf_medsynth.version import __version__

_ENDING = ".nii.gz"
_WHEN = (1980, 1, 1, 0, 0, 0)
"""The same patient is the same bytes, whenever it is written."""


def picture(patient: Patient, domain: Domain) -> bytes:
    """A PNG with maps, label and modalities in a row."""
    # Late: it draws with the fonts of a plotting library.
    from tf_medsynth.reports.gallery import gallery

    maps = patient.structure_map[None], patient.background_mask[None]
    return gallery(patient.images[None], *maps, patient.lesion_label[None], [title(patient)], domain)


def title(patient: Patient) -> str:
    """The patient's name, for a reader."""
    lesion = f", drawn lesion ({patient.lesion.kind})" if patient.lesion else ""
    return f"seed {patient.seed}, sample {patient.number}{lesion}"


def archive(patient: Patient, opened: SavedModel, geometry: Geometry | None = None) -> bytes:
    """A ``.zip`` of NIfTI volumes of one slice each, and ``record.json``.

    Modalities are int16, ``round(INTENSITY_SCALE * value)``; label, structure map and mask are uint8.

    Args:
        patient: what to write.
        opened: the model it is of, for the record.
        geometry: of the volumes; 1 mm at the origin without it.
    """
    # Late: it needs Keras, a picture does not.
    from tf_medsynth.generation import listing, publishing

    geometry = geometry or Geometry()
    name = listing.sample_name(patient.seed, patient.number)
    arrays: dict[str, Any] = {"images": patient.images}
    for part in ("lesion_label", "structure_map", "background_mask"):
        arrays[part] = getattr(patient, part).astype(np.uint8)
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(buffer, "w") as file:
        publishing.write_sample(
            arrays, opened.record.domain.channel_names(), Path(scratch), name, _ENDING, geometry
        )
        for path in sorted(Path(scratch).iterdir()):
            file.writestr(zipfile.ZipInfo(f"{name}/{path.name}", _WHEN), path.read_bytes())
        record = {**facts(patient, opened), "intensity_scale": publishing.INTENSITY_SCALE}
        text = runtime.json_text({**record, "geometry": geometry.to_dict()})
        file.writestr(zipfile.ZipInfo(f"{name}/record.json", _WHEN), text)
    return buffer.getvalue()


def facts(patient: Patient, opened: SavedModel) -> dict[str, Any]:
    """What a patient is, and by what it is drawn again, as plain JSON values."""
    record = opened.record
    lesion = patient.lesion.to_dict() if patient.lesion else "drawn by the model"
    return {
        "synthetic": "drawn by a network; no such patient exists",
        "package": __version__,
        "model": f"{opened.folder.resolve().parent.name}/{opened.folder.name}",
        "model_hash": record.model_hash,
        "seed": patient.seed,
        "sample": patient.number,
        "lesion": lesion,
        "label_found": patient.label_found if patient.lesion is None else True,
        "lesion_classes": list(record.domain.label.classes),
    }


def command(patient: Patient, model: str, out: str) -> str:
    """The line that draws this patient again.

    Args:
        patient: what to draw.
        model: of ``--model``.
        out: of ``--out``.
    """
    words: list[Any] = ["medsynth", "sample", "--model", model, "--seed", patient.seed]
    words += ["--number", patient.number]
    words += ["--lesion", *patient.lesion.words()] if patient.lesion else []
    return shlex.join(map(str, [*words, "--out", out]))


def class_pixels(patient: Patient, classes: tuple[str, ...]) -> Mapping[str, int]:
    """Pixels of each lesion class in the label; absent ones are left out."""
    counts = np.bincount(patient.lesion_label.astype(np.int64).ravel(), minlength=len(classes))
    return {name: int(counts[code]) for code, name in enumerate(classes) if code and counts[code]}
