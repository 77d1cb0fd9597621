"""Which model is meant, from whatever folder the question is asked."""

import inspect
import os
import subprocess
import sys

import pytest

import tf_medsynth
from tf_medsynth.saved_model.finding import find_version, newest_model, saved_models
from tf_medsynth.types import MedSynthError


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_newest_model_comes_along(tmp_path):
    for name, version, time in (("old", "3", 10), ("new", "1", 20), ("empty", "notes", 30)):
        (tmp_path / name / version).mkdir(parents=True)
        os.utime(tmp_path / name / version, (time, time))
    assert newest_model(tmp_path) == tmp_path / "new"


@pytest.mark.parametrize("model", ["phantom96", "saved_models/phantom96", None])
def test_a_model_that_comes_along_is_found_from_anywhere(elsewhere, model):
    newest = find_version(model)
    assert newest.parent == saved_models() / "phantom96"
    assert find_version(f"phantom96/{newest.name}") == newest


def test_a_folder_that_is_there_comes_first(elsewhere):
    (elsewhere / "phantom96" / "7").mkdir(parents=True)
    assert find_version("phantom96").resolve() == elsewhere / "phantom96" / "7"


@pytest.mark.parametrize("model", ["phantom", "phantom96/999", "phantom96/variables", "."])
def test_another_name_is_told_as_it_was_given(elsewhere, model):
    with pytest.raises(MedSynthError, match="no exported model stands here"):
        find_version(model)
    (elsewhere / "empty").mkdir()
    with pytest.raises(MedSynthError, match="no exported model comes along"):
        newest_model(elsewhere / "empty")


def test_every_verb_that_takes_a_model_takes_none_but_generate():
    for verb in ("sample", "gallery", "serve", "generate"):
        assert inspect.signature(getattr(tf_medsynth, verb)).parameters["model"].default is None


def test_the_command_serves_it_by_name(elsewhere):
    words = [sys.executable, "-m", "tf_medsynth.cli.main", "serve", "phantom96"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"--model_base_path={saved_models() / 'phantom96'}" in done.stdout
