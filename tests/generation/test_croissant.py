"""The Croissant description: valid for mlcroissant, records readable, hashes those of the files."""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import operator
from pathlib import Path

import numpy as np
import pytest

from tests.generation.analytic import Ellipses, lesion
from tf_medsynth.config.generation import GenerationConfig, LesionGate
from tf_medsynth.generation import LabelPool, Spool, publish, stream
from tf_medsynth.generation.provenance import Provenance

mlcroissant = pytest.importorskip("mlcroissant", reason="needs pip install mlcroissant")

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")

FORMS = ("tfds", "nifti", "mha")
TRAINED = {"name": "brats/slices_32", "fingerprint": "0123abcd", "patients": 7}
SCORES = ("contour_mae", "lesion_dice", "registration_shift_px", "training_distance")
COUNT = 4
ACCEPTED = operator.itemgetter("accepted")


@pytest.fixture(scope="module")
def spool(tmp_path_factory) -> Spool:
    labels = np.stack([lesion(32, 16, 16, 4), lesion(32, 14, 18, 3)]).astype(np.uint8)
    settings = GenerationConfig(lesion=LesionGate(0.7, 0.5))
    folder = tmp_path_factory.mktemp("spool")
    return stream(Ellipses(flaws={1: "open"}), LabelPool(labels), settings, 3, COUNT, folder)


@pytest.fixture(scope="module")
def published(spool, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("published")
    for form in FORMS:
        publish(spool, folder / form, form, COUNT, provenance=Provenance("medsynth generate", TRAINED))
    return {form: folder / form for form in FORMS}


@pytest.fixture(params=FORMS)
def out(request, published) -> Path:
    return published[request.param]


def listed(out: Path) -> list[dict[str, str]]:
    with (out / "files.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_mlcroissant_finds_nothing_to_mend(out, caplog):
    with caplog.at_level(logging.WARNING):
        metadata = mlcroissant.Dataset(jsonld=out / "croissant.json").metadata
    assert not metadata.issues.errors and not metadata.issues.warnings
    assert not [record.message for record in caplog.records]


def test_every_candidate_is_a_readable_record(out):
    dataset = mlcroissant.Dataset(jsonld=out / "croissant.json")
    read = list(dataset.records(record_set="candidates"))
    wanted = [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]
    assert len(read) == len(wanted) > COUNT
    for found, record in zip(read, wanted, strict=True):
        assert found["candidates/k"] == record["k"]
        assert found["candidates/accepted"] == record["accepted"]
        for name in ("contour_mae", "lesion_dice", "registration_shift_px"):
            held = record["scores"][name]
            assert found[f"candidates/{name}"] == (held if held is None else pytest.approx(held))


def test_every_file_is_listed_with_its_hash(out):
    dataset = mlcroissant.Dataset(jsonld=out / "croissant.json")
    read = {record["files/file"].decode(): record for record in dataset.records(record_set="files")}
    there = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file() and p.name != ".lock"}
    assert there - read.keys() == {"README.md", "croissant.json", "files.csv"}
    for name, record in read.items():
        file = (out / name).read_bytes()
        assert record["files/sha256"].decode() == hashlib.sha256(file).hexdigest()
        assert record["files/bytes"] == len(file)


def test_hashes_in_the_description_are_those_of_the_files(out):
    described = json.loads((out / "croissant.json").read_text())
    objects = [entry for entry in described["distribution"] if entry["@type"] == "cr:FileObject"]
    assert {"files.csv", "records.jsonl", "summary.json"} <= {entry["contentUrl"] for entry in objects}
    for entry in objects:
        assert entry["sha256"] == hashlib.sha256((out / entry["contentUrl"]).read_bytes()).hexdigest()


def test_a_changed_file_is_refused(spool, tmp_path):
    publish(spool, tmp_path / "out", "mha", COUNT)
    with (tmp_path / "out" / "records.jsonl").open("a") as file:
        file.write("\n")
    dataset = mlcroissant.Dataset(jsonld=tmp_path / "out" / "croissant.json")
    with pytest.raises(mlcroissant.GenerationError, match=r"Download\(records.jsonl\)"):
        list(dataset.records(record_set="candidates"))


@pytest.mark.parametrize("form", ["nifti", "mha"])
def test_volumes_are_named_by_sample_and_kind(published, form):
    rows = [row for row in listed(published[form]) if row["sample_index"]]
    assert len(rows) == COUNT * 7
    accepted = [json.loads(line) for line in (published[form] / "records.jsonl").read_text().splitlines()]
    assert {int(row["sample_index"]) for row in rows} == {r["k"] for r in accepted if r["accepted"]}
    assert {row["kind"] for row in rows} == {"t1", "t1ce", "t2", "flair", "seg", "structure", "mask"}


def test_every_sample_is_a_readable_record(out):
    dataset = mlcroissant.Dataset(jsonld=out / "croissant.json")
    read = list(dataset.records(record_set="samples"))
    records = map(json.loads, (out / "records.jsonl").read_text().splitlines())
    for number, (found, record) in enumerate(zip(read, filter(ACCEPTED, records), strict=True)):
        told = {name.removeprefix("samples/"): value for name, value in found.items()}
        assert (told["number"], told["sample_index"], told["seed"]) == (number, record["k"], 3)
        assert told["model_hash"] == b"ellipses"
        for name in SCORES:
            score = record["scores"][name]
            assert told[name] == (None if score is None else pytest.approx(score))
        folder = told.get("folder", b"").decode()
        assert len(list((out / folder).glob(f"{folder}_*"))) == (7 if folder else 0)
    assert number == COUNT - 1


def test_every_record_set_that_is_told_of_can_be_read(out):
    dataset = mlcroissant.Dataset(jsonld=out / "croissant.json")
    names = [record_set.id for record_set in dataset.metadata.record_sets]
    assert sorted(names) == ["candidates", "files", "samples"]
    for name in names:
        assert next(iter(dataset.records(record_set=name)))


def test_it_says_how_it_was_made_and_from_what(out):
    metadata = mlcroissant.Dataset(jsonld=out / "croissant.json").metadata
    told = json.dumps(metadata.to_json())
    for words in ("Synthetic", "ellipses", "brats/slices_32, 7 patients", "0123abcd", "Not for diagnosis"):
        assert words in told
    assert "terms under which the training data were given" in metadata.license[0]
    assert "labels of real training patients" in " ".join(metadata.personal_sensitive_information)


def test_the_day_can_be_fixed(spool, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    publish(spool, tmp_path / "out", "mha", COUNT)
    assert json.loads((tmp_path / "out" / "croissant.json").read_text())["datePublished"] == "1970-01-02"
