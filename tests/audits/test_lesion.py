"""The lesion certificate: judges that share nobody with the generator, kept, resumed, refused."""

import dataclasses
import functools
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from tests.generation.analytic import parts
from tests.patients import write_patient
from tf_medsynth.audits import lesion as certificate
from tf_medsynth.audits.audit import audit
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.generation import GenerationConfig, LesionGate
from tf_medsynth.config.presets import preset
from tf_medsynth.data.patients import patient_folds, patient_hash, patient_hashes
from tf_medsynth.generation import publish, stream
from tf_medsynth.generation.provenance import Provenance
from tf_medsynth.runs.generate import training_facts
from tf_medsynth.runs.judges import train_judges
from tf_medsynth.runs.prepare import prepare
from tf_medsynth.runs.reading import read_samples
from tf_medsynth.runtime import write_json
from tf_medsynth.types import MedSynthError

DATA_SETTINGS = {"normalisation": "minmax"}
JUDGING = {"preset": "tiny", "overrides": tiny.OVERRIDES["lesion"], "steps": 2, "folds": 2}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Name, data_dir and patients of a dataset with several test patients."""
    folder = tmp_path_factory.mktemp("cohort")
    for number in range(1, 8):
        write_patient(folder / "in", f"BraTS2021_{number:05d}", seed=number, shape=(6, 40, 40))
    made = prepare(
        "brats/slices_64",
        manual_dir=folder / "in",
        data_dir=folder / "data",
        overrides={"size": (32, 32), "slice_range": (26, 129), "test_fraction": 0.5},
        config_name="tiny",
    )
    return made.dataset, folder / "data", made.patients


@pytest.fixture(scope="module")
def generated(cohort, tmp_path_factory) -> Path:
    """A generated set whose model was trained on the cohort's training patients."""
    synthesiser, pool = parts()
    folder = tmp_path_factory.mktemp("generated")
    spool = stream(synthesiser, pool, GenerationConfig(lesion=LesionGate(0.7, 0.5)), 3, 6, folder / "spool")
    facts = {"patient_hashes": patient_hashes(cohort[2]["train"]), "data_settings": DATA_SETTINGS}
    publish(spool, folder / "set", "tfds", 6, provenance=Provenance(training_data=facts))
    return folder / "set"


def judged(cohort, folder, **options):
    unseen = options.pop("unseen_by", patient_hashes(cohort[2]["train"]))
    words = {**JUDGING, "data_settings": DATA_SETTINGS, "unseen_by": unseen, **options}
    return train_judges(cohort[0], cohort[1], folder, **words)


def test_folds_share_no_patient_and_miss_none():
    folds = patient_folds("edcba", 3)
    assert (
        sorted(itertools.chain(*folds)) == list("abcde") and max(map(len, folds)) - min(map(len, folds)) <= 1
    )
    with pytest.raises(MedSynthError, match="every fold needs a patient"):
        patient_folds("ab", 3)


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """Where judges are kept: trained by the first test that needs them."""
    return tmp_path_factory.mktemp("judges")


def test_judges_never_saw_who_they_are_tested_on_nor_whom_the_generator_saw(cohort, kept):
    judges = judged(cohort, kept)
    tested = sorted(cohort[2]["test"])
    assert sorted(itertools.chain(*judges.folds)) == tested
    for fold, directory in zip(judges.folds, judges.directories, strict=True):
        trained = directory.config()["patients"]
        assert sorted((*trained, *fold)) == tested and not set(trained) & set(cohort[2]["train"])
    real = judges.calibration()
    assert {p: {judges.folds[j].count(p)} for p, j in zip(real["patient"], real["judge"], strict=True)} == {
        patient: {1} for patient in tested
    }


def test_finished_judges_are_kept_and_a_stopped_one_goes_on(cohort, kept):
    judges = judged(cohort, kept)
    before = {file: file.stat().st_mtime_ns for file in kept.rglob("*") if file.is_file()}
    assert judged(cohort, kept).directories == judges.directories
    assert {file: file.stat().st_mtime_ns for file in kept.rglob("*") if file.is_file()} == before
    # killed before the record of the second judge: only that is made up for
    (judges.directories[1].path / "finished.json").unlink()
    assert judged(cohort, kept).directories == judges.directories
    assert judges.directories[1].finished()["steps"] == 2
    assert all(file.stat().st_mtime_ns == before[file] for file in judges.directories[0].path.rglob("*.*"))


