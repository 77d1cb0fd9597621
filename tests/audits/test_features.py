import json

import numpy as np
import pytest

from tf_medsynth.audits.features import train_features
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.evaluation.features import open_extractor, sha256
from tf_medsynth.types import MedSynthError

CHANGES = {"features.filters": (4, 6), "features.steps": 12, "features.batch_size": 8}


@pytest.fixture(scope="module")
def trained(tiny_dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("features") / "own.keras"
    return train_features(**tiny_dataset.where, out=out, seed=1, overrides=CHANGES)


def test_the_file_is_an_extractor_of_all_modalities(trained):
    extractor = open_extractor(trained.file)
    images = np.random.default_rng(0).random((5, 24, 40, 4), np.float32)
    assert extractor.features([images], BRAIN_MRI.modalities)["all"].shape == (5, 6)
    assert extractor.sha256 == sha256(trained.file) == trained.record["sha256"]


def test_the_record_says_what_it_learned_from_whom(trained, tiny_dataset):
    record = json.loads(trained.file.with_suffix(".json").read_text())
    training, held = set(record["patients"]), set(record["held_out_patients"])
    assert training | held == set(tiny_dataset.patients["train"]) and not training & held
    assert record["held_out"]["slices"] == 8 and 0 <= record["held_out"]["damage_accuracy"] <= 1
    assert record["input_range"] == [0.0, 1.0] and record["settings"]["steps"] == 12


def test_a_finished_one_is_not_trained_again_and_seeds_repeat(trained, tiny_dataset, tmp_path):
    again = train_features(**tiny_dataset.where, out=trained.file, seed=1, overrides=CHANGES)
    assert again.skipped and again.record["sha256"] == trained.record["sha256"]
    images = np.random.default_rng(0).random((3, 32, 32, 4), np.float32)
    twins = [
        train_features(**tiny_dataset.where, out=tmp_path / f"{seed}.keras", seed=seed, overrides=CHANGES)
        for seed in (1, 2)
    ]
    names = BRAIN_MRI.modalities
    found = [open_extractor(one.file).features([images], names)["all"] for one in (trained, *twins)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2])


def test_what_cannot_be_trained_is_told_before_any_work(tiny_dataset, tmp_path):
    with pytest.raises(MedSynthError, match=r"is a \.keras file"):
        train_features(**tiny_dataset.where, out=tmp_path / "own.h5")
    with pytest.raises(MedSynthError, match="every halving"):
        train_features(
            **tiny_dataset.where, out=tmp_path / "own.keras", overrides={"features.filters": (2,) * 6}
        )
    with pytest.raises(MedSynthError, match="of a run, or data"):
        train_features(out=tmp_path / "own.keras", data="brats/slices")
    assert not list(tmp_path.iterdir())
