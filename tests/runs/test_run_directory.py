"""A stage's folder: claimed once by one config, gone on with only when asked."""

import json

import pytest

from tf_medsynth.config.families import STAGES
from tf_medsynth.runs.run_directory import StageDirectory, stage_directory
from tf_medsynth.types import MedSynthError

CONFIG = {"stage": "lesion", "seed": 3, "settings": {"steps": 6}, "upstream": {}}


@pytest.fixture
def directory(tmp_path) -> StageDirectory:
    return stage_directory(tmp_path, "lesion")


def with_checkpoint(directory: StageDirectory) -> None:
    directory.checkpoints.mkdir(parents=True)
    (directory.checkpoints / "ckpt-2.index").touch()


def with_record(directory: StageDirectory) -> None:
    (directory.path / "finished.json").write_text('{"steps": 6}')


def test_a_new_folder_is_claimed_and_tells_its_config(directory):
    assert directory.open(CONFIG, {"data_dir": "/d"}, resume=False) is False
    held = directory.claimed()
    assert {key: held[key] for key in CONFIG} == CONFIG and held["data_dir"] == "/d"
    assert directory.finished() is None
    assert [path.name for path in directory.path.iterdir()] == ["config.json"]
    json.loads((directory.path / "config.json").read_text())


def test_a_finished_stage_is_recognised_wherever_its_data_lie_now(directory):
    directory.open(CONFIG, {"data_dir": "/d"}, resume=False)
    with_record(directory)
    assert directory.open(CONFIG, {"data_dir": "/elsewhere"}, resume=False) is True
    assert directory.require_finished() == {"steps": 6}


def test_an_unfinished_training_keeps_its_number_of_workers(directory):
    for number in (3, 2):  # it has not begun
        assert directory.open(CONFIG, {"workers": number}, resume=False) is False
    with_checkpoint(directory)
    with pytest.raises(MedSynthError, match=r"as many workers.*begun_with=2, workers=1.*TF_CONFIG"):
        directory.open(CONFIG, {}, resume=True)
    assert directory.open(CONFIG, {"workers": 2}, resume=True) is False
    with_record(directory)
    assert directory.open(CONFIG, {}, resume=False) is True


@pytest.mark.parametrize("resume", [False, True])
def test_other_settings_are_refused_by_the_names_that_differ(directory, resume):
    directory.open(CONFIG, {}, resume=False)
    with_checkpoint(directory)
    other = {**CONFIG, "seed": 4, "settings": {"steps": 7}}
    with pytest.raises(
        MedSynthError, match=r"trained by other settings.*differing=\['seed', 'settings"
    ) as caught:
        directory.open(other, {}, resume)
    assert "\n" not in str(caught.value)
    assert directory.claimed()["seed"] == 3


def test_an_unfinished_training_is_gone_on_with_only_when_asked(directory):
    directory.open(CONFIG, {}, resume=False)
    assert directory.open(CONFIG, {}, resume=False) is False  # died before its first checkpoint
    with_checkpoint(directory)
    with pytest.raises(MedSynthError, match=r"unfinished.*Pass --resume"):
        directory.open(CONFIG, {}, resume=False)
    assert directory.open(CONFIG, {}, resume=True) is False


def test_what_is_missing_is_told_with_the_command_that_makes_it(directory, tmp_path):
    with pytest.raises(MedSynthError, match=r"no stage 'lesion'.*medsynth train lesion"):
        directory.config()
    with pytest.raises(MedSynthError, match="no stage 'lesion'"):
        directory.require_finished()
    directory.open(CONFIG, {}, resume=False)
    with pytest.raises(MedSynthError, match=r"'lesion' of this run is not finished.*--resume"):
        directory.require_finished()
    assert directory.name == "lesion" and directory.path == tmp_path / "lesion"


@pytest.mark.parametrize("content", ["", '{"stage": "les', "\x00\x00"])
def test_a_damaged_record_is_told_in_one_line(directory, content):
    directory.open(CONFIG, {}, resume=False)
    (directory.path / "config.json").write_text(content)
    with pytest.raises(MedSynthError, match=r"whole JSON.*config\.json") as caught:
        directory.open(CONFIG, {}, resume=False)
    assert "\n" not in str(caught.value)


def test_only_stages_and_the_judge_have_folders(tmp_path):
    assert [stage_directory(tmp_path, name).name for name in (*STAGES, "judge")] == [*STAGES, "judge"]
    with pytest.raises(MedSynthError, match=r"unknown stage.*Stages: structure"):
        stage_directory(tmp_path, "../lesion")