def test_a_generated_set_is_certified_beside_real_patients(cohort, generated, kept):
    samples = read_samples(generated)
    against = read_samples(cohort[0], data_dir=cohort[1], most=1)
    answer = certificate.measure(samples, against, 0, folder=kept, **JUDGING)
    assert answer["counts"]["samples"] == 6 and answer["counts"]["judges"] == 2
    assert answer["counts"]["real_patients"] == len(cohort[2]["test"])
    assert answer["judged_by"]["split"] == "test" and len(answer["judged_by"]["training"]) == 2
    assert [row["key"] for row in answer["rows"]] == list(samples.keys)
    # the judges' own answers, scored by another route
    (folder,) = kept.glob("judges-*")
    judges = judged(cohort, kept)
    assert judges.directories[0].path.parent == folder
    seen, label = judges.answers(samples.images) > 0, samples.lesion_label > 0
    dice = [2 * (s & w).sum() / (s.sum() + w.sum()) for one in seen for s, w in zip(one, label, strict=True)]
    assert answer["groups"]["whole_lesion"]["dice"]["synthetic"]["estimate"] == pytest.approx(np.mean(dice))
    assert "verdict" in certificate.render(answer)[-1]


def test_the_verb_writes_the_certificate_beside_the_set(cohort, generated, kept, monkeypatch):
    # the judges' length alone is changed: three trainings of 300 steps are no unit test
    short = functools.partial(certificate.measure, folder=kept, **JUDGING)
    monkeypatch.setattr(certificate, "KIND", dataclasses.replace(certificate.KIND, measure=short))
    result = audit("lesion", generated, cohort[0], data_dir=cohort[1], seed=0)
    held = json.loads((generated / "certificates" / "lesion.json").read_text())
    assert held["verdict"] == result.certificate["verdict"] and held["samples"] == 6


def test_a_patient_on_both_sides_is_refused_by_name(cohort, tmp_path):
    shared = cohort[2]["test"][0]
    with pytest.raises(MedSynthError, match=rf"may not know a patient.*{shared}"):
        judged(cohort, tmp_path, unseen_by=[patient_hash(shared)])
    assert not list(tmp_path.iterdir())


def test_sets_that_cannot_be_judged_are_refused(cohort, tiny_dataset, generated, tmp_path):
    with pytest.raises(MedSynthError, match="at least 2 patients"):
        train_judges(
            **tiny_dataset.where, folder=tmp_path, unseen_by=[], data_settings=DATA_SETTINGS, **JUDGING
        )
    against = read_samples(cohort[0], data_dir=cohort[1], most=1)
    with pytest.raises(MedSynthError, match="only a generated set"):
        certificate.measure(against, against, 0)
    with pytest.raises(MedSynthError, match="prepared dataset"):
        certificate.measure(read_samples(generated), read_samples(generated), 0)
    with pytest.raises(MedSynthError, match="same lesion classes"):
        (file,) = (cohort[1] / cohort[0]).glob("*/metadata.json")
        text = file.read_text()
        file.write_text(text.replace("oedema", "edema"))
        try:
            other = read_samples(cohort[0], data_dir=cohort[1], most=1)
            certificate.measure(read_samples(generated), other, 0)
        finally:
            file.write_text(text)


def test_a_run_names_everyone_it_was_trained_on_by_hashes_alone(tmp_path):
    seen = {"structure": ["ann", "bob"], "lesion": ["cyd"], "translation": ["bob"], "multimodal": ["ann"]}
    for stage, patients in seen.items():
        record = {
            "data": "brats/tiny/1.0.0",
            "data_fingerprint": "0123",
            "patients": patients,
            "data_settings": {**DATA_SETTINGS, "shuffle_buffer": len(stage)},
            "data_dir": "data",
            "stage": stage,
            "settings": getattr(preset("tiny"), stage).to_dict(),
            "operators": BRAIN_MRI.operators_at(32, 32).to_dict(),
            "domain": BRAIN_MRI.to_dict(),
            "seed": 0,
            "image_size": [32, 32],
            "fingerprint": stage,
        }
        write_json(tmp_path / stage / "config.json", record)
    facts = training_facts(tmp_path)
    assert facts["patient_hashes"] == sorted(patient_hash(name) for name in ("ann", "bob", "cyd"))
    assert facts["data_settings"]["shuffle_buffer"] == len("multimodal")
    assert not any(name in json.dumps(facts) for name in ("ann", "bob", "cyd"))


def test_a_set_without_origin_is_refused(generated, tmp_path):
    synthesiser, pool = parts()
    spool = stream(synthesiser, pool, GenerationConfig(filter=False), 3, 2, tmp_path / "spool")
    publish(spool, tmp_path / "set", "tfds", 2)
    with pytest.raises(MedSynthError, match="training patients of the set's model"):
        certificate.origin_of(read_samples(tmp_path / "set"))
