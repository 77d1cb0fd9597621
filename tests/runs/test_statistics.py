import json

import pytest

from tf_medsynth.config.pipeline import DriftConfig
from tf_medsynth.runs.statistics import statistics
from tf_medsynth.types import MedSynthError

LOOSE = DriftConfig(split=1.0)


@pytest.fixture
def described(tiny_dataset, tmp_path):
    return statistics(**tiny_dataset.where, out=tmp_path / "one", drift=LOOSE)


def test_both_splits_are_described(described, tiny_dataset):
    found = json.loads((described.out / "statistics.json").read_text())
    assert {split: sorted(facts["patients"]) for split, facts in found.items()} == tiny_dataset.patients
    assert (found["train"]["slices"], found["train"]["shapes"]) == (24, [[32, 32, 4]])
    schema = json.loads((described.out / "schema.json").read_text())
    assert schema["shape"] == [32, 32, 4] and set(schema["classes"]) > {"oedema"}
    assert not described.skipped and described.anomalies == []


def test_the_same_data_are_recognised(described, tiny_dataset):
    again = statistics(**tiny_dataset.where, out=described.out, drift=LOOSE)
    assert again.skipped and again.fingerprint == described.fingerprint
    other = statistics(**tiny_dataset.where, out=described.out, drift=DriftConfig(split=0.9))
    assert not other.skipped and other.fingerprint != described.fingerprint


def test_data_that_drifted_from_an_earlier_schema_stop(described, tiny_dataset, tmp_path):
    schema = json.loads((described.out / "schema.json").read_text())
    schema["intensity"]["T2"] = [1.0] + [0.0] * (len(schema["intensity"]["T2"]) - 1)
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    for _ in range(2):  # the second time from the file that the first left
        with pytest.raises(MedSynthError, match=r"keep their schema.*train/T2: drifted.*anomalies\.json"):
            statistics(
                **tiny_dataset.where, out=tmp_path / "two", schema=tmp_path / "schema.json", drift=LOOSE
            )
    assert json.loads((tmp_path / "two" / "anomalies.json").read_text())["anomalies"]


def test_an_unreadable_schema_is_told_before_any_work(tiny_dataset, tmp_path):
    (tmp_path / "schema.json").write_text("{")
    with pytest.raises(MedSynthError, match=r"whole JSON.*schema\.json of an earlier run"):
        statistics(**tiny_dataset.where, out=tmp_path / "out", schema=tmp_path / "schema.json")
    assert not (tmp_path / "out").exists()
