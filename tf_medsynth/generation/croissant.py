"""``croissant.json`` beside a generated set: files with hashes, readable records, how it was made, limits.

Source: the MLCommons Croissant format, version 1.1, and its Responsible AI vocabulary, version 1.0.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.generation import SampleFormat
from tf_medsynth.config.records import domain_of
from tf_medsynth.generation.listing import SAMPLES_NAME, SCORES, sample_columns
from tf_medsynth.generation.provenance import (
    LIMITS,
    PERSONAL,
    RESEMBLANCE,
    TERMS,
    USES,
    Provenance,
    domain_words,
)
from tf_medsynth.generation.spool import RECORDS_NAME

CROISSANT_NAME = "croissant.json"
FILES_NAME = "files.csv"
CARD_NAME = "README.md"
VERSION = "1.0.0"

_COLUMNS = {
    "file": ("sc:Text", "path below this folder"),
    "bytes": ("sc:Integer", "size"),
    "sha256": ("sc:Text", "of the file"),
    "kind": ("sc:Text", "what it holds: a modality, seg, structure, mask, records or metadata"),
    "sample_index": ("sc:Integer", "k of the sample, where the file is of one"),
}
_RECORD = (
    # column of a record, name inside it, type, meaning
    ("k", "", "sc:Integer", "number of the candidate; with model hash and seed it names the sample"),
    ("accepted", "", "sc:Boolean", "whether it is in the set"),
    ("reason", "", "sc:Text", "first gate that it failed"),
    *(("scores", name, "sc:Float", words) for name, words in SCORES.items()),
)
_ENDINGS: dict[SampleFormat, str] = {"nifti": ".nii.gz", "mha": ".mha"}
_MEDIA = {
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".txt": "text/plain",
}
_VOLUME = re.compile(r"medsynth_\d+_(\d+)_([a-z0-9_]+)\.(?:nii\.gz|mha)$")
_TFRECORD = ".tfrecord"
_RECORDS, _VOLUMES = "records", "volumes"  # names of the two sets of files


def write_description(
    folder: Path, summary: Mapping[str, Any], form: SampleFormat, provenance: Provenance
) -> None:
    """Writes ``files.csv`` and ``croissant.json`` into a folder that is otherwise whole.

    The card is in neither list of hashes: it tells the caller's own command.

    Args:
        folder: the set.
        summary: of `generation.summary.summarise`.
        form: of its files.
        provenance: what it is made of.
    """
    rows = list(_file_rows(folder))
    with (folder / FILES_NAME).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    runtime.write_json(folder / CROISSANT_NAME, describe(folder, rows, summary, form, provenance))


def describe(
    folder: Path,
    rows: list[dict[str, Any]],
    summary: Mapping[str, Any],
    form: SampleFormat,
    provenance: Provenance,
) -> dict[str, Any]:
    """The description as JSON-LD; `rows` are those of ``files.csv``."""
    single = [row for row in rows if form == "tfds" or row["kind"] == "metadata"]
    objects = [_file_object(row["file"], row["bytes"], row["sha256"]) for row in single]
    listed = folder / FILES_NAME
    objects.append(_file_object(FILES_NAME, listed.stat().st_size, _sha256(listed)))
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": [
            "http://mlcommons.org/croissant/1.1",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        **_facts(summary, form, provenance),
        **_responsible(summary, provenance),
        "distribution": [*objects, _file_set(form)],
        "recordSet": [_files(), _candidates(), _samples(form)],
    }


def _facts(summary: Mapping[str, Any], form: SampleFormat, provenance: Provenance) -> dict[str, Any]:
    trained = provenance.training_data
    name = f"medsynth_synthetic_{summary['model_hash']}_{summary['seed']}_{summary['count']}"
    domain = domain_of(summary, "Generate it again.")
    several = domain.num_modalities > 1
    return {
        "name": name,
        "description": (
            f"{summary['count']} synthetic {'x'.join(map(str, summary['image_size']))} px slices with "
            f"{', '.join(domain.modalities)}{', registered to each other' * several}, each with lesion "
            f"label, structure map and background mask, drawn by model {summary['model_hash']}, seed "
            f"{summary['seed']}. Format {form}; {FILES_NAME} lists every file with its SHA-256."
        ),
        "keywords": [
            "synthetic data",
            domain_words(domain).split()[-1],
            "segmentation",
            *["multimodal"] * several,
            "generative model",
        ],
        "creator": {
            "@type": "sc:Organization",
            "name": "tf_medsynth",
            "description": "the generating software",
        },
        "datePublished": _date(),
        "version": VERSION,
        "url": CARD_NAME,
        "license": TERMS,
        "citeAs": (
            f"@misc{{{name}, title = {{Synthetic samples of model {summary['model_hash']}, "
            f"seed {summary['seed']}}}, note = {{Generated by tf_medsynth}}}}"
        ),
        "inLanguage": "en",
        "isBasedOn": {
            "@type": "sc:Dataset",
            "name": trained.get("name", "not recorded"),
            "identifier": trained.get("fingerprint", "not recorded"),
        },
    }


def _responsible(summary: Mapping[str, Any], provenance: Provenance) -> dict[str, Any]:
    settings, labels = summary["settings"], summary["labels"]
    shift = f"shift between modalities <= {settings['registration_px']:g} px; "
    if "registration" not in summary["rejected"]:  # one modality
        shift = ""
    gates = (
        f"contour error <= {settings['contour']['max_mae']:g}; no lesion pixel outside the organ; "
        f"whole-lesion Dice >= {settings['lesion']['whole_threshold']:g} and class Dice >= "
        f"{settings['lesion']['class_threshold']:g} by the guides; {shift}{_copies(summary['memorisation'])}"
    )
    judged = "applied" if settings["filter"] else "recorded, not applied"
    told = ", ".join(f"{reason} {number}" for reason, number in summary["rejected"].items())
    return {
        "rai:dataCollection": (
            "Synthetic: every image was drawn from noise and a lesion label by model "
            f"{summary['model_hash']}, trained on {provenance.trained_on()}. Sample k is a function of "
            f"(model hash, seed {summary['seed']}, k): the same call draws the same bytes again."
        ),
        "rai:dataCollectionType": ["Others: synthetic, drawn by a generative model"],
        "rai:dataPreprocessingProtocol": [
            f"Gates ({judged}): {gates}. {summary['count']} of {summary['candidates']} candidates accepted; "
            f"rejected: {told}."
        ],
        "rai:dataAnnotationProtocol": [
            f"The label came first and the images were drawn to show it. Pool of {labels['count']} labels of "
            f"training patients (fingerprint {labels['fingerprint']}), mode {settings['labels']}."
        ],
        "rai:machineAnnotationTools": ["Lesion segmentors of the same run, as gates only"],
        "rai:dataUseCases": list(USES),
        "rai:dataLimitations": list(LIMITS),
        "rai:dataBiases": ["Those of the training patients: scanners, ages, diseases and hospitals."],
        "rai:personalSensitiveInformation": [
            "No image shows a person.", PERSONAL[settings["labels"]], RESEMBLANCE
        ],
        "rai:dataReleaseMaintenancePlan": "None: a set is fixed by its hashes; a changed one is another set.",
    }  # fmt: skip


def _copies(facts: Mapping[str, Any]) -> str:
    if not facts["judged"]:
        return str(facts["note"])
    return f"no copy of the {facts['training_slices']} training slices by the memorisation gate"


def _file_rows(folder: Path) -> Iterable[dict[str, Any]]:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    for name in runtime.progress(names, total=len(names), label="hash", unit="file"):
        if name in (CARD_NAME, CROISSANT_NAME, FILES_NAME) or name.endswith(".lock"):
            continue
        path, volume = folder / name, _VOLUME.search(name)
        kind = volume[2] if volume else "records" if _TFRECORD in name else "metadata"
        yield {
            "file": name,
            "bytes": path.stat().st_size,
            "sha256": _sha256(path),
            "kind": kind,
            "sample_index": int(volume[1]) if volume else None,
        }


def _file_object(name: str, size: int, sha256: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{size} B",
        "encodingFormat": _media(name),
        "sha256": sha256,
    }


def _file_set(form: SampleFormat) -> dict[str, Any]:
    name, includes = _RECORDS, f"*/*/*{_TFRECORD}*"
    words = "The samples as tf.train.Example records, to be opened with tfds.builder_from_directory."
    if form != "tfds":
        name, includes = _VOLUMES, f"*/*{_ENDINGS[form]}"
        words = f"A volume a modality, label, map and mask of each sample; hashes in {FILES_NAME}."
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "description": words,
        "encodingFormat": _media(includes),
        "includes": includes,
    }


def _files() -> dict[str, Any]:
    fields = [
        _field("files", name, kind, words, FILES_NAME, name) for name, (kind, words) in _COLUMNS.items()
    ]
    return _record_set("files", "Every file with its hash.", fields, key="files/file")


def _candidates() -> dict[str, Any]:
    fields = [
        _field("candidates", inner or column, kind, words, RECORDS_NAME, column, inner)
        for column, inner, kind, words in _RECORD
    ]
    return _record_set(
        "candidates", "Every candidate, accepted or not, with its scores.", fields, key="candidates/k"
    )


def _samples(form: SampleFormat) -> dict[str, Any]:
    """Names and scores; pixels are in records or volumes, which Croissant has no reader for."""
    fields = [
        _field("samples", name, kind, words, SAMPLES_NAME, name)
        for name, (kind, words) in sample_columns(form).items()
    ]
    words = "Every sample with its name and scores; its pixels are in the set of files."
    return _record_set("samples", words, fields, key="samples/number")


def _field(
    record_set: str, name: str, kind: str, words: str, file: str, column: str, inner: str = ""
) -> dict[str, Any]:
    source: dict[str, Any] = {"extract": {"column": column}, "fileObject": {"@id": file}}
    if inner:
        source["transform"] = {"jsonPath": inner}
    identity = f"{record_set}/{name}"
    return {
        "@type": "cr:Field",
        "@id": identity,
        "name": identity,
        "description": words,
        "dataType": kind,
        "source": source,
    }


def _record_set(name: str, words: str, fields: list[dict[str, Any]], key: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": words,
        "field": fields,
        "key": {"@id": key},
    }


def _media(name: str) -> str:
    return _MEDIA.get(Path(name).suffix, "application/octet-stream")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _date() -> str:
    """Today in UTC, or the day that ``SOURCE_DATE_EPOCH`` names: then the bytes repeat on any day."""
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(told), UTC) if told.isdecimal() else datetime.now(UTC)
    return moment.date().isoformat()


def _context() -> dict[str, Any]:
    """The terms of Croissant 1.1 as its specification lists them."""
    own = (
        "arrayShape citeAs column containedIn equivalentProperty extract field fileProperty fileObject "
        "fileSet format includes isArray isLiveDataset jsonPath key md5 parentField path recordSet "
        "references regex repeated replace samplingRate separator source subField transform"
    )
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        **{name: f"cr:{name}" for name in own.split()},
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "dct": "http://purl.org/dc/terms/",
        "description": {"@container": "@language"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "name": {"@container": "@language"},
        "sc": "https://schema.org/",
    }
