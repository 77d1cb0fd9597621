"""Studies of several splits as one: records are hand-made, in the form that `study` writes them."""

import copy
import json

import numpy as np
import pytest

from tf_medsynth.studies.study import pool_studies
from tf_medsynth.types import MedSynthError

SETTINGS = {"segmentor": {"scheme": "stacked"}, "enhanced": {"noise": 0.03}, "mix": {"real": 1.0}}


def record(patients, dice, seeds=(0, 1)):
    """A study of rows 1 and 25, whose whole-lesion Dice of row 25 lies 0.1 above `dice` of row 1."""

    def row(gain, kinds):
        return {
            "patients": {
                str(seed): {
                    p: {"whole_lesion": dice[p] + gain, "legacy_dice": 0.5, "rare": None} for p in patients
                }
                for seed in seeds
            },
            "amounts": {kind: {"chosen_by": "patients", "patients": ["t"] * 4} for kind in kinds},
            "steps": 6,
        }

    return {
        "study": "availability",
        "fingerprint": "-".join(patients),
        "config": {"settings": SETTINGS, "precision": "float32", "image_size": [32, 32], "data": patients[0]},
        "seeds": list(seeds),
        "cases": sorted(patients),
        "rows": {"1": row(0.0, ["real"]), "25": row(0.1, ["real", "synthetic"])},
        "time": {"of_units": {"total": 10.0, "training": 9.0, "evaluation": 1.0}},
    }


DICE = {name: 0.5 + 0.05 * k for k, name in enumerate(("a", "b", "c", "d", "e"))}
FIRST, SECOND = record(["a", "b"], DICE), record(["c", "d", "e"], DICE)


@pytest.fixture
def kept(tmp_path):
    def keep(**records):
        for name, facts in records.items():
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "study.json").write_text(json.dumps(facts))
        return [tmp_path / name for name in records]

    return keep


def test_patients_of_every_split_count_once(kept, tmp_path):
    result = pool_studies(kept(one=FIRST, two=SECOND), out=tmp_path / "out")
    facts = json.loads((tmp_path / "out" / "study.json").read_text())
    assert facts["cases"] == ["a", "b", "c", "d", "e"] and facts["seeds"] == [0, 1]
    assert facts["rows"]["1"]["mean"]["whole_lesion"]["estimate"] == pytest.approx(
        np.mean(list(DICE.values()))
    )
    assert facts["rows"]["25"]["patients"]["1"]["d"]["whole_lesion"] == pytest.approx(DICE["d"] + 0.1)
    gap = facts["against_row_1"]["whole_lesion"]["25"]
    assert gap["low"] == pytest.approx(0.1) and gap["high"] == pytest.approx(0.1)  # paired by patient
    verdicts = {v["claim"]: v["verdict"] for v in facts["verdicts"]["whole_lesion"]}
    assert verdicts["synthetic first, then real, beats real alone"] == "held"
    assert "rare" not in facts["rows"]["1"]["mean"]
    assert facts["time"]["of_units"]["training"] == 18.0
    assert "pooled from 2 studies" in result.render() and "5 test patients and 2 seeds" in result.render()


def test_pooling_again_is_the_same_and_another_is_refused(kept, tmp_path):
    folders = kept(one=FIRST, two=SECOND, three=record(["f"], {"f": 0.4}))
    pool_studies(folders[:2], out=tmp_path / "out")
    pool_studies(folders[:2], out=tmp_path / "out")
    with pytest.raises(MedSynthError, match="another study"):
        pool_studies(folders, out=tmp_path / "out")


def test_rows_that_one_study_lacks_are_left_out_and_said(kept, tmp_path):
    fewer = copy.deepcopy(SECOND)
    del fewer["rows"]["25"]
    facts = pool_studies(kept(one=FIRST, two=fewer), out=tmp_path / "out").facts
    assert list(facts["rows"]) == ["1"] and list(facts["skipped"]) == ["25"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cases": ["BRATS-XYZ-00001-001"]}, "a person is tested on in one"),
        ({"seeds": [0]}, "the same seeds"),
        ({"config": {**SECOND["config"], "precision": "bfloat16"}}, "the same precision"),
        ({"study": "ablation"}, "studies of availability are pooled"),
        ({"splits": []}, "each of one split"),
        ({"rows": {}}, "a row in common"),
    ],
)
def test_what_cannot_stand_together_is_refused_before_anything_is_written(kept, tmp_path, change, words):
    first = FIRST | {"cases": ["BraTS-XYZ-00001-000"]}
    with pytest.raises(MedSynthError, match=words):
        pool_studies(kept(one=first, two=SECOND | change), out=tmp_path / "out")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_missing_study_is_named(kept, tmp_path):
    with pytest.raises(MedSynthError, match="no finished study"):
        pool_studies([*kept(one=FIRST), tmp_path / "none"], out=tmp_path / "out")
    with pytest.raises(MedSynthError, match="at least two"):
        pool_studies(kept(one=FIRST), out=tmp_path / "out")
