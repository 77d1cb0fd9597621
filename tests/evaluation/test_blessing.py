import pytest

from tf_medsynth.config.bounds import BlessingConfig
from tf_medsynth.evaluation.blessing import bless, read_blessing, require_blessing
from tf_medsynth.runtime import write_json
from tf_medsynth.types import MedSynthError

BOUNDS = BlessingConfig(
    closed_outlines=0.8,
    acceptance=0.1,
    sharpness=0.5,
    registration_px=1.0,
    map_distance=0.01,
    map_novelty=0.5,
)


def verdict(closed=0.9, passed=0.5, sharp=0.7, shift=0.4, distance=0.05, unseen=0.05):
    evaluation = {
        "structure": {
            "contour_pass_rate": {"generated": closed, "real": 1.0},
            "nearest_training_distance": {"generated": distance, "real": unseen},
        },
        "quality": {"laplacian_ratio": {"T1": 0.9, "T2": sharp}},
        "registration": {"synthetic": {"p95": shift}},
    }
    return bless(evaluation, {"pass_rate": passed}, BOUNDS, "abc")


def test_a_model_that_reaches_every_bound_is_blessed():
    assert verdict().blessed and verdict().reasons == []
    assert verdict(0.8, 0.1, 0.5, 1.0, 0.01, 0.02).blessed
    assert verdict(1.0, 1.0, 2.0, 0.0, 0.02, 0.01).blessed


@pytest.mark.parametrize(
    ("fact", "value", "reason"),
    [
        ("closed", 0.79, "closed outline"),
        ("passed", 0.09, "pass the gates"),
        ("sharp", 0.4, "sharpness of T2"),
        ("shift", 1.1, "shift between modalities"),
        ("sharp", 2.1, "sharpness of T2"),
        ("unseen", 0.02, "of unseen real maps'"),
        ("shift", float("nan"), "shift between modalities"),
    ],
)
def test_one_bound_missed_is_the_reason(fact, value, reason):
    found = verdict(**{fact: value})
    assert not found.blessed
    (line,) = found.reasons
    assert reason in line and "wanted" in line


def test_a_map_that_is_nearly_a_training_map_is_a_reason():
    assert len(verdict(distance=0.001).reasons) == 2  # in itself, and beside unseen real maps


def test_a_verdict_is_read_as_it_was_written(tmp_path):
    write_json(tmp_path / "blessing.json", verdict().to_dict())
    assert read_blessing(tmp_path / "blessing.json") == verdict()
    assert require_blessing(tmp_path / "blessing.json", "abc").blessed


def test_what_is_not_blessed_is_refused_with_its_reasons(tmp_path):
    write_json(tmp_path / "blessing.json", verdict(closed=0.1).to_dict())
    with pytest.raises(
        MedSynthError, match=r"only a blessed model.*closed outline, of real: 0\.1.*Train longer"
    ):
        require_blessing(tmp_path / "blessing.json", "abc")


def test_a_blessing_of_another_model_is_refused(tmp_path):
    write_json(tmp_path / "blessing.json", verdict().to_dict())
    with pytest.raises(MedSynthError, match=r"model it was given to.*blessed='abc', model='xyz'"):
        require_blessing(tmp_path / "blessing.json", "xyz")


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"blessed": true}', "\x00"])
def test_an_unreadable_blessing_is_told(tmp_path, text):
    if text is not None:
        (tmp_path / "blessing.json").write_text(text)
    with pytest.raises(MedSynthError, match=r"whole JSON|must have model_hash"):
        read_blessing(tmp_path / "blessing.json")
